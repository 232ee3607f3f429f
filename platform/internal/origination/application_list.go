package origination

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/decision"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
)

// ListIn asks for a list of applications.
type ListIn struct {
	Status        string `query:"status" enum:"waiting_for_approval,manual_review,approved,rejected" required:"false" doc:"Only applications of this status."`
	Outcome       string `query:"outcome" enum:"proceed,manual_review,reject" required:"false" doc:"Only applications whose decision says this; for whoever may view decisions."`
	SourceCompany string `query:"source_company" maxLength:"100" required:"false" doc:"Only applications of this source company: its name or id."`
	Q             string `query:"q" maxLength:"200" required:"false" doc:"Beginning of a name, a number such as A-1042, or a whole e-mail address or telephone number."`
	From          string `query:"from" maxLength:"10" required:"false" doc:"Submitted on this date or later." example:"2026-11-01"`
	To            string `query:"to" maxLength:"10" required:"false" doc:"Submitted on this date or earlier."`
	Sort          string `query:"sort" maxLength:"20" required:"false" example:"notice_due" doc:"created_at, notice_due, amount or name; a leading - turns the order around. -created_at unless told."`
	docket.Paging
}

// Item is an application as lists show it.
type Item struct {
	ID            id.Application `json:"id" class:"public"`
	Number        string         `json:"number" class:"public"`
	Name          string         `json:"name" class:"public"`
	Status        string         `json:"status" class:"public" enum:"waiting_for_approval,manual_review,approved,rejected"`
	Outcome       string         `json:"outcome,omitempty" class:"public" enum:"proceed,manual_review,reject" doc:"Left out for whoever may not view decisions."`
	Reasons       []string       `json:"reasons" class:"public" doc:"In a few words, what made it so: proxy, threat high, security facts missing. Empty for whoever may not view decisions."`
	CheckState    string         `json:"network_check,omitempty" class:"public" enum:"done,pending,unavailable,not_applicable" doc:"Left out for whoever may not view network checks."`
	Amount        money.Amount   `json:"amount" class:"public"`
	TermMonths    int            `json:"term_months" class:"public"`
	Purpose       string         `json:"purpose" class:"public"`
	SourceCompany string         `json:"source_company" class:"public"`
	City          string         `json:"city" class:"public"`
	State         string         `json:"state" class:"public" doc:"The applicant's state or region."`
	Channel       string         `json:"channel" class:"public" enum:"site,server,officer"`
	CreatedAt     string         `json:"created_at" class:"public"`
	NoticeDue     civil.Date     `json:"notice_due" class:"public" doc:"When notice of an adverse action is due; null once none can be."`
	DaysLeft      *int           `json:"days_left" class:"public" doc:"Days until notice is due; negative once it is late."`
	DecidedBy     string         `json:"decided_by" class:"public"`
	Loan          id.Loan        `json:"loan_id" class:"public"`
}

