package ipstack

import (
	"encoding/json"
	"math"
	"net/netip"
	"regexp"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/lendkeep/lendkeep/internal/geo"
)

// object is one JSON object whose members are not yet read. Looking a member
// up by its exact name and reading it by its exact type is the whole decoder:
// what is absent, null or of another type stays unknown, and cannot spoil the
// members beside it.
type object map[string]json.RawMessage

// Decode reads one answer of ipstack about the address asked. The body is
// looked at first and the status second, because ipstack reports its errors
// with status 200. The facts are meaningful only when the problem is nil;
// hasSecurity tells whether the answer had the security module at all.
func Decode(status int, body []byte, asked netip.Addr) (facts geo.Facts, hasSecurity bool, p *Problem) {
	root, p := read(status, body)
	if p != nil {
		return geo.Facts{}, false, p
	}
	echo, err := netip.ParseAddr(root.text("ip"))
	if err != nil {
		return geo.Facts{}, false, problem(NotIpstack)
	}
	if echo.Unmap().WithZone("") != asked.Unmap().WithZone("") {
		return geo.Facts{}, false, problem(WrongAddress)
	}
	if status < 200 || status > 299 {
		return geo.Facts{}, false, byStatus(status)
	}
	security := root.object("security")
	return root.facts(security).Bounded(), security != nil, nil
}

// read gives the answer as an object, or the problem that it reports or is.
func read(status int, body []byte) (object, *Problem) {
	text := strings.TrimSpace(strings.TrimPrefix(string(body), "\ufeff"))
	if text == "" {
		return nil, otherwise(status, EmptyAnswer)
	}
	// The strict reader also refuses doubled names and bytes that are not
	// UTF-8: an answer that says two things at once says nothing.
	if !jsontext.Value(text).IsValid() {
		return nil, otherwise(status, BrokenAnswer)
	}
	if text[0] == '[' {
		return nil, otherwise(status, ListAnswer)
	}
	var root object
	if json.Unmarshal([]byte(text), &root) != nil || root == nil {
		return nil, otherwise(status, BrokenAnswer)
	}
	if p := root.reported(status); p != nil {
		return nil, p
	}
	return root, nil
}

// otherwise prefers what a telling status says (429, 5xx, a redirect) over a
// body that could not be read.
func otherwise(status int, failure string) *Problem {
	if status >= 200 && status <= 299 {
		return problem(failure)
	}
	return byStatus(status)
}

// reported finds an error that the answer itself reports: ipstack's own form,
// and the two forms of the gateway in front of it.
func (o object) reported(status int) *Problem {
	success, errored := o["success"], o["error"]
	message := o.text("message")
	if e := o.object("error"); e != nil {
		return e.asProblem(status)
	}
	if len(errored) > 0 && string(errored) != "null" {
		return asReported(status, "", "", o.text("error")+" "+message)
	}
	if len(success) > 0 && string(success) != "true" {
		return asReported(status, "", "", message)
	}
	if message != "" && o.text("ip") == "" {
		return asReported(status, "", "", message)
	}
	return nil
}

// asProblem reads {"code","type","info"|"message"}; the code is a number with
// ipstack and a word with its gateway.
func (o object) asProblem(status int) *Problem {
	code, kind := "", o.text("type")
	if n, ok := o.number("code"); ok && n == math.Trunc(n) && math.Abs(n) < 1e6 {
		code = strconv.Itoa(int(n))
	} else if w := o.text("code"); w != "" {
		if _, err := strconv.Atoi(w); err == nil {
			code = w
		} else if kind == "" {
			kind = w
		}
	}
	return asReported(status, code, kind, o.text("info")+" "+o.text("message"))
}

