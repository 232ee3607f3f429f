package ipstack_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
	"github.com/lendkeep/lendkeep/internal/outbound"
)

const key = "s3cr3t-key-0123456789"

var start = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC).UnixMicro()

// desk is a client with a clock that the test turns, and what it alerted.
type desk struct {
	*ipstack.Client
	now    int64
	key    string
	alerts []string
	log    bytes.Buffer
}

func open(t testing.TB, url string, change func(*ipstack.Config)) *desk {
	t.Helper()
	d := &desk{now: start, key: key}
	out := outbound.New(outbound.Config{AllowLoopback: true, Timeout: 20 * time.Second, MaxBody: 64 << 10, Log: slog.New(slog.NewTextHandler(&d.log, nil)),
		Resolve: func(context.Context, string) ([]netip.Addr, error) {
			return nil, &net.DNSError{Err: "no such host", IsNotFound: true}
		}})
	t.Cleanup(out.CloseIdle)
	cfg := ipstack.Config{BaseURL: url, Key: func() string { return d.key }, Timeout: 20 * time.Second, Use: geo.UseAllowed, Out: out,
		Now:    func() int64 { return d.now },
		Public: func(a netip.Addr) bool { return !a.IsPrivate() && !a.IsLoopback() },
		Alert:  func(failure, words string, until int64) { d.alerts = append(d.alerts, failure) },
		Probe:  netip.MustParseAddr("203.0.113.10")}
	if change != nil {
		change(&cfg)
	}
	var err error
	if d.Client, err = ipstack.New(cfg); err != nil {
		t.Fatal(err)
	}
	return d
}

func standin(t testing.TB) (*ipstacktest.Standin, string) {
	t.Helper()
	s := ipstacktest.New(key)
	srv := httptest.NewServer(s)
	t.Cleanup(func() { s.Close(); srv.Close() })
	return s, srv.URL
}

// saying answers every request with one status and body.
func saying(t testing.TB, status int, body string) string {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}))
	t.Cleanup(srv.Close)
	return srv.URL
}

func ip(s string) netip.Addr { return netip.MustParseAddr(s) }

// secretFree fails if the key is anywhere in what is kept.
func secretFree(t testing.TB, d *desk, kept any) {
	t.Helper()
	b, err := json.Marshal(kept)
	if err != nil {
		t.Fatal(err)
	}
	if s := string(b) + fmt.Sprintf("%+v", kept) + d.log.String(); strings.Contains(s, key) || strings.Contains(s, "access_key=") {
		t.Errorf("the key got out: %s", s)
	}
}

func TestTheStandinsAddressesAreReadAsWhatTheyPlay(t *testing.T) {
	_, url := standin(t)
	d := open(t, url, nil)
	no, yes, dim := geo.NotDetected, geo.Detected, geo.Unknown
	for _, c := range []struct {
		addr                string
		proxy, tor, crawler geo.Tri
		threat              geo.Threat
		country             string
	}{
		{"203.0.113.10", no, no, no, geo.ThreatLow, "US"},
		{"203.0.113.20", yes, no, no, geo.ThreatLow, "US"},
		{"203.0.113.30", no, yes, no, geo.ThreatLow, "US"},
		{"203.0.113.40", no, no, yes, geo.ThreatLow, "US"},
		{"203.0.113.50", no, no, no, geo.ThreatMedium, "US"},
		{"203.0.113.60", no, no, no, geo.ThreatHigh, "US"},
		{"203.0.113.70", no, no, no, geo.ThreatLow, "RO"},
		{"203.0.113.80", dim, dim, dim, geo.ThreatUnknown, "US"},
		{"2001:db8::10", no, no, no, geo.ThreatLow, "US"},
		{"::ffff:203.0.113.20", yes, no, no, geo.ThreatLow, "US"},
		{"198.51.100.7", no, no, no, geo.ThreatLow, "US"},
	} {
		r := d.Lookup(t.Context(), ip(c.addr))
		f := r.Facts
		if r.State != geo.Answered || f.Proxy != c.proxy || f.Tor != c.tor || f.Crawler != c.crawler || f.Threat != c.threat || f.Location.Country != c.country {
			t.Errorf("%s: %+v", c.addr, r)
		}
		if r.Source != "ipstack" || r.At != start || len(r.RawHash) != 64 || r.Use != geo.UseAllowed || r.Failure != "" {
			t.Errorf("%s: record %+v", c.addr, r)
		}
		secretFree(t, d, r)
	}
}

