package servicing

import (
	"context"
	"slices"
	"strconv"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/book"
	"github.com/lendkeep/lendkeep/platform/internal/servicing/schedule"
)

func itoa(n int) string { return strconv.Itoa(n) }

func (d *Desk) moneyOperations() {
	d.PaymentList = &gate.Op[EntryListIn, EntryListOut]{
		Name: "loan.payment.list", Title: "List payments", Area: "Loans", Screen: "Loan/Payments", Method: "GET", Path: "/loans/{id}/payments",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Roles: "manager agent investor",
		Part: "payments", Object: func(in *EntryListIn) string { return "loan/" + in.ID }, Do: d.paymentList,
	}
	d.PaymentLog = &gate.Op[PaymentLogIn, PostedOut]{
		Name: "loan.payment.log", Title: "Log payment", Area: "Loans", Screen: "Loan/Payments", Method: "POST", Path: "/loans/{id}/payments", Status: 201,
		Kind: operation.Write, Audit: operation.Moved, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager agent", Idempotent: true,
		Part: "payments", Object: func(in *PaymentLogIn) string { return "loan/" + in.ID }, Do: d.paymentLog,
	}
	d.FeeCharge = &gate.Op[FeeChargeIn, PostedOut]{
		Name: "loan.fee.charge", Title: "Charge fee", Area: "Loans", Screen: "Loan/Payments", Method: "POST", Path: "/loans/{id}/fees", Status: 201,
		Kind: operation.Write, Audit: operation.Moved, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager agent", Idempotent: true,
		Part: "payments", Object: func(in *FeeChargeIn) string { return "loan/" + in.ID }, Do: d.feeCharge,
	}
	d.AdjustmentPost = &gate.Op[AdjustmentPostIn, PostedOut]{
		Name: "loan.adjustment.post", Title: "Adjust principal", Area: "Loans", Screen: "Loan/Payments", Method: "POST", Path: "/loans/{id}/adjustments", Status: 201,
		Kind: operation.Write, Audit: operation.Moved, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager", Idempotent: true, Pairing: gate.MayPair,
		Part: "payments", Object: func(in *AdjustmentPostIn) string { return "loan/" + in.ID }, Do: d.adjustmentPost,
	}
	d.WriteOff = &gate.Op[WriteOffIn, PostedOut]{
		Name: "loan.write_off", Title: "Write off", Area: "Loans", Screen: "Loan/Payments", Method: "POST", Path: "/loans/{id}/write-off", Status: 201,
		Kind: operation.Write, Audit: operation.Moved, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager", Idempotent: true, Pairing: gate.MayPair,
		Part: "payments", Object: func(in *WriteOffIn) string { return "loan/" + in.ID }, Do: d.writeOff,
	}
	d.EntryReverse = &gate.Op[EntryReverseIn, PostedOut]{
		Name: "loan.entry.reverse", Title: "Reverse entry", Area: "Loans", Screen: "Loan/Payments", Method: "POST", Path: "/loans/{id}/entries/{entry}/reverse", Status: 201,
		Kind: operation.Write, Audit: operation.Moved, Sensitivity: operation.Money, Permit: gate.ByRole, Roles: "manager", Idempotent: true, Pairing: gate.MayPair,
		Part: "payments", Object: func(in *EntryReverseIn) string { return "loan/" + in.ID }, Do: d.entryReverse,
	}
}