func (o object) facts(security object) geo.Facts {
	location, connection := o.object("location"), o.object("connection")
	f := geo.Facts{
		Proxy:             security.yesNo("is_proxy"),
		Tor:               security.yesNo("is_tor"),
		Crawler:           security.yesNo("is_crawler"),
		Threat:            threat(security.text("threat_level")),
		ProxyType:         security.text("proxy_type"),
		VPNService:        security.text("vpn_service"),
		ProxyLastDetected: date(security.text("proxy_last_detected")),
		CrawlerName:       security.text("crawler_name"),
		CrawlerType:       crawlerType(security.text("crawler_type")),
		ThreatTypes:       security.texts("threat_types"),
		Hosting:           hosting(security, connection),
		Home:              connection.yesNo("home"),
		ConnectionType:    strings.ToLower(o.text("connection_type")),
		RoutingType:       strings.ToLower(o.text("ip_routing_type")),
		ISP:               connection.text("isp"),
		CallingCode:       location.text("calling_code"),
		TimeZone:          o.object("time_zone").text("id"),
		Location: geo.Location{
			Country:    o.text("country_code"),
			Region:     strings.ToUpper(o.text("region_code")),
			RegionName: o.text("region_name"),
			City:       o.text("city"),
			Postal:     o.text("zip"),
			RadiusKM:   o.kilometres("radius"),
		},
	}
	if n, ok := connection.number("asn"); ok && n == math.Trunc(n) && n > 0 && n <= math.MaxUint32 {
		f.ASN = int64(n)
	}
	lat, ok1 := o.number("latitude")
	lon, ok2 := o.number("longitude")
	// 0,0 is a spot in the ocean: it is what a database writes for "no point".
	if ok1 && ok2 && (lat != 0 || lon != 0) {
		f.Location.Lat, f.Location.Lon, f.Location.HasPoint = lat, lon, true
	}
	return f
}

// hosting takes the security module's word, and for a plan without it the
// kind of organisation that runs the network; the latter can only detect.
func hosting(security, connection object) geo.Tri {
	if t := security.yesNo("hosting_facility"); t != geo.Unknown {
		return t
	}
	if strings.Contains(strings.ToLower(connection.text("organization_type")), "hosting") {
		return geo.Detected
	}
	return geo.Unknown
}

func threat(s string) geo.Threat {
	switch strings.ToLower(strings.TrimSpace(s)) {
	case "low":
		return geo.ThreatLow
	case "medium":
		return geo.ThreatMedium
	case "high":
		return geo.ThreatHigh
	}
	return geo.ThreatUnknown
}

// crawlerType mends the documentation's own misspelling, which reaches clients.
func crawlerType(s string) string {
	s = strings.ToLower(strings.TrimSpace(s))
	if s == "marketeing" {
		return "marketing"
	}
	return s
}

var isoDate = regexp.MustCompile(`^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])`)

func date(s string) string { return isoDate.FindString(s) }

// text reads a string member; everything else is "".
func (o object) text(name string) string {
	var s *string
	if json.Unmarshal(o[name], &s) != nil || s == nil {
		return ""
	}
	return *s
}

// yesNo reads a boolean member; null, absent, 0 and "false" are all unknown.
func (o object) yesNo(name string) geo.Tri {
	var b *bool
	if json.Unmarshal(o[name], &b) != nil || b == nil {
		return geo.Unknown
	}
	return geo.TriOf(*b)
}

// number reads a number member.
func (o object) number(name string) (float64, bool) {
	var n *float64
	if json.Unmarshal(o[name], &n) != nil || n == nil {
		return 0, false
	}
	return *n, true
}

// kilometres reads a distance that is sometimes a number and sometimes a text.
func (o object) kilometres(name string) float64 {
	n, ok := o.number(name)
	if !ok {
		v, err := strconv.ParseFloat(strings.TrimSpace(o.text(name)), 64)
		if err != nil {
			return 0
		}
		n = v
	}
	if !(n > 0) || math.IsInf(n, 0) {
		return 0
	}
	return n
}

// texts reads a list of strings, or one string with commas between them.
func (o object) texts(name string) []string {
	var out []string
	if s := o.text(name); s != "" {
		for _, part := range strings.Split(s, ",") {
			out = append(out, strings.TrimSpace(part))
		}
		return out
	}
	var list []json.RawMessage
	if json.Unmarshal(o[name], &list) != nil {
		return nil
	}
	for i, raw := range list {
		var s string
		if i < 64 && json.Unmarshal(raw, &s) == nil {
			out = append(out, s)
		}
	}
	return out
}

// object reads a member that is an object; everything else is nil, and every
// member of a nil object is unknown.
func (o object) object(name string) object {
	raw := strings.TrimSpace(string(o[name]))
	if raw == "" || raw[0] != '{' {
		return nil
	}
	var sub object
	if json.Unmarshal([]byte(raw), &sub) != nil {
		return nil
	}
	return sub
}