func TestWhatCannotBeBelievedGivesNoFactAtAll(t *testing.T) {
	page := "<html><body>Too many requests</body></html>"
	for name, c := range map[string]struct {
		status  int
		body    string
		failure string
	}{
		"broken JSON":               {200, `{"ip":"203.0.113.10","security":{"is_proxy":fal`, ipstack.BrokenAnswer},
		"HTML with 200":             {200, page, ipstack.BrokenAnswer},
		"HTML with 429":             {429, page, ipstack.RateLimited},
		"HTML with 502":             {502, page, ipstack.ServerError},
		"HTML with 404":             {404, page, ipstack.NotFound},
		"HTML with 403":             {403, page, ipstack.InvalidKey},
		"nothing":                   {200, "", ipstack.EmptyAnswer},
		"a bulk list":               {200, `[{"ip":"203.0.113.10","security":{"is_proxy":false}}]`, ipstack.ListAnswer},
		"a number":                  {200, `17`, ipstack.BrokenAnswer},
		"null":                      {200, `null`, ipstack.BrokenAnswer},
		"trailing text":             {200, `{"ip":"203.0.113.10"} {"ip":"203.0.113.10"}`, ipstack.BrokenAnswer},
		"a name twice":              {200, `{"ip":"203.0.113.10","security":{"is_proxy":true,"is_proxy":false}}`, ipstack.BrokenAnswer},
		"not UTF-8":                 {200, "{\"ip\":\"203.0.113.10\",\"city\":\"\xff\"}", ipstack.BrokenAnswer},
		"JSON of somebody else":     {200, `{"hello":"world"}`, ipstack.NotIpstack},
		"another address":           {200, `{"ip":"198.51.100.9","security":{"is_proxy":false}}`, ipstack.WrongAddress},
		"address of a wrong type":   {200, `{"ip":3405803786}`, ipstack.NotIpstack},
		"good body with 500":        {500, `{"ip":"203.0.113.10","security":{"is_proxy":false}}`, ipstack.ServerError},
		"good body with 302":        {302, `{"ip":"203.0.113.10","security":{"is_proxy":false}}`, ipstack.Redirected},
		"bad key":                   {200, `{"success":false,"error":{"code":101,"type":"invalid_access_key","info":"x"}}`, ipstack.InvalidKey},
		"missing key, same code":    {200, `{"success":false,"error":{"code":101,"type":"missing_access_key","info":"x"}}`, ipstack.MissingKey},
		"inactive":                  {200, `{"success":false,"error":{"code":102,"type":"inactive_user"}}`, ipstack.InactiveUser},
		"no such function":          {200, `{"success":false,"error":{"code":103,"type":"invalid_api_function"}}`, ipstack.InvalidFunction},
		"quota":                     {200, `{"success":false,"error":{"code":104,"type":"usage_limit_reached"}}`, ipstack.UsageLimit},
		"quota, code as text":       {200, `{"success":false,"error":{"code":"104","type":"usage_limit_reached"}}`, ipstack.UsageLimit},
		"quota, code only":          {200, `{"success":false,"error":{"code":104}}`, ipstack.UsageLimit},
		"quota of the gateway":      {429, `{"message":"Your monthly usage limit has been reached. Please upgrade."}`, ipstack.UsageLimit},
		"quota, code is the type":   {429, `{"error":{"code":"usage_limit_reached","message":"x"}}`, ipstack.UsageLimit},
		"slow down":                 {429, `{"message":"API rate limit exceeded"}`, ipstack.RateLimited},
		"plan without endpoint":     {200, `{"success":false,"error":{"code":105,"type":"function_access_restricted"}}`, ipstack.FunctionDenied},
		"plan without HTTPS":        {200, `{"success":false,"error":{"code":105,"type":"https_access_restricted"}}`, ipstack.HTTPSDenied},
		"not an address":            {200, `{"success":false,"error":{"code":106,"type":"invalid_ip_address"}}`, ipstack.InvalidAddress},
		"bad fields":                {200, `{"success":false,"error":{"code":301,"type":"invalid_fields"}}`, ipstack.InvalidFields},
		"too many":                  {200, `{"success":false,"error":{"code":302,"type":"too_many_ips"}}`, ipstack.TooManyAddresses},
		"no bulk":                   {200, `{"success":false,"error":{"code":303,"type":"batch_not_supported_on_plan"}}`, ipstack.BatchDenied},
		"no resource":               {404, `{"success":false,"error":{"code":404,"type":"404_not_found"}}`, ipstack.NotFound},
		"undocumented type":         {200, `{"success":false,"error":{"code":999,"type":"new_kind"}}`, ipstack.ProviderError},
		"error beside good facts":   {200, `{"ip":"203.0.113.10","security":{"is_proxy":false},"error":{"code":104,"type":"usage_limit_reached"}}`, ipstack.UsageLimit},
		"error as a text":           {200, `{"error":"quota exceeded"}`, ipstack.UsageLimit},
		"success false, no error":   {200, `{"success":false}`, ipstack.ProviderError},
		"success of a wrong type":   {200, `{"success":0,"ip":"203.0.113.10"}`, ipstack.ProviderError},
		"code beyond reason":        {200, `{"success":false,"error":{"code":1e300,"type":"` + key + `"}}`, ipstack.ProviderError},
		"oversize":                  {200, `{"ip":"203.0.113.10","x":"` + strings.Repeat("x", 100<<10) + `"}`, ipstack.TooLarge},
		"gateway says unauthorized": {401, `{"message":"No API key found in request"}`, ipstack.InvalidKey},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, saying(t, c.status, c.body), nil)
			r := d.Lookup(t.Context(), ip("203.0.113.10"))
			if r.State != geo.Failed || r.Failure != c.failure || r.FailureWords == "" {
				t.Errorf("state %v, failure %q (%s), want %q", r.State, r.Failure, r.FailureWords, c.failure)
			}
			if b, _ := json.Marshal(r.Facts); string(b) != mustJSON(geo.Facts{}) {
				t.Errorf("facts got through: %s", b)
			}
			secretFree(t, d, r)
			rep := d.Test(t.Context())
			if rep.OK || rep.Code != c.failure || rep.Words == "" {
				t.Errorf("the Test button says %+v", rep)
			}
			secretFree(t, d, rep)
		})
	}
}