// EntryItem is one entry of the ledger and where it went. To* are zero for an
// entry that was reversed.
type EntryItem struct {
	ID            id.Entry     `json:"id" class:"public"`
	Kind          string       `json:"kind" class:"public" enum:"payment,fee,adjustment,write_off,reversal"`
	Amount        money.Amount `json:"amount" class:"public"`
	EffectiveDate civil.Date   `json:"effective_date" class:"public"`
	PostedAt      string       `json:"posted_at" class:"public" format:"date-time"`
	PostedBy      string       `json:"posted_by" class:"public"`
	PostedByName  string       `json:"posted_by_name,omitempty" class:"public" doc:"In lists: what the person is called now."`
	Method        string       `json:"method" class:"public"`
	Memo          string       `json:"memo" class:"public"`
	Reverses      id.Entry     `json:"reverses,omitempty" class:"public"`
	ReversedBy    id.Entry     `json:"reversed_by,omitempty" class:"public"`
	ToFees        money.Amount `json:"to_fees" class:"public"`
	ToInterest    money.Amount `json:"to_interest" class:"public"`
	ToPrincipal   money.Amount `json:"to_principal" class:"public"`
	BalanceAfter  money.Amount `json:"balance_after" class:"public"`
}

// EntryListIn asks for a loan's ledger, newest entry first.
type EntryListIn struct {
	ID   string `path:"id" doc:"The loan's id."`
	Kind string `query:"kind" enum:"payment,fee,adjustment,write_off,reversal" required:"false"`
	Paging
}

// EntryListOut is a page of a loan's ledger.
type EntryListOut struct {
	Items   []EntryItem `json:"items"`
	Total   int64       `json:"total" class:"public"`
	TotalIs string      `json:"total_is" class:"public" enum:"exact,at_least"`
	Next    string      `json:"next,omitempty" class:"public"`
}

func (d *Desk) paymentList(ctx context.Context, c *gate.Call, in *EntryListIn) (*EntryListOut, error) {
	limit, err := in.limit()
	if err != nil {
		return nil, err
	}
	kinds := []string{"", "payment", "fee", "adjustment", "write_off", "reversal"}
	if !slices.Contains(kinds, in.Kind) {
		return nil, fault.Bad("kind", "Choose payment, fee, adjustment, write_off or reversal.")
	}
	filter := *in
	filter.Paging = Paging{}
	var after id.Entry
	if _, err := openCursor(c, "loan.payment.list", filter, in.Cursor, &after); err != nil {
		return nil, err
	}
	l, err := book.LoanByID(ctx, c.Tx, c.Scope, in.ID)
	if err != nil {
		return nil, err
	}
	all, err := entries(ctx, c, l)
	if err != nil {
		return nil, err
	}
	if in.Kind != "" {
		all = slices.DeleteFunc(all, func(e EntryItem) bool { return e.Kind != in.Kind })
	}
	out := &EntryListOut{Items: []EntryItem{}, Total: int64(len(all)), TotalIs: "exact"}
	if after != "" {
		all = all[slices.IndexFunc(all, func(e EntryItem) bool { return e.ID == after })+1:]
	}
	if len(all) > limit {
		all = all[:limit]
		out.Next = sealCursor(c, "loan.payment.list", filter, all[limit-1].ID)
	}
	out.Items = append(out.Items, all...)
	actors := make([]string, len(all))
	for i, e := range all {
		actors[i] = e.PostedBy
	}
	names, err := identity.NamesOf(ctx, c.Tx, actors)
	for i := range out.Items {
		out.Items[i].PostedByName = names[out.Items[i].PostedBy]
	}
	return out, err
}

// entries gives the whole ledger with its allocations, newest first.
func entries(ctx context.Context, c *gate.Call, l *book.Loan) ([]EntryItem, error) {
	g, err := book.LedgerOf(ctx, c.Tx, l)
	if err != nil {
		return nil, err
	}
	s, err := g.Replay(l, c.Today)
	if err != nil {
		return nil, err
	}
	by := map[id.Entry]id.Entry{}
	for _, e := range g.Entries {
		if e.Reverses != "" {
			by[e.Reverses] = e.ID
		}
	}
	out := make([]EntryItem, 0, len(g.Entries))
	for _, e := range slices.Backward(g.Entries) {
		item := entryItem(e, s)
		item.ReversedBy = by[e.ID]
		out = append(out, item)
	}
	return out, nil
}

