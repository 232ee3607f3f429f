package ipstack

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/geo"
)

// TestReport is what the Test button shows.
type TestReport struct {
	OK            bool   `json:"ok"`
	Code          string `json:"code,omitempty"` // a failure code of this package; "" when OK
	Words         string `json:"words"`          // one or two sentences: what is wrong and how to mend it
	HasSecurity   bool   `json:"has_security"`   // the plan has the security module
	HasLocation   bool   `json:"has_location"`
	HasConnection bool   `json:"has_connection"`
	At            int64  `json:"at"` // unix microseconds
}

// Test makes one real look-up, also during a pause, and says in plain words
// whether the connection can be relied on. It is OK only if the answer has the
// security module, without which no rule could ever see a fact.
func (c *Client) Test(ctx context.Context) TestReport {
	key := c.cfg.Key()
	if key == "" {
		return TestReport{Code: NoKey, Words: words[NoKey], At: c.cfg.Now()}
	}
	r, p := c.ask(ctx, key, c.cfg.Probe)
	c.learn(key, c.cfg.Probe, p)
	rep := TestReport{At: r.At}
	if p != nil {
		rep.Code, rep.Words = p.Failure, p.Words()
		return rep
	}
	rep.HasSecurity = r.hasSecurity
	rep.HasLocation = r.Facts.Location.Country != ""
	rep.HasConnection = r.Facts.ASN != 0 || r.Facts.ISP != ""
	if !r.hasSecurity || unread(r.Facts) {
		rep.Code, rep.Words = NoSecurity, words[NoSecurity]
		return rep
	}
	rep.OK = true
	rep.Words = "The connection works: ipstack accepts the key and its answers have the security module."
	if !rep.HasLocation {
		rep.Words += " The test address came back without a location."
	}
	return rep
}

// unread reports whether the security module was there but said nothing.
func unread(f geo.Facts) bool {
	return f.Proxy == geo.Unknown && f.Tor == geo.Unknown && f.Crawler == geo.Unknown && f.Threat == geo.ThreatUnknown
}