func mustJSON(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(b)
}

func TestAWrongTypeMakesOneFactUnknownAndLeavesTheOthers(t *testing.T) {
	for _, c := range []struct{ name, security, want string }{
		{"all well", `{"is_proxy":false,"is_tor":false,"is_crawler":false,"threat_level":"low"}`, "not_detected not_detected not_detected low"},
		{"null proxy", `{"is_proxy":null,"is_tor":false,"is_crawler":false,"threat_level":"low"}`, "unknown not_detected not_detected low"},
		{"texts and numbers for booleans", `{"is_proxy":"false","is_tor":0,"is_crawler":true,"threat_level":"low"}`, "unknown unknown detected low"},
		{"objects and lists", `{"is_proxy":{},"is_tor":[false],"is_crawler":false,"threat_level":["low"]}`, "unknown unknown not_detected unknown"},
		{"other case of names", `{"IS_PROXY":false,"Is_Tor":false,"is_crawler":false,"threat_level":"low"}`, "unknown unknown not_detected low"},
		{"odd grades", `{"is_proxy":false,"is_tor":false,"is_crawler":false,"threat_level":"extreme"}`, "not_detected not_detected not_detected unknown"},
		{"null grade", `{"is_proxy":false,"is_tor":false,"is_crawler":false,"threat_level":null}`, "not_detected not_detected not_detected unknown"},
		{"null module", `null`, "unknown unknown unknown unknown"},
		{"module is a list", `[]`, "unknown unknown unknown unknown"},
		{"module is a text", `"clean"`, "unknown unknown unknown unknown"},
		{"empty module", `{}`, "unknown unknown unknown unknown"},
	} {
		body := `{"ip":"203.0.113.10","country_code":"US","security":` + c.security + `}`
		f, _, p := ipstack.Decode(200, []byte(body), ip("203.0.113.10"))
		if p != nil {
			t.Errorf("%s: %s", c.name, p.Failure)
			continue
		}
		if got := fmt.Sprint(f.Proxy, f.Tor, f.Crawler, f.Threat); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
		if f.Location.Country != "US" {
			t.Errorf("%s: the country was lost", c.name)
		}
	}
}

