package origination_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/rulebook"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// rules reads the network rules as whoever changes them sends them back.
func (b *bench) rules(t *testing.T) rulebook.RulesIn {
	t.Helper()
	out, err := gatetest.Do(b.House, b.desk.NetworkRules, b.Key("underwriter"), rulebook.Nothing{})
	must(t, err)
	return rulebook.RulesIn{Version: out.Version, Rules: out.Rules}
}

func TestEveryFaultyFieldIsNamedAndNoValueRepeated(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		cases := []struct {
			field  string
			change func(*origination.SubmitIn)
		}{
			{"applicant.first_name", func(in *origination.SubmitIn) { in.Applicant.FirstName = " " }},
			{"applicant.first_name", func(in *origination.SubmitIn) { in.Applicant.FirstName = "zzq\u202ezzq" }},
			{"applicant.last_name", func(in *origination.SubmitIn) { in.Applicant.LastName = "12345" }},
			{"applicant.last_name", func(in *origination.SubmitIn) { in.Applicant.LastName = strings.Repeat("zzq", 60) }},
			{"applicant.email", func(in *origination.SubmitIn) { in.Applicant.Email = "zzq@" }},
			{"applicant.email", func(in *origination.SubmitIn) { in.Applicant.Email = "zzq zzq@example.com" }},
			{"applicant.email", func(in *origination.SubmitIn) { in.Applicant.Email = "zzq@example..com" }},
			{"applicant.phone", func(in *origination.SubmitIn) { in.Applicant.Phone = "555-zzq" }},
			{"applicant.phone", func(in *origination.SubmitIn) { in.Applicant.Phone = "12345" }},
			{"applicant.date_of_birth", func(in *origination.SubmitIn) { in.Applicant.DateOfBirth = "2990-zzq" }},
			{"applicant.date_of_birth", func(in *origination.SubmitIn) { in.Applicant.DateOfBirth = "2030-01-01" }},
			{"applicant.date_of_birth", func(in *origination.SubmitIn) { in.Applicant.DateOfBirth = "1800-01-01" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "000-12-3456" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "666-12-3456" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "912-12-3456" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "123-00-3456" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "123-12-0000" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "666-12-3456" }},
			{"applicant.ssn", func(in *origination.SubmitIn) { in.Applicant.SSN = "12345678" }},
			{"applicant.address.line1", func(in *origination.SubmitIn) { in.Applicant.Address.Line1 = "" }},
			{"applicant.address.city", func(in *origination.SubmitIn) { in.Applicant.Address.City = "" }},
			{"applicant.address.region", func(in *origination.SubmitIn) { in.Applicant.Address.Region = "ZZ" }},
			{"applicant.address.region", func(in *origination.SubmitIn) { in.Applicant.Address.Region = "" }},
			{"applicant.address.postal_code", func(in *origination.SubmitIn) { in.Applicant.Address.PostalCode = "1000" }},
			{"applicant.address.postal_code", func(in *origination.SubmitIn) {
				in.Applicant.Address.Country, in.Applicant.Address.PostalCode = "GB", "10001"
			}},
			{"applicant.address.country", func(in *origination.SubmitIn) { in.Applicant.Address.Country = "XX" }},
			{"applicant.address.country", func(in *origination.SubmitIn) { in.Applicant.Address.Country = "USA" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "0.00" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "-5.00" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "1000000.01" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "12.345" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "99999999999999999999" }},
			{"requested.amount", func(in *origination.SubmitIn) { in.Requested.Amount = "1e3" }},
			{"requested.term_months", func(in *origination.SubmitIn) { in.Requested.TermMonths = 0 }},
			{"requested.term_months", func(in *origination.SubmitIn) { in.Requested.TermMonths = 121 }},
			{"requested.purpose", func(in *origination.SubmitIn) { in.Requested.Purpose = strings.Repeat("zzq ", 60) }},
			{"client", func(in *origination.SubmitIn) { in.Client = &origination.ClientIn{Address: clean} }},
			{"source_company", func(in *origination.SubmitIn) { in.SourceCompany = "Northside" }},
		}
		for _, c := range cases {
			in := newYorker()
			c.change(&in)
			_, err := gatetest.Do(b.House, b.desk.Submit, b.portal(clean), in)
			if got := fields(err); !fault.Is(err, fault.Invalid) || !got[c.field] || len(got) != 1 {
				t.Errorf("%s: %v", c.field, err)
			}
			if err != nil && strings.Contains(err.Error(), "zzq") {
				t.Errorf("%s: the value is repeated", c.field)
			}
		}
		_, err := gatetest.Do(b.House, b.desk.Submit, b.portal(clean), origination.SubmitIn{})
		if got := fields(err); len(got) < 11 {
			t.Errorf("an empty application names %d fields: %v", len(got), got)
		}
		in := newYorker()
		in.Requested.Purpose = "charge 4111 1111 1111 1111"
		_, err = gatetest.Do(b.House, b.desk.Submit, b.portal(clean), in)
		if fault.As(err).Reason != "card_number" {
			t.Errorf("a card number: %v", err)
		}
		for _, x := range []string{"application", "network_check", "verdict", "job"} {
			if n := b.count(t, `SELECT COUNT(*) FROM `+x); n != 0 {
				t.Errorf("%d rows in %s after nothing but bad input", n, x)
			}
		}
	})
}

