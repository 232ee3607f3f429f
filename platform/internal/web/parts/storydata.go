package parts

import (
	"time"

	"github.com/a-h/templ"
)

// storyNow is the instant at which all stories take place: 2026-11-22 14:02:11 UTC.
const storyNow int64 = 1_795_356_131_000_000

const longName = "The Right Honourable Wolfeschlegelsteinhausenbergerdorff-Montgomery and Daughters Family Trust"

func storyPage(title, current string) Page {
	p := Page{
		Title: title, Tenant: "Denver Lending", Search: Search{Action: "/search", Label: "Search loans, borrowers, applications"},
		Person:    Person{Name: "Sam Ortiz", Role: "Loan Servicing Agent", SignOut: "/sign-out", Menu: []Link{{"Change password", "/password"}}},
		Approvals: &Inbox{Href: "/approvals", Count: 3}, Access: "/access",
		Keys: []Key{{[]string{"a"}, "Approve"}},
	}
	for _, e := range []RailEntry{{Label: "Loans", Href: "/loans"}, {Label: "Applications", Href: "/applications", Count: 12}, {Label: "Payments", Href: "/payments"}, {Label: "Audit", Href: "/audit"}, {Label: "Settings", Href: "/settings"}} {
		if e.Current = e.Label == current; e.Current && e.Label == "Settings" {
			e.Below = []RailEntry{{Label: "People", Href: "/settings/users"}, {Label: "Access", Href: "/settings/roles", Current: true}, {Label: "Keys", Href: "/settings/api-keys"}}
		}
		p.Rail = append(p.Rail, e)
	}
	return p
}

func storyApplicationPage() Page {
	p := storyPage("A-1042 Ann Lee", "Applications")
	p.Crumbs = []Link{{"Applications", "/applications"}}
	p.State = &Badge{Danger, "Rejected", "Automatically, by network rules v3"}
	p.Subtitle = "5,000.00 USD over 24 months"
	p.Actions = []Button{{Label: "Approve", Kind: Primary}, {Label: "Reject…", Href: "/reject"}}
	p.Tabs = []Tab{{"Summary", "?tab=summary", false, 0}, {"Risk score", "?tab=risk", true, 0}, {"Customer", "?tab=customer", false, 0}, {"Documents", "?tab=documents", false, 2}, {"Schedule", "?tab=schedule", false, 0}, {"Transitions", "?tab=transitions", false, 0}}
	return p
}

func storyFilters() FilterBar {
	return FilterBar{
		Action: "/loans", Search: &Field{Name: "q", Label: "Number, borrower"},
		Filters: []Filter{
			{"status", "Status", "active", []Option{{"", "any", false}, {"active", "Active", false}, {"closed", "Closed", false}}},
			{"portfolio", "Portfolio", "", []Option{{"", "any", false}, {"p1", "Acme", false}, {"p2", "Beta", false}}},
			{"source", "Source", "", []Option{{"", "any", false}, {"s1", "Web", false}}},
		},
		Dates:  []Field{{Name: "from", Label: "Opened from"}},
		Hidden: []Hidden{{"sort", "-balance"}},
	}
}

func storyTable() Table {
	t := Table{
		ID: "loans", Caption: "Loans", Export: "/loans.csv", Form: "bulk", Name: "loan",
		Columns: []Column{
			{Head: "Loan", Sort: "?sort=number"}, {Head: "Borrower", Sort: "?sort=borrower"}, {Head: "Status"},
			{Head: "Portfolios"}, {Head: "Opened", Narrow: true}, {Head: "Balance", Unit: "USD", Align: Right, Sort: "?sort=balance", Sorted: "descending"},
			{Head: "Past due", Unit: "days", Align: Right}, {Head: "Changed", Narrow: true},
		},
		Chips:  Chips{"Loans", []Chip{{"active", "?status="}, {"past due over 10 days", "?dpd="}}, "?"},
		Pager:  Pager{From: 1, To: 50, Total: 3214, Next: "?cursor=abc"},
		Choice: &ColumnChoice{Action: "/loans", Options: []ColumnOption{{"number", "Loan", true}, {"opened", "Opened", true}, {"rate", "Rate", false}}},
	}
	names := []string{"Ann Lee", "Li Wei", longName, "Søren Ångström", "María-José Carreño Quiñones"}
	states := []Badge{{OK, "Active", ""}, {Warn, "Past due", ""}, {Danger, "Charged off", ""}, {Neutral, "Closed", ""}, {Unknown, "Unknown", ""}}
	for i := range 14 {
		at := storyNow - int64(i*i)*3_700_000_000
		t.Rows = append(t.Rows, Row{
			Href: "/loans/" + Count(1042+i), Value: Count(1042 + i), Quiet: i == 6, Current: i == 1,
			Cells: []templ.Component{
				Words("L-" + Count(1042+i)), Words(names[i%5]), Status(states[i%5]), QuietWords([]string{"Acme", "Acme, Beta", ""}[i%3]), DateText("2026-05-14"),
				Figures(Count(98_765-7_013*i) + ".10"), Figures(Count(i * i)), Time(Ago(at, storyNow, time.UTC)),
			},
		})
	}
	return t
}