func TestFieldsThatComeInSeveralForms(t *testing.T) {
	read := func(body string) geo.Facts {
		t.Helper()
		f, _, p := ipstack.Decode(200, []byte(`{"ip":"203.0.113.10",`+body+`}`), ip("203.0.113.10"))
		if p != nil {
			t.Fatalf("%s: %s", body, p.Failure)
		}
		return f
	}
	for body, want := range map[string]float64{`"radius":"143.37405"`: 143.37405, `"radius":30.01`: 30.01, `"radius":null`: 0, `"radius":"wide"`: 0,
		`"radius":-5`: 0, `"radius":"NaN"`: 0, `"radius":"1e99"`: 0, `"radius":[1]`: 0, `"x":1`: 0} {
		if got := read(body).Location.RadiusKM; got != want {
			t.Errorf("%s: %v, want %v", body, got, want)
		}
	}
	for body, want := range map[string]string{`null`: "", `"tor, attack_source"`: "tor|attack_source", `["tor","fake_crawler"]`: "tor|fake_crawler",
		`["tor",7,null,{}]`: "tor", `{}`: "", `[]`: "", `5`: ""} {
		if got := strings.Join(read(`"security":{"threat_types":`+body+`}`).ThreatTypes, "|"); got != want {
			t.Errorf("threat_types %s: %q, want %q", body, got, want)
		}
	}
	if got := read(`"security":{"crawler_type":"marketeing"}`).CrawlerType; got != "marketing" {
		t.Errorf("the misspelt crawler type is %q", got)
	}
	for body, want := range map[string]string{`"01230"`: "01230", `"703 53"`: "703 53", `1230`: "", `null`: ""} {
		if got := read(`"zip":` + body).Location.Postal; got != want {
			t.Errorf("zip %s: %q, want %q", body, got, want)
		}
	}
	for body, want := range map[string]bool{`"latitude":40.7,"longitude":-74.1`: true, `"latitude":40.7`: false, `"latitude":"40.7","longitude":"-74"`: false,
		`"latitude":0,"longitude":0`: false, `"latitude":140,"longitude":0`: false, `"latitude":null,"longitude":null`: false} {
		if got := read(body).Location.HasPoint; got != want {
			t.Errorf("%s: point %v, want %v", body, got, want)
		}
	}
	for body, want := range map[string]int64{`19994`: 19994, `"19994"`: 0, `1.5`: 0, `-1`: 0, `1e30`: 0, `null`: 0} {
		if got := read(`"connection":{"asn":` + body + `}`).ASN; got != want {
			t.Errorf("asn %s: %d, want %d", body, got, want)
		}
	}
	if got := read(`"security":{"proxy_last_detected":"2015-03-09T00:00:00"}`).ProxyLastDetected; got != "2015-03-09" {
		t.Errorf("proxy last detected: %q", got)
	}
	if got := read(`"connection":{"organization_type":"Internet Hosting Services"}`).Hosting; got != geo.Detected {
		t.Errorf("hosting by organisation: %v", got)
	}
	if got := read(`"ip_routing_type":"Mobile Gateway","connection_type":"Mobile Wireless"`); got.RoutingType != "mobile gateway" || got.ConnectionType != "mobile wireless" {
		t.Errorf("routing %q, line %q", got.RoutingType, got.ConnectionType)
	}
}

func TestTheRequestIsTheDocumentedOneAndNothingMore(t *testing.T) {
	var got *http.Request
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Clone(context.Background())
		_, _ = w.Write([]byte(`{"ip":"2001:0db8:0000:0000:0000:0000:0000:0010"}`))
	}))
	defer srv.Close()
	d := open(t, srv.URL+"/ipstack", nil)
	if r := d.Lookup(t.Context(), ip("2001:db8::10")); r.State != geo.Answered {
		t.Fatalf("an address written in full was not recognised: %+v", r)
	}
	if got.URL.Path != "/ipstack/2001:db8::10" || got.Method != "GET" {
		t.Errorf("%s %s", got.Method, got.URL.Path)
	}
	q := got.URL.Query()
	if len(q) != 4 || q.Get("access_key") != key || q.Get("security") != "1" || q.Get("language") != "en" || q.Get("output") != "json" {
		t.Errorf("parameters: %v", q)
	}
}

func TestAnAddressThatIsNotPublicIsNeverAsked(t *testing.T) {
	s, url := standin(t)
	d := open(t, url, nil)
	for _, a := range []netip.Addr{ip("10.0.0.1"), ip("127.0.0.1"), ip("::ffff:192.168.1.1"), ip("fd00::1"), {}} {
		if r := d.Lookup(t.Context(), a); r.State != geo.Failed || r.Failure != ipstack.NotPublic {
			t.Errorf("%v: %+v", a, r)
		}
	}
	if s.Calls() != 0 {
		t.Errorf("%d calls were made", s.Calls())
	}
}