func TestAServerSaysWhereItsApplicantCameFrom(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		in := newYorker()
		_, err := gatetest.Do(b.House, b.desk.Submit, b.Key("intake"), in)
		if got := fields(err); !got["client"] {
			t.Errorf("without a client: %v", err)
		}
		for _, bad := range []string{"", "10.0.0.1", "127.0.0.1", "192.0.2.1", "fe80::1%eth0", "::ffff:192.168.1.1", "203.0.113.10:80", "0203.0.113.10", "example.com"} {
			in.Client = &origination.ClientIn{Address: bad}
			_, err := gatetest.Do(b.House, b.desk.Submit, b.Key("intake"), in)
			if got := fields(err); !got["client.address"] || bad != "" && strings.Contains(err.Error(), bad) {
				t.Errorf("%q: %v", bad, err)
			}
		}
		in.Client = &origination.ClientIn{Address: "203.0.113.30", UserAgent: "Mozilla/5.0"}
		in.SourceCompany = "Southside"
		out, err := gatetest.Do(b.House, b.desk.Submit, b.Key("intake"), in)
		must(t, err)
		b.await(t, origination.CheckJob)
		v := b.view(t, out.ID)
		if v.Channel != "server" || v.Status != "rejected" || v.NetworkCheck.ClientAddress != "203.0.113.30" || v.NetworkCheck.ChosenBy != "given_by_server" || v.SourceCompany != "Southside" {
			t.Errorf("%+v", v)
		}
	})
}

func TestAnOfficersOwnAddressSaysNothingAboutAnApplicant(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		out, err := gatetest.Do(b.House, b.desk.Submit, b.Screen("manager"), newYorker())
		must(t, err)
		v := b.view(t, out.ID)
		if v.Status != "waiting_for_approval" || v.NetworkCheck.State != "not_applicable" || v.NetworkCheck.ClientAddress != "" || v.NetworkCheck.Facts.Proxy != "unknown" {
			t.Fatalf("%s %s %q", v.Status, v.NetworkCheck.State, v.NetworkCheck.ClientAddress)
		}
		if v.Decision.RulesUsed != 0 || b.count(t, `SELECT COUNT(*) FROM job`) != 0 {
			t.Errorf("%d rules used", v.Decision.RulesUsed)
		}
		_, err = gatetest.Do(b.House, b.desk.Reprocess, b.Key("underwriter"), origination.ReprocessIn{ID: out.ID, Reason: "Again.", Recheck: true})
		wantKind(t, err, fault.Invalid)
		for _, role := range []string{"agent", "investor"} {
			_, err := gatetest.Do(b.House, b.desk.Submit, b.Key(role), newYorker())
			wantKind(t, err, fault.Denied)
		}
	})
}