func entryItem(e book.Entry, s schedule.State) EntryItem {
	item := EntryItem{ID: e.ID, Kind: string(e.Kind), Amount: e.Amount, EffectiveDate: e.Effective, PostedAt: instant(e.Posted), PostedBy: e.By, Method: e.Method, Memo: e.Memo, Reverses: e.Reverses}
	if a, ok := s.Allocation(e.ID); ok {
		item.ToFees, item.ToInterest, item.ToPrincipal, item.BalanceAfter = a.Fees, a.Interest, a.Principal, a.Balance
	}
	return item
}

// PostedOut is a posted entry and the loan after it.
type PostedOut struct {
	Entry            EntryItem    `json:"entry"`
	Status           string       `json:"status" class:"public"`
	PrincipalBalance money.Amount `json:"principal_balance" class:"public"`
	FeesDue          money.Amount `json:"fees_due" class:"public"`
	DaysPastDue      int          `json:"days_past_due" class:"public"`
	Payoff           money.Amount `json:"payoff" class:"public" doc:"What pays the loan off today."`
}

// posting is what all postings of people have in common.
type posting struct {
	loan      string
	kind      schedule.Kind
	amount    money.Amount
	effective civil.Date // none: today
	memo      string
	method    string
	reverses  id.Entry
}

// post puts an entry into a loan's ledger, with the caches, the audit changes
// and the visible sets that follow from it.
func (d *Desk) post(ctx context.Context, c *gate.Call, p posting) (*PostedOut, error) {
	l, err := book.LockLoan(ctx, c.Tx, c.Scope, p.loan)
	if err != nil {
		return nil, err
	}
	return d.postOn(ctx, c, l, p)
}

func (d *Desk) postOn(ctx context.Context, c *gate.Call, l *book.Loan, p posting) (*PostedOut, error) {
	if p.effective.IsZero() {
		p.effective = c.Today
	}
	var bad fault.Collector
	switch p.kind {
	case schedule.Adjustment, schedule.Reversal:
		bad.Check(p.amount != 0 && max(p.amount, -p.amount) <= money.Max, "amount", "Give an amount other than 0.00, up to 1,000,000,000,000.00.")
	default:
		bad.Check(p.amount > 0 && p.amount <= money.Max, "amount", "Give an amount above 0.00 and up to 1,000,000,000,000.00.")
	}
	bad.Check(p.effective >= l.Terms.Contract, "effective_date", "Give a date on or after the contract date.")
	bad.Check(p.effective <= c.Today, "effective_date", "Give a date that is not in the future.")
	if err := bad.Err(); err != nil {
		return nil, err
	}
	if l.Status == book.Closed {
		return nil, fault.New(fault.Conflict, "loan_closed", "This loan is closed; open it again before posting to it.")
	}
	e := book.Entry{Posting: schedule.Posting{ID: id.New[id.Entry](c.At), Kind: p.kind, Amount: p.amount, Effective: p.effective, Posted: c.At, Reverses: p.reverses},
		Loan: l.ID, Method: p.method, Memo: p.memo, By: c.Who.String()}
	before := *l
	s, err := book.Post(ctx, c.Tx, l, e, c.Today)
	if err != nil {
		return nil, err
	}
	c.Change("entry", "", string(e.ID))
	c.Change(string(p.kind), "", p.amount.String())
	c.Change("effective_date", "", p.effective.String())
	c.Change("reverses", "", string(p.reverses))
	c.Change("principal_balance", before.Cached.PrincipalBalance.String(), l.Cached.PrincipalBalance.String())
	c.Change("fees_due", before.Cached.FeesDue.String(), l.Cached.FeesDue.String())
	c.Change("status", before.Status, l.Status)
	if err := d.keepPosted(ctx, c, l.ID); err != nil {
		return nil, err
	}
	return &PostedOut{Entry: entryItem(e, s), Status: l.Status, PrincipalBalance: s.Principal, FeesDue: s.FeesDue, DaysPastDue: s.DaysPastDue, Payoff: s.Payoff}, nil
}
