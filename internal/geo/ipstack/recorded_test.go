package ipstack_test

import (
	"encoding/json"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
)

// recorded reads the recorded answers that may lie beside the repository.
func recorded(t *testing.T) map[string][]byte {
	t.Helper()
	dir, err := filepath.Abs(filepath.Join("..", "..", "..", "..", "shared", "fixtures", "ipstack"))
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil || len(files) == 0 {
		t.Skip("no recorded answers beside the repository")
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[filepath.Base(f)] = b
	}
	return out
}

func TestRecordedAnswersAreRead(t *testing.T) {
	for name, body := range recorded(t) {
		if strings.HasPrefix(name, "15_") {
			continue
		}
		var raw struct {
			IP       string
			Country  *string `json:"country_code"`
			Zip      *string
			Security *struct {
				Proxy *bool `json:"is_proxy"`
				Tor   *bool `json:"is_tor"`
			}
		}
		if err := json.Unmarshal(body, &raw); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		addr, err := netip.ParseAddr(raw.IP)
		if err != nil { // the answer to a garbage request
			if _, _, p := ipstack.Decode(200, body, netip.MustParseAddr("203.0.113.10")); p == nil {
				t.Errorf("%s: an answer about no address was believed", name)
			}
			continue
		}
		f, hasSecurity, p := ipstack.Decode(200, body, addr)
		if p != nil {
			t.Errorf("%s: %s", name, p.Failure)
			continue
		}
		if want := text(raw.Country); f.Location.Country != want {
			t.Errorf("%s: country %q, want %q", name, f.Location.Country, want)
		}
		if want := text(raw.Zip); f.Location.Postal != want {
			t.Errorf("%s: postal code %q, want %q", name, f.Location.Postal, want)
		}
		if hasSecurity != (raw.Security != nil) {
			t.Errorf("%s: security module %v", name, hasSecurity)
		}
		proxy, tor := geo.Unknown, geo.Unknown
		if raw.Security != nil {
			proxy, tor = tri(raw.Security.Proxy), tri(raw.Security.Tor)
		}
		if f.Proxy != proxy || f.Tor != tor {
			t.Errorf("%s: proxy %v, Tor %v; want %v, %v", name, f.Proxy, f.Tor, proxy, tor)
		}
	}
}

func TestRecordedErrorsAreNamed(t *testing.T) {
	for name, body := range recorded(t) {
		if !strings.HasPrefix(name, "15_") {
			continue
		}
		var list []struct{ Body json.RawMessage }
		if err := json.Unmarshal(body, &list); err != nil || len(list) == 0 {
			t.Fatalf("%s: %v", name, err)
		}
		for _, e := range list {
			var want struct {
				Error struct{ Type string }
			}
			if err := json.Unmarshal(e.Body, &want); err != nil {
				t.Fatal(err)
			}
			if _, _, p := ipstack.Decode(200, e.Body, netip.MustParseAddr("203.0.113.10")); p == nil || p.Failure != want.Error.Type {
				t.Errorf("%s: %+v, want %s", e.Body, p, want.Error.Type)
			}
		}
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func tri(b *bool) geo.Tri {
	if b == nil {
		return geo.Unknown
	}
	return geo.TriOf(*b)
}

func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{"ip":"203.0.113.10","security":{"is_proxy":false,"threat_types":["tor"]},"radius":"3"}`,
		`{"success":false,"error":{"code":"104","type":"usage_limit_reached"}}`,
		`[{"ip":"203.0.113.10"}]`, `{"message":"quota"}`, `<html>`, ``, "\ufeff{}", `{"ip":"203.0.113.10","latitude":1e999}`,
		`{"ip":"203.0.113.10","security":{"is_proxy":true,"is_proxy":false}}`,
	} {
		f.Add(200, []byte(s))
		f.Add(429, []byte(s))
	}
	addr := netip.MustParseAddr("203.0.113.10")
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		facts, hasSecurity, p := ipstack.Decode(status, body, addr)
		if p != nil {
			if p.Words() == "" || p.Failure == "" {
				t.Fatalf("a problem without words: %+v", p)
			}
			if facts.Proxy != geo.Unknown || facts.Tor != geo.Unknown || facts.Location.Country != "" || hasSecurity {
				t.Fatalf("facts beside a problem: %+v", facts)
			}
			return
		}
		if !hasSecurity && (facts.Proxy != geo.Unknown || facts.Tor != geo.Unknown || facts.Crawler != geo.Unknown || facts.Threat != geo.ThreatUnknown) {
			t.Fatalf("facts without a security module: %+v", facts)
		}
		if facts.Proxy == geo.NotDetected && !strings.Contains(string(body), "false") {
			t.Fatalf("clean without a false: %q", body)
		}
		if _, err := json.Marshal(facts); err != nil {
			t.Fatalf("facts that cannot be stored: %v", err)
		}
	})
}