func TestWhatIsPersonalIsSealedAndMasked(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		a := b.apply(t, clean, nil)
		v := printed(b.view(t, a))
		for _, plain := range []string{"ada@example.com", "2125550123", "123456789", "123-45-6789", "5 Example Street"} {
			if strings.Contains(v, plain) {
				t.Errorf("the view shows %s whole", plain)
			}
		}
		for _, row := range []string{`SELECT COUNT(*) FROM application WHERE email = ? OR phone = ? OR ssn = ? OR line1 = ? OR date_of_birth = ?`} {
			if n := b.count(t, row, []byte("ada@example.com"), []byte("+12125550123"), []byte("123456789"), []byte("5 Example Street"), []byte("1990-04-01")); n != 0 {
				t.Error("something lies open")
			}
		}
		for _, q := range []string{"ada@example.com", "ADA@Example.com ", "+1 (212) 555-0123", "2125550123", "ada", "example a", "Example", "A-1001", "1001"} {
			out, err := gatetest.Do(b.House, b.desk.List, b.Key("underwriter"), origination.ListIn{Q: q})
			must(t, err)
			if len(out.Items) != 1 || out.Items[0].ID != a {
				t.Errorf("%q finds %d", q, len(out.Items))
			}
		}
		for _, q := range []string{"bda", "ada@example.org", "A-1002", "%", "_da"} {
			out, err := gatetest.Do(b.House, b.desk.List, b.Key("underwriter"), origination.ListIn{Q: q})
			must(t, err)
			if len(out.Items) != 0 {
				t.Errorf("%q finds %d", q, len(out.Items))
			}
		}
		must(t, b.Tenant.Persons.Destroy(t.Context(), string(a)))
		if v := b.view(t, a); v.NetworkCheck.ClientAddress != "" || v.Status != "manual_review" {
			t.Errorf("after erasure: %+v", v.NetworkCheck)
		}
	})
}

func TestRestrictionsHoldInListCountDirectReadAndRelated(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		want := map[id.Application]bool{}
		var hidden, seen id.Application
		for i := range 30 {
			region, code := "NY", "10001"
			if i%3 != 0 {
				region, code = "CA", "90001"
			}
			a := b.apply(t, clean, func(in *origination.SubmitIn) {
				in.Applicant.Address.Region, in.Applicant.Address.PostalCode = region, code
				in.Requested.Amount = fmt.Sprintf("%d.00", 1000+i*100)
			})
			if region == "NY" && 1000+i*100 < 3000 {
				want[a], seen = true, a
			} else {
				hidden = a
			}
		}
		b.Restrict(t, "underwriter", policy.Restriction{Visible: `loan.status == "active"`, Applications: `application.state == "NY" && application.amount < money("3000.00")`})
		got := map[id.Application]bool{}
		in := origination.ListIn{Paging: docket.Paging{Limit: 4}}
		for {
			out, err := gatetest.Do(b.House, b.desk.List, b.Key("underwriter"), in)
			must(t, err)
			if out.Total != int64(len(want)) || out.TotalIs != "exact" {
				t.Fatalf("total %d %s, want %d", out.Total, out.TotalIs, len(want))
			}
			for _, x := range out.Items {
				got[x.ID] = true
			}
			if in.Cursor = out.Next; out.Next == "" {
				break
			}
		}
		if len(got) != len(want) || !got[seen] || got[hidden] {
			t.Errorf("sees %d of %d", len(got), len(want))
		}
		for _, q := range []string{"Ada", "ada@example.com"} {
			out, err := gatetest.Do(b.House, b.desk.List, b.Key("underwriter"), origination.ListIn{Q: q})
			must(t, err)
			if out.Total != int64(len(want)) {
				t.Errorf("a search counts %d", out.Total)
			}
		}
		rel, err := gatetest.Do(b.House, b.desk.RelatedList, b.Key("underwriter"), origination.Ref{ID: seen})
		must(t, err)
		if rel.Total != int64(len(want)-1) || len(rel.Items) != len(want)-1 {
			t.Errorf("related: %d", rel.Total)
		}
		all, err := gatetest.Do(b.House, b.desk.RelatedList, b.Key("admin"), origination.Ref{ID: seen})
		must(t, err)
		if all.Total != 29 || !slices.Equal(all.Items[0].Same, []string{"address", "email", "phone"}) {
			t.Errorf("related without a restriction: %d, %v", all.Total, all.Items[0].Same)
		}
		b.hiddenEverywhere(t, hidden)
		p, err := gatetest.Do(b.House, b.desk.Preview, b.Key("underwriter"), rulebook.PreviewIn{})
		must(t, err)
		if p.Applications != int64(len(want)) {
			t.Errorf("a preview counts %d", p.Applications)
		}
	})
}

