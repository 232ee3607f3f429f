package ipstacktest_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo/ipstacktest"
)

func get(t *testing.T, url string) (int, string, map[string]any) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	var m map[string]any
	_ = json.Unmarshal(b, &m) // HTML and broken answers stay nil
	return resp.StatusCode, string(b), m
}

func TestItSpeaksTheRealProtocol(t *testing.T) {
	s := ipstacktest.New("k")
	srv := httptest.NewServer(s)
	defer srv.Close()
	code := func(path string) float64 {
		t.Helper()
		status, body, m := get(t, srv.URL+path)
		e, _ := m["error"].(map[string]any)
		if status != 200 || m["success"] != false || e == nil {
			t.Fatalf("%s: %d %s", path, status, body)
		}
		n, _ := e["code"].(float64)
		return n
	}
	for path, want := range map[string]float64{
		"/203.0.113.10": 101, "/203.0.113.10?access_key=wrong": 101, "/203.0.113.10,203.0.113.20?access_key=k": 303,
		"/github.com?access_key=k": 106, "/check,?access_key=k": 303, "/203.0.113.90?access_key=k": 104, "/203.0.113.10?access_key=k&fields=security": 301,
	} {
		if got := code(path); got != want {
			t.Errorf("%s: error %v, want %v", path, got, want)
		}
	}
	if _, _, m := get(t, srv.URL+"/203.0.113.20?access_key=k&security=1"); m["success"] != nil || m["security"].(map[string]any)["is_proxy"] != true {
		t.Errorf("proxy: %v", m)
	}
	if _, _, m := get(t, srv.URL+"/203.0.113.20?access_key=k"); m["security"] != nil {
		t.Error("the security module came unasked")
	}
	if _, _, m := get(t, srv.URL+"/203.0.113.80?access_key=k&security=1"); m["ip"] != "203.0.113.80" || m["security"] != nil {
		t.Errorf("no security module: %v", m)
	}
	if _, _, m := get(t, srv.URL+"/check?access_key=k&security=1"); m["ip"] != "127.0.0.1" || m["country_code"] != nil {
		t.Errorf("check: %v", m)
	}
	if status, body, _ := get(t, srv.URL+"/some/page"); status != 404 || !strings.HasPrefix(body, "<!doctype html>") {
		t.Errorf("other paths: %d %s", status, body)
	}
	if _, body, m := get(t, srv.URL+"/203.0.113.110?access_key=k"); m != nil || body == "" {
		t.Errorf("broken JSON: %s", body)
	}
	if got := s.CallsFor(netip.MustParseAddr("203.0.113.20")); got != 2 {
		t.Errorf("%d calls counted", got)
	}
}

func TestTheSilentAddressHoldsUntilTheCallerGoesOrItIsClosed(t *testing.T) {
	s := ipstacktest.New("k")
	srv := httptest.NewServer(s)
	defer srv.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", srv.URL+"/203.0.113.100?access_key=k", nil)
	if err != nil {
		t.Fatal(err)
	}
	if resp, err := http.DefaultClient.Do(req); err == nil {
		resp.Body.Close()
		t.Error("the silent address answered")
	}
	s.Close()
	s.Close()
	if resp, err := http.Get(srv.URL + "/203.0.113.100?access_key=k"); err == nil {
		resp.Body.Close()
		t.Error("a closed stand-in answered for the silent address")
	}
}

func TestOrdinaryAddressesAlwaysGetTheSameAnswer(t *testing.T) {
	srv := httptest.NewServer(ipstacktest.New("k"))
	defer srv.Close()
	for _, a := range []string{"198.51.100.1", "198.51.100.2", "192.0.2.77", "2001:db8::77"} {
		_, one, m := get(t, srv.URL+"/"+a+"?access_key=k&security=1")
		_, two, _ := get(t, srv.URL+"/"+a+"?access_key=k&security=1")
		if one != two || m["country_code"] != "US" {
			t.Errorf("%s: %s", a, one)
		}
	}
}
