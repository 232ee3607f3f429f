package house_test

import (
	"encoding/json"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/db"
)

// TestABadExpressionIsRefusedQuicklyWithPlaceAndMeaning: over HTTP, with 422, the
// field, the place and what is wrong, in under 50 ms and 16 MB, for saving and
// for previewing alike.
func TestABadExpressionIsRefusedQuicklyWithPlaceAndMeaning(t *testing.T) {
	w := settle(t, db.SQLite, 3)
	for name, text := range map[string]string{
		"does not compile":       `loan.status == `,
		"no such field":          `loan.stauts == "active"`,
		"too deep":               strings.Repeat("(", 400) + "true" + strings.Repeat(")", 400),
		"too many negations":     strings.Repeat("!", 1000) + "true",
		"too long":               `loan.number == "` + strings.Repeat("x", 9000) + `"`,
		"compares other types":   `loan.balance == "250.00"`,
		"a list with one of two": `loan.status in ["active", 3]`,
		"no boolean":             `loan.number`,
		"a number":               `250`,
		"a macro":                `loan.portfolios.exists(p, p == "Acme")`,
		"a regular expression":   `loan.number.matches("(a+)+$")`,
		"arithmetic":             `loan.days_past_due + 1 > 3`,
	} {
		body, err := json.Marshal(map[string]string{"name": "Bad", "visible": text})
		check(t, err)
		for _, path := range []string{"/search-restrictions", "/search-restrictions/preview"} {
			sent := string(body)
			if strings.HasSuffix(path, "preview") {
				sent = strings.Replace(sent, `"name":"Bad",`, "", 1)
			}
			// The least of a few tries: the machine may be busy with other things.
			took, grew := time.Hour, uint64(1<<62)
			var got seen
			for range 5 {
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				begin := time.Now()
				got = w.ask(w.boss, "POST", path, sent)
				took = min(took, time.Since(begin))
				runtime.ReadMemStats(&after)
				grew = min(grew, after.TotalAlloc-before.TotalAlloc)
			}
			if took > 50*time.Millisecond || grew > 16<<20 {
				t.Errorf("%s to %s: %v and %d bytes", name, path, took, grew)
			}
			var p struct {
				Errors []struct{ Field, Message string }
			}
			check(t, json.Unmarshal([]byte(got.body), &p))
			if got.status != http.StatusUnprocessableEntity || len(p.Errors) == 0 || p.Errors[0].Field != "visible" || len(p.Errors[0].Message) < 10 {
				t.Errorf("%s to %s: %d %s", name, path, got.status, got.body)
				continue
			}
			if placed := strings.HasPrefix(p.Errors[0].Message, "line 1, column "); !placed && name != "too long" {
				t.Errorf("%s to %s has no place: %s", name, path, p.Errors[0].Message)
			}
		}
	}
}