func storyFactList() []Fact {
	return []Fact{
		{"Outcome", Status(Badge{Danger, "Rejected", ""}), "automatic"},
		{"Amount", MoneyText("5,000.00", "USD"), ""},
		{"Borrower", Anchor(Link{longName, "/borrowers/1"}), ""},
		{"Submitted", Time(At(storyNow, time.UTC)), ""},
		{"Notice due", DateText("2026-12-22"), "30 days left"},
		{"Client address", Code("203.0.113.20"), "peer, no trusted proxy"},
		{"Officer", nil, ""},
	}
}

func storyEvents() []Event {
	at := func(minutes int64) Moment { return At(storyNow-minutes*60_000_000, time.UTC) }
	return []Event{
		{at(0), "decision engine", "Rejected by network rules v3", "Proxy detected; threat level high", "/decisions/1", Danger},
		{at(1), "ipstack", "Network check done", "", "", OK},
		{at(2), "Ann Lee", "Application received", "from 203.0.113.20", "", Neutral},
	}
}

func storyForm() Form {
	return Form{Action: "/payments", Verb: "Log payment", Kind: Primary, Cancel: "/loans/1042", Problems: []Problem{
		{"amount", "Enter the amount as digits with at most two places, for example 250.00"},
		{"date", "Enter the payment date as YYYY-MM-DD; 31 Feb does not exist"},
		{"agree", "Tick the box to go on"},
	}}
}

func storyRiskTile() RiskTile {
	return RiskTile{
		ID: "risk", Checked: Moment{"2026-11-22T14:02:11Z", "14:02", "2026-11-22 14:02:11 UTC"}, Source: "ipstack",
		Rows: []RiskRow{
			{"Proxy", Danger, "detected (vpn, last seen 3 d ago)", true, nil},
			{"Tor", OK, "not detected", true, nil},
			{"Crawler", OK, "not detected", false, nil},
			{"Location", Warn, "New York, US ≠ declared Newark, US", false, []Level{
				{"Country", "US", "US", OK, "match", ""}, {"Region", "New Jersey", "New York", Warn, "mismatch", ""},
				{"City", "Newark", "New York", Warn, "mismatch", "14"}, {"Postal code", "07102", "", Unknown, "unknown", ""},
			}},
			{"Threat level", Unknown, "unknown: the plan has no security module", true, nil},
		},
		Met: 1, Used: 3, Unknown: 1, Rules: "rules v3", RulesHref: "/settings/decision-engine/3", HistoryHref: "?tab=risk&history=1",
	}
}

func storyRiskUnknown() []RiskRow {
	var rows []RiskRow
	for _, r := range []RiskRow{{Label: "Proxy", Used: true}, {Label: "Tor", Used: true}, {Label: "Crawler"}, {Label: "Location"}, {Label: "Threat level", Used: true}} {
		r.Verdict, r.Detail = Unknown, "unknown"
		rows = append(rows, r)
	}
	return rows
}

func storyTraceOf() Trace {
	return Trace{
		DecisionID: "7F3K-Q2ZD-91MM", Question: "Sam Ortiz → Log payment → loan 1042, from 203.0.113.9, 14:02",
		Layers: []Layer{
			{Passing: Passed, Name: "Tenant", Says: "active"}, {Passing: Passed, Name: "Address", Says: "allowed by “Denver office”"}, {Passing: Passed, Name: "Second factor", Says: "2 h ago"},
			{Passing: Refused, Name: "Role", Says: "“Third-party servicer” has no Log payment in Screens"},
			{Name: "Rows", Says: "visible under “Acme portfolio only”", Rule: `loan.portfolios.overlaps(["Acme"])`},
			{Name: "Limit", Says: "Payments are view only", Rule: `loan.status == "Bankruptcy" && loan.days_past_due > 30 && loan.balance >= money("250.00") && borrower.state in ["CO","NJ"]`},
		},
		Would: "give Log payment to the role, or start walkthrough “Take a payment” on this loan.",
	}
}

func storyDenial() Denial {
	return Denial{
		Title: "You may not log payments", Missing: "Your role “Third-party servicer” has no Log payment in Screens.", Reason: "role_lacks_operation",
		DecisionID: "7F3K-Q2ZD-91MM", Why: "/access/explain?decision=7F3K", Request: "/access/request", Back: &Link{"Back to loan 1042", "/loans/1042"},
	}
}

func storyPresets() Menu {
	return Menu{Label: "Presets", Items: []Item{{Label: "TurnKey", Detail: "Reject on proxy, Tor, threat medium or high", Href: "?preset=turnkey"}, {Label: "Review first", Detail: "The same facts, but a person decides", Href: "?preset=review"}}}
}

