package demo

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/time/rate"
)

// networks are the applicants' addresses with what the stand-in answers.
func networks() []string {
	return []string{
		"203.0.113.10", "203.0.113.10", "203.0.113.20", "203.0.113.10", "203.0.113.30", "2001:db8::10", "203.0.113.40", "203.0.113.10",
		"203.0.113.50", "203.0.113.10", "203.0.113.60", "203.0.113.70", "203.0.113.10", "203.0.113.80", "203.0.113.90", "2001:db8::10",
		"203.0.113.100", "203.0.113.10", "203.0.113.110", "203.0.113.10",
	}
}

const applications = 40

// apply hands in the sample applications through the API, waits for their
// checks, and has the underwriter decide some.
func (b *builder) apply(ctx context.Context) error {
	ids := make([]string, applications)
	for i := range ids {
		var made struct{ ID string }
		if err := b.call(ctx, http.MethodPost, "/applications", b.facts.ServerKey, b.application(i), &made); err != nil {
			return err
		}
		ids[i] = made.ID
		b.Told("applications", i+1, applications)
	}
	if err := b.settled(ctx, ids); err != nil {
		return err
	}
	return b.decide(ctx, ids)
}

func (b *builder) application(i int) map[string]any {
	first, last := pick(b, firstNames()), pick(b, lastNames())
	home := place{"New York", "NY", "10001"}
	if i%9 == 4 {
		home = pick(b, places()) // declared elsewhere than where they connect from
	}
	return map[string]any{
		"applicant": map[string]any{
			"first_name": first, "last_name": last, "email": fmt.Sprintf("%s.a%d@example.com", asciiLower(first), i+1),
			"phone": fmt.Sprintf("+1212555%04d", 100+(i*7)%97), "date_of_birth": fmt.Sprintf("%d-%02d-%02d", 1955+b.random.IntN(48), 1+b.random.IntN(12), 1+b.random.IntN(28)),
			"ssn":     fmt.Sprintf("%03d-%02d-%04d", 100+b.random.IntN(500), 1+b.random.IntN(99), 1+b.random.IntN(9999)),
			"address": map[string]any{"line1": fmt.Sprintf("%d %s", 1+b.random.IntN(999), pick(b, streets())), "city": home.city, "region": home.region, "postal_code": home.postal, "country": "US"},
		},
		"requested": map[string]any{"amount": fmt.Sprintf("%d.00", 500*(1+b.random.IntN(30))), "term_months": pick(b, []int{6, 12, 24, 36, 48}), "purpose": pick(b, purposes())},
		"client":    map[string]any{"address": networks()[i%len(networks())], "user_agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0 Safari/537.36"},
	}
}

// checkWait bounds how long the demo waits for a check; one address of the
// stand-in never answers, so the client's own time-out must come first.
const checkWait = 20 * time.Second

// settled waits until no check is pending.
func (b *builder) settled(ctx context.Context, ids []string) error {
	ctx, cancel := context.WithTimeout(ctx, checkWait)
	defer cancel()
	pace := rate.NewLimiter(rate.Every(50*time.Millisecond), 1)
	for _, a := range ids {
		for {
			var out struct {
				Check struct{ State string } `json:"network_check"`
			}
			if err := b.call(ctx, http.MethodGet, "/applications/"+a, b.facts.Users["admin"].APIKey, nil, &out); err != nil {
				return err
			}
			if out.Check.State != "pending" {
				break
			}
			if err := pace.Wait(ctx); err != nil {
				return fmt.Errorf("the network check of %s is still pending: %w", a, err)
			}
		}
	}
	return nil
}

// decide has the underwriter approve two and reject one of those that wait.
func (b *builder) decide(ctx context.Context, ids []string) error {
	key := b.facts.Users["underwriter"].APIKey
	acts := []struct {
		path string
		body map[string]any
	}{
		{"approve", map[string]any{"amount": "2500.00", "annual_rate": "12.5", "term_months": 24, "reason": "Income verified."}},
		{"approve", map[string]any{"amount": "4000.00", "annual_rate": "9.99", "term_months": 36, "reason": "Repeat borrower."}},
		{"reject", map[string]any{"reason": "Two pay slips do not agree.", "adverse_reasons": []string{"We could not verify your income."}}},
	}
	for _, a := range ids {
		if len(acts) == 0 {
			return nil
		}
		var out struct{ Status string }
		if err := b.call(ctx, http.MethodGet, "/applications/"+a, key, nil, &out); err != nil {
			return err
		}
		if out.Status != "waiting_for_approval" {
			continue
		}
		if err := b.call(ctx, http.MethodPost, "/applications/"+a+"/"+acts[0].path, key, acts[0].body, nil); err != nil {
			return err
		}
		acts = acts[1:]
	}
	return nil
}