// hiddenEverywhere holds that a hidden application is not there, by any way.
func (b *bench) hiddenEverywhere(t *testing.T, a id.Application) {
	t.Helper()
	ref := origination.Ref{ID: a}
	_, e1 := gatetest.Do(b.House, b.desk.View, b.Key("underwriter"), ref)
	_, e2 := gatetest.Do(b.House, b.desk.CheckView, b.Key("underwriter"), ref)
	_, e3 := gatetest.Do(b.House, b.desk.DecisionView, b.Key("underwriter"), ref)
	_, e4 := gatetest.Do(b.House, b.desk.RelatedList, b.Key("underwriter"), ref)
	_, e5 := gatetest.Do(b.House, b.desk.History, b.Key("underwriter"), ref)
	_, e6 := gatetest.Do(b.House, b.desk.Evidence, b.Key("underwriter"), origination.EvidenceIn{ID: a})
	_, e7 := gatetest.Do(b.House, b.desk.Approve, b.Key("underwriter"), origination.ApproveIn{ID: a, AnnualRate: "5", Reason: "x"})
	_, e8 := gatetest.Do(b.House, b.desk.Reject, b.Key("underwriter"), origination.RejectIn{ID: a, Reason: "x"})
	_, e9 := gatetest.Do(b.House, b.desk.Reprocess, b.Key("underwriter"), origination.ReprocessIn{ID: a, Reason: "x"})
	for i, err := range []error{e1, e2, e3, e4, e5, e6, e7, e8, e9} {
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("way %d: %v", i+1, err)
		}
	}
	_, bad := gatetest.Do(b.House, b.desk.View, b.Key("underwriter"), origination.Ref{ID: "ap_zzz' OR 1=1"})
	wantKind(t, bad, fault.NotFound)
}

func TestListsSortFilterAndBindTheirCursors(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		for i := range 12 {
			b.apply(t, clean, func(in *origination.SubmitIn) {
				in.Requested.Amount = fmt.Sprintf("%d.00", 1000+(i*7%12)*100)
				in.Applicant.LastName = string(rune('A'+i*5%12)) + "son"
			})
			b.Advance(24 * time.Hour)
		}
		for _, sort := range []string{"created_at", "-created_at", "notice_due", "-notice_due", "amount", "-amount", "name", "-name"} {
			var keys []string
			in := origination.ListIn{Sort: sort, Paging: docket.Paging{Limit: 5}}
			for {
				out, err := gatetest.Do(b.House, b.desk.List, b.Key("manager"), in)
				must(t, err)
				for _, x := range out.Items {
					k := map[string]string{"created_at": x.CreatedAt, "notice_due": x.NoticeDue.String(), "amount": fmt.Sprintf("%012d", x.Amount), "name": x.Name[len("Ada "):]}
					keys = append(keys, k[strings.TrimPrefix(sort, "-")])
				}
				if in.Cursor = out.Next; out.Next == "" {
					break
				}
			}
			sorted := slices.Clone(keys)
			slices.Sort(sorted)
			if sort[0] == '-' {
				slices.Reverse(sorted)
			}
			if len(keys) != 12 || !slices.Equal(keys, sorted) {
				t.Errorf("%s: %v", sort, keys)
			}
		}
		first, err := gatetest.Do(b.House, b.desk.List, b.Key("manager"), origination.ListIn{Paging: docket.Paging{Limit: 5}})
		must(t, err)
		if n := *first.Items[0].DaysLeft; n != 29 {
			t.Errorf("%d days left", n)
		}
		for _, bad := range []struct {
			role  string
			in    origination.ListIn
			field string
		}{
			{"underwriter", origination.ListIn{Paging: docket.Paging{Limit: 5, Cursor: first.Next}}, "cursor"},
			{"manager", origination.ListIn{Status: "approved", Paging: docket.Paging{Limit: 5, Cursor: first.Next}}, "cursor"},
			{"manager", origination.ListIn{Sort: "ssn"}, "sort"},
			{"manager", origination.ListIn{Status: "lost"}, "status"},
			{"manager", origination.ListIn{From: "yesterday"}, "from"},
			{"manager", origination.ListIn{SourceCompany: "Nobody"}, "source_company"},
			{"manager", origination.ListIn{Paging: docket.Paging{Limit: 201}}, "limit"},
		} {
			_, err := gatetest.Do(b.House, b.desk.List, b.Key(bad.role), bad.in)
			if got := fields(err); !got[bad.field] {
				t.Errorf("%s: %v", bad.field, err)
			}
		}
		day := today(b).AddDays(-3).String()
		one, err := gatetest.Do(b.House, b.desk.List, b.Key("manager"), origination.ListIn{From: day, To: day, SourceCompany: "Northside", Outcome: "manual_review", Status: "manual_review"})
		must(t, err)
		if one.Total != 1 {
			t.Errorf("%d on one day", one.Total)
		}
	})
}

