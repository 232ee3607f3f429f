package ipstack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/geo/ipstack"
)

func TestWhatOnlyAPersonCanMendIsAlertedOncePerKey(t *testing.T) {
	s, url := standin(t)
	d := open(t, url, nil)
	d.key = "wrong"
	for range 3 {
		d.Lookup(t.Context(), ip("203.0.113.10"))
	}
	if got := strings.Join(d.alerts, " "); got != ipstack.InvalidKey || s.Calls() != 3 {
		t.Errorf("alerts %q after %d calls", got, s.Calls())
	}
	d.key = "wrong as well"
	d.Lookup(t.Context(), ip("203.0.113.10"))
	if len(d.alerts) != 2 {
		t.Errorf("a second bad key went unnoticed: %v", d.alerts)
	}
	// What works again and breaks again is news again.
	d.key = key
	d.Lookup(t.Context(), ip("203.0.113.10"))
	for range 2 {
		d.Lookup(t.Context(), ip("203.0.113.90"))
	}
	if got := strings.Join(d.alerts[2:], " "); got != ipstack.UsageLimit {
		t.Errorf("alerts: %q", got)
	}
}

func TestAShortLivedLimitPausesAMinuteWithoutAnAlert(t *testing.T) {
	d := open(t, saying(t, 429, `{"message":"API rate limit exceeded"}`), nil)
	for _, want := range []string{ipstack.RateLimited, ipstack.CircuitOpen} {
		if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.Failed || r.Failure != want {
			t.Errorf("%q, want %q", r.Failure, want)
		}
	}
	d.now += time.Minute.Microseconds()
	if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.Failure != ipstack.RateLimited {
		t.Errorf("after a minute: %q", r.Failure)
	}
	if len(d.alerts) != 0 {
		t.Errorf("alerts: %v", d.alerts)
	}
}

func TestAMomentaryTroubleNeitherPausesNorAlerts(t *testing.T) {
	d := open(t, saying(t, 503, "<html>busy</html>"), nil)
	for range 3 {
		if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.Failure != ipstack.ServerError {
			t.Errorf("%+v", r)
		}
	}
	if len(d.alerts) != 0 {
		t.Errorf("alerts: %v", d.alerts)
	}
}

func TestAPauseOfOneAddressDoesNotSayThatAllAreUnasked(t *testing.T) {
	_, url := standin(t)
	var words string
	var until int64 = -1
	d := open(t, url, func(c *ipstack.Config) {
		c.QuotaPerAddress = true
		c.Alert = func(_, w string, u int64) { words, until = w, u }
	})
	d.Lookup(t.Context(), ip("203.0.113.90"))
	if !strings.Contains(words, "Only the address") || until != 0 {
		t.Errorf("alert %q until %d", words, until)
	}
	if r := d.Lookup(t.Context(), ip("203.0.113.10")); r.State != geo.Answered {
		t.Errorf("another address is not asked about: %+v", r)
	}
}