// ListOut is a page of applications.
type ListOut struct {
	Items   []Item `json:"items"`
	Total   int64  `json:"total" class:"public"`
	TotalIs string `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string `json:"next,omitempty" class:"public"`
}

// told is what a list tells beside the applications themselves: what has a
// permission of its own is told to whoever may view it.
type told struct {
	check, decision bool
	today           civil.Date
	found           map[id.Verdict][]decision.RuleResult
}

// tells finds out what the caller is told of a page of applications.
func (d *Desk) tells(ctx context.Context, c *gate.Call, rows []*docket.Application) (t told, err error) {
	t = told{check: c.Can(d.CheckView.Name, ""), decision: c.Can(d.DecisionView.Name, ""), today: c.Today}
	if t.decision {
		t.found, err = docket.Results(ctx, c.Tx, rows)
	}
	return t, err
}

func (t told) item(a *docket.Application) Item {
	out := Item{ID: a.ID, Number: a.Number(), Name: a.Name(), Status: a.Status, Reasons: []string{}, Amount: a.Amount, TermMonths: a.Term,
		Purpose: a.Purpose, SourceCompany: a.CompanyName, City: a.City, State: a.Region, Channel: a.Channel, CreatedAt: docket.Instant(a.CreatedAt), NoticeDue: a.Notice,
		DecidedBy: a.DecidedByName, Loan: a.Loan}
	if t.check {
		out.CheckState = a.CheckState
	}
	if t.decision {
		out.Outcome, out.Reasons = a.Outcome, decision.Findings(t.found[a.Verdict])
	}
	if !a.Notice.IsZero() {
		left := a.Notice.Sub(t.today)
		out.DaysLeft = &left
	}
	return out
}

// untold refuses what would tell about decisions, or network checks, to whoever
// may not view them.
func untold(words string) *fault.Error {
	return fault.New(fault.Denied, "withheld", words)
}

func (d *Desk) list(ctx context.Context, c *gate.Call, in *ListIn) (*ListOut, error) {
	q, err := query(ctx, c, in)
	if err != nil {
		return nil, err
	}
	if in.Outcome != "" && !c.Can(d.DecisionView.Name, "") {
		return nil, untold("Your role does not view decisions, so applications cannot be filtered by their outcome.")
	}
	filter := *in
	filter.Paging = docket.Paging{}
	var mark docket.Mark
	ok, err := docket.OpenCursor(c, "application.list", filter, in.Cursor, &mark)
	if err != nil {
		return nil, err
	}
	if ok {
		q.After = &mark
	}
	for k, v := range map[string]string{"status": in.Status, "outcome": in.Outcome, "source_company": in.SourceCompany, "from": in.From, "to": in.To, "sort": in.Sort} {
		c.Detail(k, v)
	}
	c.SealedDetail("q", in.Q)
	page, err := docket.List(ctx, c.Tx, c.Tenant.Ring, c.Scope, docket.Left(c), q)
	if err != nil {
		return nil, err
	}
	out := &ListOut{Items: make([]Item, len(page.Rows)), Total: page.Total, TotalIs: "at_least"}
	if page.Exact {
		out.TotalIs = "exact"
	}
	t, err := d.tells(ctx, c, page.Rows)
	if err != nil {
		return nil, err
	}
	for i, a := range page.Rows {
		out.Items[i] = t.item(a)
	}
	if page.Next != nil {
		out.Next = docket.SealCursor(c, "application.list", filter, page.Next)
	}
	return out, nil
}

// query checks the input of a list.
func query(ctx context.Context, c *gate.Call, in *ListIn) (q docket.Query, err error) {
	var f fault.Collector
	q = docket.Query{Status: in.Status, Outcome: in.Outcome, Text: strings.TrimSpace(in.Q), Limit: in.Check(&f), Exact: in.Total == "exact"}
	q.Sort, q.Desc = strings.CutPrefix(in.Sort, "-")
	if in.Sort == "" {
		q.Sort, q.Desc = "created_at", true
	}
	f.Check(slices.Contains(docket.Sorts(), q.Sort), "sort", "Sort by created_at, notice_due, amount or name; a leading - turns the order around.")
	f.Check(in.Status == "" || slices.Contains([]string{docket.Waiting, docket.Review, docket.Approved, docket.Rejected}, in.Status), "status", "Choose waiting_for_approval, manual_review, approved or rejected.")
	f.Check(in.Outcome == "" || slices.Contains([]string{"proceed", "manual_review", "reject"}, in.Outcome), "outcome", "Choose proceed, manual_review or reject.")
	f.Check(len(in.Q) <= 200, "q", "Use at most 200 bytes.")
	q.From = dayStart(&f, c, "from", in.From, 0)
	q.To = dayStart(&f, c, "to", in.To, 1)
	if in.SourceCompany != "" {
		found, ok, err := docket.CompanyOf(ctx, c.Tx, in.SourceCompany)
		if err != nil {
			return q, err
		}
		// A restricted person must not learn which names exist beyond the rows.
		f.Check(ok || !c.Scope.Everything(), "source_company", "Name a source company that exists.")
		if q.Company = found; !ok {
			q.Company = "none"
		}
	}
	return q, f.Err()
}

// dayStart gives the instant at which a date begins in the tenant's zone, some
// days on; 0 for no date.
func dayStart(f *fault.Collector, c *gate.Call, field, text string, plus int) int64 {
	if text == "" {
		return 0
	}
	date, err := civil.Parse(text)
	if err != nil {
		f.Add(field, civil.Mend(text))
		return 0
	}
	y, m, d := date.AddDays(plus).YMD()
	return time.Date(y, m, d, 0, 0, 0, 0, c.Tenant.Zone).UnixMicro()
}