func TestAnUnderwriterApprovesAndRejectsOnceAndSaysWhy(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		a := b.apply(t, clean, nil)
		_, err := gatetest.Do(b.House, b.desk.Approve, b.Key("underwriter"), origination.ApproveIn{ID: a, AnnualRate: "abc", Convention: "x", TermMonths: 999, Amount: "0"})
		if got := fields(err); !got["annual_rate"] || !got["convention"] || !got["term_months"] || !got["amount"] || !got["reason"] {
			t.Errorf("bad terms: %v", err)
		}
		for _, role := range []string{"manager", "agent", "investor", "intake"} {
			_, err := gatetest.Do(b.House, b.desk.Approve, b.Key(role), origination.ApproveIn{ID: a, AnnualRate: "5", Reason: "x"})
			wantKind(t, err, fault.Denied)
		}
		var wg sync.WaitGroup
		var mu sync.Mutex
		var done, late int
		for range 6 {
			r := b.Screen("underwriter")
			wg.Go(func() {
				_, err := gatetest.Do(b.House, b.desk.Approve, r, origination.ApproveIn{ID: a, Amount: "4500.00", AnnualRate: "12.5", Reason: "Good income."})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					done++
				} else if fault.Is(err, fault.Conflict) {
					late++
				}
			})
		}
		wg.Wait()
		if done != 1 || late != 5 || len(b.boarded) != 1 {
			t.Fatalf("%d approved, %d late, %d loans", done, late, len(b.boarded))
		}
		in := b.boarded[0]
		if in.SSN != "123456789" || in.Amount.String() != "4500.00" || in.TermMonths != 24 || in.Convention != "30/360" || in.Phone != "+12125550123" || in.SourceCompany != b.company {
			t.Errorf("boarded %+v", in)
		}
		v := b.view(t, a)
		if v.Status != "approved" || v.Loan == "" || !v.NoticeDue.IsZero() || v.Decision.Automatic || v.Decision.Note != "Good income." {
			t.Errorf("%+v", v)
		}
		entry := b.Trail(t, audit.Filter{Operation: "application.approve", Outcome: "allowed"})
		if len(entry) != 1 || entry[0].Given != "Good income." {
			t.Errorf("%d entries", len(entry))
		}
		_, err = gatetest.Do(b.House, b.desk.Reject, b.Key("underwriter"), origination.RejectIn{ID: a, Reason: "x", Adverse: []string{"y z"}})
		wantKind(t, err, fault.Conflict)
		_, err = gatetest.Do(b.House, b.desk.Reprocess, b.Key("underwriter"), origination.ReprocessIn{ID: a, Reason: "x"})
		wantKind(t, err, fault.Conflict)

		other := b.apply(t, clean, nil)
		_, err = gatetest.Do(b.House, b.desk.Reject, b.Key("underwriter"), origination.RejectIn{ID: other, Reason: "Income could not be verified."})
		if got := fields(err); !got["adverse_reasons"] {
			t.Errorf("a rejection without specific reasons: %v", err)
		}
		out, err := gatetest.Do(b.House, b.desk.Reject, b.Key("underwriter"), origination.RejectIn{ID: other, Reason: "Income.", Adverse: []string{"We could not verify your income."}})
		must(t, err)
		if out.Status != "rejected" || out.NoticeDue != today(b).AddDays(30) || len(out.Reasons) != 1 {
			t.Errorf("%+v", out)
		}
		_, err = gatetest.Do(b.House, b.desk.Reject, b.Key("underwriter"), origination.RejectIn{ID: other, Reason: "x", Adverse: []string{"y z"}})
		wantKind(t, err, fault.Conflict)
	})
}