func storyRuleList() []Rule {
	acts := []Option{{"automatic_rejection", "Automatic rejection", false}, {"manual_review", "Manual review", false}, {"information_only", "Information only", false}}
	levels := []Option{{"low", "low", false}, {"medium", "medium", false}, {"high", "high", false}}
	base := Rule{Actions: acts, Unknowns: acts, Action: "automatic_rejection", OnUnknown: "manual_review", Enabled: true}
	row := func(prefix, title, about, code string, change func(*Rule)) Rule {
		r := base
		r.Prefix, r.Title, r.About, r.ReasonCode = "rules."+prefix, title, about, code
		if change != nil {
			change(&r)
		}
		return r
	}
	return []Rule{
		row("proxy", "Proxy", "The address belongs to a proxy or VPN", "N-01", nil),
		row("tor", "Tor", "", "N-02", nil),
		row("crawler", "Crawler", "", "N-03", func(r *Rule) { r.Enabled = false }),
		row("threat_level", "Threat level", "", "N-04", func(r *Rule) {
			r.Steps, r.Levels = true, levels
			r.Thresholds = []Threshold{{"medium", "manual_review", ""}, {"high", "automatic_rejection", ""}}
		}),
		row("distance", "Distance", "Between the declared place and the address", "N-09", func(r *Rule) {
			r.Enabled = false
			r.Limit = &Field{Name: "rules.distance.limit", Label: "More than", Kind: Whole, Unit: "km", Value: "-4", Error: "Enter the distance in whole kilometres, at least 1"}
		}),
	}
}

func storyQueue() Table {
	t := Table{Caption: "Applications", Columns: []Column{{Head: "Application"}, {Head: "Asked", Unit: "USD", Align: Right}, {Head: "Outcome"}, {Head: "Age", Align: Right}},
		Chips: Chips{"Applications", []Chip{{"waiting for approval", "?"}, {"rejected by network rules", "?"}}, "?"}, Pager: Pager{From: 1, To: 3, Total: 3}}
	for i, r := range []struct {
		who, ask string
		b        Badge
		why      string
	}{{"Ann Lee", "5,000.00", Badge{Danger, "rejected", ""}, "proxy, threat high"}, {"Li Wei", "2,400.00", Badge{Unknown, "review", ""}, "security facts missing"}, {"Max Power", "800.00", Badge{OK, "proceed", ""}, ""}} {
		t.Rows = append(t.Rows, Row{Href: "?id=" + Count(i), Current: i == 0, Cells: []templ.Component{
			Two("A-"+Count(100+i)+"  "+r.who, r.why), Figures(r.ask), Status(r.b), Time(Ago(storyNow-int64(i*400+130)*1_000_000, storyNow, time.UTC)),
		}})
	}
	return t
}

func storyHistogram() Histogram {
	h := Histogram{Label: "Entries by day", First: "2026-11-12", Last: "2026-11-22"}
	for i, n := range []int{120, 130, 480, 0, 260, 905, 140, 3, 0, 410, 77} {
		h.Bars = append(h.Bars, Bar{Label: storyDay(12 + i), Count: n, Denied: n / 9, Failed: n / 40, Href: "?day=" + storyDay(12+i), Current: i == 10})
	}
	return h
}

func storyBreakdown() []Division {
	return []Division{{Name: "Person", Values: []Portion{{"Sam Ortiz", "1,204", "?actor=1", false}, {"Kim", "77", "?actor=2", true}}}, {Name: "Address", Empty: "none recorded"}}
}

// storyDay is a day of the story's month.
func storyDay(day int) string { return "2026-11-" + Count(day) }

func storyAuditTable() Table {
	row := func(b Badge, who, op, object, reason string) Row {
		return Row{Href: "?entry=1", Cells: []templ.Component{Time(Clock(storyNow, time.UTC)), Status(b), Words(who), Code(op), Words(object), QuietWords("ui"), Code("203.0.113.9"), Words(reason)}}
	}
	return Table{Caption: "Audit entries",
		Columns: []Column{{Head: "Time", Narrow: true}, {Head: "Outcome"}, {Head: "Person"}, {Head: "Operation"}, {Head: "Object"}, {Head: "Channel"}, {Head: "Address"}, {Head: "Reason"}},
		Rows: []Row{
			row(Badge{Danger, "denied", ""}, "Sam Ortiz", "loan.payment.log", "loan/1042", "role_lacks_operation"),
			row(Badge{OK, "allowed", ""}, "Kim Park", "loan.view", "loan/1042", ""),
			row(Badge{Warn, "failed", ""}, longName, "origination.application.reprocess", "application/01HZX3T9QK7B", "provider_unavailable"),
		},
		Pager: Pager{From: 1, To: 3, Total: 1000, AtLeast: true, Exact: "?exact=1", Next: "?cursor=x"}, Export: "/audit/export"}
}