func TestWithoutAKeyNothingIsAsked(t *testing.T) {
	s, url := standin(t)
	d := open(t, url, nil)
	d.key = ""
	if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.NotConfigured || r.Failure != ipstack.NoKey {
		t.Errorf("%+v", r)
	}
	if rep := d.Test(t.Context()); rep.OK || rep.Code != ipstack.NoKey {
		t.Errorf("%+v", rep)
	}
	if s.Calls() != 0 {
		t.Errorf("%d calls were made", s.Calls())
	}
}

func TestAnExhaustedQuotaStopsTheKeyUntilTheNextMonthAndAlertsOnce(t *testing.T) {
	s, url := standin(t)
	d := open(t, url, nil)
	quota, clean := ip("203.0.113.90"), ip("203.0.113.10")
	if r := d.Lookup(t.Context(), quota); r.Failure != ipstack.UsageLimit {
		t.Fatalf("%+v", r)
	}
	for range 5 {
		if r := d.Lookup(t.Context(), clean); r.State != geo.Failed || r.Failure != ipstack.CircuitOpen {
			t.Fatalf("the circuit did not open: %+v", r)
		}
	}
	if s.Calls() != 1 {
		t.Errorf("%d calls reached the provider, want 1", s.Calls())
	}
	d.now = time.Date(2026, time.November, 30, 23, 59, 59, 0, time.UTC).UnixMicro()
	if r := d.Lookup(t.Context(), clean); r.Failure != ipstack.CircuitOpen {
		t.Errorf("the last second of the month: %+v", r)
	}
	d.now = time.Date(2026, time.December, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
	if r := d.Lookup(t.Context(), clean); r.State != geo.Answered {
		t.Errorf("the new month: %+v", r)
	}
	if got := strings.Join(d.alerts, ","); got != ipstack.UsageLimit {
		t.Errorf("alerts: %s", got)
	}
}

func TestANewKeyOrASuccessfulTestEndsThePause(t *testing.T) {
	_, url := standin(t)
	d := open(t, url, nil)
	d.Lookup(t.Context(), ip("203.0.113.90"))
	d.key = "another"
	if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.Failure != ipstack.InvalidKey {
		t.Errorf("the other key was not tried: %+v", r)
	}
	d.key = key
	if rep := d.Test(t.Context()); !rep.OK {
		t.Errorf("the Test button did not ask: %+v", rep)
	}
	if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.Answered {
		t.Errorf("after the test: %+v", r)
	}
}

func TestInTheDemoTheQuotaCaseLeavesTheOtherAddressesAlone(t *testing.T) {
	s, url := standin(t)
	d := open(t, url, func(c *ipstack.Config) { c.QuotaPerAddress = true; c.QuotaPause = time.Hour })
	quota := ip("203.0.113.90")
	for _, want := range []string{ipstack.UsageLimit, ipstack.CircuitOpen} {
		if r := d.Lookup(t.Context(), quota); r.Failure != want {
			t.Errorf("%q, want %q", r.Failure, want)
		}
		if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.Answered {
			t.Errorf("a clean address: %+v", r)
		}
	}
	d.now += time.Hour.Microseconds()
	if r := d.Lookup(t.Context(), quota); r.Failure != ipstack.UsageLimit || s.CallsFor(quota) != 2 {
		t.Errorf("after the pause: %q, %d calls", r.Failure, s.CallsFor(quota))
	}
}

func TestAProviderThatNeverAnswersIsGivenUpInTime(t *testing.T) {
	_, url := standin(t)
	d := open(t, url, func(c *ipstack.Config) { c.Timeout = 50 * time.Millisecond })
	if r := d.Lookup(t.Context(), ip("203.0.113.100")); r.State != geo.Failed || r.Failure != ipstack.Timeout {
		t.Errorf("%+v", r)
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if r := d.Lookup(gone, ip("203.0.113.100")); r.State != geo.Failed || r.Failure != ipstack.Cancelled {
		t.Errorf("a caller who left: %+v", r)
	}
}

func TestTheTestButtonSaysWhatIsWrong(t *testing.T) {
	s, url := standin(t)
	closed := httptest.NewServer(s)
	closed.Close()
	secure := httptest.NewTLSServer(s)
	secure.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	t.Cleanup(secure.Close)
	moved := httptest.NewServer(http.RedirectHandler(url+"/203.0.113.10", http.StatusFound))
	t.Cleanup(moved.Close)
	for name, c := range map[string]struct {
		url    string
		change func(*ipstack.Config)
		code   string
		says   string
	}{
		"works":              {url, nil, "", "works"},
		"wrong key":          {url, func(c *ipstack.Config) { c.Key = func() string { return "wrong" } }, ipstack.InvalidKey, "access key"},
		"plan lacks module":  {url, func(c *ipstack.Config) { c.Probe = ip("203.0.113.80") }, ipstack.NoSecurity, "security module"},
		"quota":              {url, func(c *ipstack.Config) { c.Probe = ip("203.0.113.90") }, ipstack.UsageLimit, "quota"},
		"time-out":           {url, func(c *ipstack.Config) { c.Probe = ip("203.0.113.100"); c.Timeout = 50 * time.Millisecond }, ipstack.Timeout, "in time"},
		"nobody listens":     {closed.URL, nil, ipstack.Refused, "refused"},
		"untrusted":          {secure.URL, nil, ipstack.TLS, "certificate"},
		"redirect":           {moved.URL, nil, ipstack.Redirected, "another place"},
		"name unknown":       {"https://nowhere.invalid", nil, ipstack.DNS, "host name"},
		"inside the network": {"https://10.1.2.3", nil, ipstack.BlockedAddress, "inside"},
		"a wrong path":       {url + "/v2/x", nil, ipstack.NotFound, "base URL"},
	} {
		t.Run(name, func(t *testing.T) {
			d := open(t, c.url, c.change)
			rep := d.Test(t.Context())
			if rep.Code != c.code || rep.OK != (c.code == "") || !strings.Contains(rep.Words, c.says) {
				t.Errorf("%+v, want code %q and words with %q", rep, c.code, c.says)
			}
			if c.code == "" && !(rep.HasSecurity && rep.HasLocation && rep.HasConnection) {
				t.Errorf("modules: %+v", rep)
			}
			secretFree(t, d, rep)
		})
	}
}

func TestBaseURLs(t *testing.T) {
	for _, ok := range []string{ipstack.DefaultBaseURL, "https://api.apilayer.net/ipstack", "https://proxy.example:8443", "https://[2001:db8::1]:443/x"} {
		if err := ipstack.CheckBaseURL(ok, false); err != nil {
			t.Errorf("%s: %v", ok, err)
		}
	}
	for _, bad := range []string{"", "http://api.ipstack.com", "ftp://x", "api.ipstack.com", "https://", "https://u:p@h", "https://h?access_key=" + key, "https://h?", "https://h#x",
		"https://h/../x", "https://h:0", "https://h:", " https://h", "https://a b", "https:h", "https://h_h!", "https://" + strings.Repeat("h", 400), "http://127.0.0.1:1", "https://..", "javascript:alert(1)"} {
		err := ipstack.CheckBaseURL(bad, false)
		f := fault.As(err)
		if err == nil || f.Kind != fault.Invalid || len(f.Fields) != 1 || f.Fields[0].Path != "base_url" {
			t.Errorf("%q: %v", bad, err)
			continue
		}
		if bad != "" && strings.Contains(err.Error(), key) {
			t.Errorf("the error repeats the value: %v", err)
		}
	}
	if ipstack.CheckBaseURL("http://127.0.0.1:8181", true) != nil || ipstack.CheckBaseURL("http://10.0.0.1:8181", true) == nil {
		t.Error("plain http must be for loopback alone")
	}
	if _, err := ipstack.New(ipstack.Config{BaseURL: "http://api.ipstack.com"}); err == nil {
		t.Error("a client was made without its parts")
	}
}

// aPlainGetter shows that any Getter will do, and counts.
type aPlainGetter struct{ err error }

func (g aPlainGetter) Get(context.Context, string, http.Header) (*outbound.Answer, error) {
	return nil, g.err
}

func TestAnErrorWithTheKeyInItsTextIsNotRepeated(t *testing.T) {
	d := open(t, "https://h", func(c *ipstack.Config) {
		c.Out = aPlainGetter{fmt.Errorf("Get \"https://h/x?access_key=%s\": broken pipe", key)}
	})
	r := d.Lookup(t.Context(), ip("203.0.113.10"))
	if r.Failure != ipstack.Unreachable {
		t.Errorf("%+v", r)
	}
	secretFree(t, d, r)
	if r := open(t, "https://h", func(c *ipstack.Config) { c.Out = aPlainGetter{} }).Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.Failed {
		t.Errorf("no answer and no error: %+v", r)
	}
}