func TestRulesHaveVersionsWithADifferenceAndWhoChangedThem(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		in := b.rules(t)
		for _, role := range []string{"underwriter", "manager", "agent"} {
			_, err := gatetest.Do(b.House, b.desk.NetworkUpdate, b.Key(role), in)
			wantKind(t, err, fault.Denied)
		}
		for i := range in.Rules {
			if in.Rules[i].Rule == "crawler" {
				in.Rules[i].Enabled = true
			}
		}
		out, err := gatetest.Do(b.House, b.desk.NetworkUpdate, b.Screen("admin"), in)
		must(t, err)
		if out.Version != in.Version+1 {
			t.Fatalf("%+v", out)
		}
		_, err = gatetest.Do(b.House, b.desk.NetworkUpdate, b.Screen("admin"), in) // read before the change
		wantKind(t, err, fault.Conflict)
		app, err := gatetest.Do(b.House, b.desk.ApplicantRules, b.Key("manager"), rulebook.Nothing{})
		must(t, err)
		if app.Version != out.Version {
			t.Errorf("the lists have versions %d and %d", app.Version, out.Version)
		}
		bad := rulebook.RulesIn{Version: out.Version, Rules: slices.Clone(out.Rules)}
		bad.Rules[0].OnUnknown, bad.Rules[1].Action = "automatic_rejection", "explode"
		_, err = gatetest.Do(b.House, b.desk.NetworkUpdate, b.Key("admin"), bad)
		if got := fields(err); !got["rules[0].on_unknown"] || !got["rules[1].action"] {
			t.Errorf("bad rules: %v", err)
		}
		hist, err := gatetest.Do(b.House, b.desk.RulesHistory, b.Key("underwriter"), rulebook.RulesHistoryIn{})
		must(t, err)
		if len(hist.Items) != 2 || hist.Items[0].By == "" || len(hist.Items[0].Changes) != 1 || !strings.Contains(hist.Items[0].Changes[0], "Crawler") || hist.Items[1].By != "" {
			t.Errorf("%+v", hist)
		}
		b.run(t)
		if v := b.checked(t, "203.0.113.40"); v.Status != "manual_review" || v.Decision.RulesVersion != out.Version || v.Decision.RulesUsed != 4 {
			t.Errorf("under the new rules a crawler is %s, %d used", v.Status, v.Decision.RulesUsed)
		}
	})
}

func TestAPreviewSaysWhatDecidingEachAgainWouldGive(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		all := []string{clean, "203.0.113.20", "203.0.113.30", "203.0.113.40", "203.0.113.50", "203.0.113.60", "203.0.113.70", "203.0.113.80", "203.0.113.110", clean}
		var ids []id.Application
		for _, x := range all {
			ids = append(ids, b.checked(t, x).ID)
		}
		calls := b.standin.Calls()
		in := b.rules(t)
		for i, r := range in.Rules {
			switch r.Rule {
			case "proxy":
				in.Rules[i].Action = "manual_review"
			case "country":
				in.Rules[i].Enabled, in.Rules[i].Action = true, "automatic_rejection"
			case "tor":
				in.Rules[i].Enabled = false
			}
		}
		p, err := gatetest.Do(b.House, b.desk.Preview, b.Key("underwriter"), rulebook.PreviewIn{NetworkRules: in.Rules})
		must(t, err)
		var was, now rulebook.TallyOut
		tally := func(to *rulebook.TallyOut) {
			for _, a := range ids {
				switch b.view(t, a).Decision.Outcome {
				case "reject":
					to.Rejected++
				case "manual_review":
					to.Review++
				default:
					to.Proceed++
				}
			}
		}
		tally(&was)
		_, err = gatetest.Do(b.House, b.desk.NetworkUpdate, b.Key("admin"), in)
		must(t, err)
		for _, a := range ids {
			_, err := gatetest.Do(b.House, b.desk.Reprocess, b.Key("underwriter"), origination.ReprocessIn{ID: a, Reason: "Brute force."})
			must(t, err)
		}
		tally(&now)
		if p.Applications != int64(len(all)) || p.Was != was || p.TallyOut != now || was == now || p.Days != 90 {
			t.Errorf("preview %+v; really was %+v, is %+v", p, was, now)
		}
		if b.standin.Calls() != calls {
			t.Error("a preview asked the provider")
		}
		b.Advance(91 * 24 * time.Hour)
		if p, err = gatetest.Do(b.House, b.desk.Preview, b.Key("underwriter"), rulebook.PreviewIn{}); err != nil || p.Applications != 0 {
			t.Errorf("%+v %v", p, err)
		}
		in.Rules[0].ReasonCode = ""
		_, err = gatetest.Do(b.House, b.desk.Preview, b.Key("underwriter"), rulebook.PreviewIn{NetworkRules: in.Rules})
		if got := fields(err); !got["network_rules[0].reason_code"] {
			t.Errorf("bad rules in a preview: %v", err)
		}
	})
}

func TestEvidenceHoldsReasonsAndNoMoreOfThePersonThanItSays(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		b.run(t)
		a := b.checked(t, "203.0.113.20")
		file, err := gatetest.Do(b.House, b.desk.Evidence, b.Key("underwriter"), origination.EvidenceIn{ID: a.ID, Format: "pdf"})
		must(t, err)
		if file.ContentType != "application/pdf" || !bytes.HasPrefix(file.Body, []byte("%PDF-")) || !bytes.Contains(file.Body, []byte("%%EOF")) {
			t.Fatal("not a PDF")
		}
		texts := map[string]string{}
		if tool, err := exec.LookPath("pdftotext"); err == nil {
			path := filepath.Join(t.TempDir(), "evidence.pdf")
			must(t, os.WriteFile(path, file.Body, 0o600))
			out, err := exec.Command(tool, "-layout", path, "-").Output()
			must(t, err)
			texts["pdf"] = strings.Join(strings.Fields(string(out)), " ")
		}
		file, err = gatetest.Do(b.House, b.desk.Evidence, b.Key("underwriter"), origination.EvidenceIn{ID: a.ID})
		must(t, err)
		var doc map[string]any
		must(t, json.Unmarshal(file.Body, &doc))
		texts["json"] = string(file.Body)
		for form, text := range texts {
			for _, in := range []string{a.Number, "Ada Example", "proxy or VPN service", "N-01", "ipstack", "203.0.113.0/24", a.NetworkCheck.RawHash, "No contact data"} {
				if !strings.Contains(text, in) {
					t.Errorf("%s lacks %q", form, in)
				}
			}
			// Digits count as whole words only: a hash or an id may hold any three.
			for _, out := range []string{"ada@example.com", "12125550123", "555", "1990-04-01", "6789", "Example Street", "203.0.113.20"} {
				if regexp.MustCompile(`\b` + regexp.QuoteMeta(out) + `\b`).MatchString(text) {
					t.Errorf("%s holds %q", form, out)
				}
			}
		}
		_, err = gatetest.Do(b.House, b.desk.Evidence, b.Key("underwriter"), origination.EvidenceIn{ID: a.ID, Format: "docx"})
		wantKind(t, err, fault.Invalid)
	})
}

func TestNumbersFollowOneAnotherUnderLoad(t *testing.T) {
	each(t, nil, func(t *testing.T, b *bench) {
		var wg sync.WaitGroup
		for range 24 {
			r := b.portal(clean)
			wg.Go(func() {
				if _, err := gatetest.Do(b.House, b.desk.Submit, r, newYorker()); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if low, high := b.count(t, `SELECT MIN(seq) FROM application`), b.count(t, `SELECT MAX(seq) FROM application`); low != 1001 || high != 1024 {
			t.Errorf("numbers from %d to %d", low, high)
		}
	})
}
