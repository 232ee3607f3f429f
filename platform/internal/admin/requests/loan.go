package requests

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// LendIn shows one person one loan for a time, whatever hides it from them.
type LendIn struct {
	ID     id.User `path:"id" json:"-"`
	Loan   string  `json:"loan" minLength:"1" maxLength:"60" doc:"its number or its id" example:"L-00017"`
	Until  string  `json:"until" minLength:"1" maxLength:"40" doc:"a date, to its end, or an instant; at most 90 days ahead" example:"2026-12-01"`
	Reason string  `json:"reason" minLength:"1" maxLength:"1000"`
}

// LentLoan is a loan that is lent.
type LentLoan struct {
	User     id.User `json:"user" class:"public"`
	UserName string  `json:"user_name" class:"public"`
	Loan     id.Loan `json:"loan" class:"public"`
	Number   string  `json:"number" class:"public"`
	Until    string  `json:"until" class:"public"`
	MadeAt   string  `json:"made_at" class:"public"`
	MadeBy   string  `json:"made_by" class:"public" doc:"by name"`
}

// LentIn may name the person whose lent loans are listed.
type LentIn struct {
	User id.User `query:"user" maxLength:"60" doc:"empty: everybody's"`
}

// LentOut is the loans that are lent now, as far as the asker sees them.
type LentOut struct {
	Items []LentLoan `json:"items"`
	Total int        `json:"total" class:"public"`
	Next  string     `json:"next" class:"public"`
}

// EndLentIn names a lent loan in a path.
type EndLentIn struct {
	ID   id.User `path:"id" json:"-"`
	Loan id.Loan `path:"loan" json:"-"`
}

// Done is the output of what says no more.
type Done struct {
	Done bool `json:"done" class:"public"`
}

func (d *Desk) lendLoan() *gate.Op[LendIn, LentLoan] {
	o := decide("lent_loan.grant", "Lend a loan", "/users/{id}/lent-loans", func(ctx context.Context, c *gate.Call, in *LendIn) (*LentLoan, error) {
		l := policy.LentLoan{User: in.ID, MadeAt: c.At, MadeBy: c.Who.String()}
		reason := strings.TrimSpace(in.Reason)
		var f fault.Collector
		f.Check(reason != "" && utf8.RuneCountInString(reason) <= 1000, "reason", "Say what it is lent for, in at most 1,000 characters.")
		var err error
		if l.Until, err = end(c, in.Until); err != nil {
			f.Merge("", err)
		}
		if err := f.Err(); err != nil {
			return nil, err
		}
		if in.ID == c.Who.User {
			return nil, fault.New(fault.Denied, "own_access", "Nobody lends to themselves; another person decides.")
		}
		if _, err := identity.StaffByID(ctx, c.Tx, in.ID); err != nil {
			return nil, err
		}
		if l.Loan, err = named(ctx, c, in.Loan); err != nil {
			return nil, err
		}
		was, err := running(ctx, c, l)
		if err != nil {
			return nil, err
		}
		out, err := lentLoan(ctx, c, l)
		if err != nil {
			return nil, err
		}
		c.Given(reason)
		c.Change("lent loan", was, string(l.Loan)+" until "+instant(l.Until))
		d.built(c)
		return out, policy.LendLoan(ctx, c.Tx, l)
	})
	o.Status, o.Pairing = 201, gate.MayPair
	o.Object = func(in *LendIn) string { return "user/" + string(in.ID) }
	return o
}

// running tells a lending that another one takes the place of, as the trail writes
// it; empty for none.
func running(ctx context.Context, c *gate.Call, next policy.LentLoan) (string, error) {
	lent, err := policy.LentLoans(ctx, c.Tx, next.User)
	for _, l := range lent {
		if l.Loan == next.Loan {
			return string(l.Loan) + " until " + instant(l.Until), err
		}
	}
	return "", err
}

// named finds a loan by its number or its id; whether the caller sees it is asked
// elsewhere, so that a hidden one is missing like one that is not there.
func named(ctx context.Context, c *gate.Call, loan string) (found id.Loan, err error) {
	err = c.Tx.One(ctx, `SELECT l.id FROM loan l WHERE l.id = ? OR l.number = ?`, []any{loan, strings.TrimSpace(loan)}, &found)
	if errors.Is(err, sql.ErrNoRows) {
		return "", fault.Missing("loan")
	}
	return found, err
}

// lentLoan puts the number to a lent loan; Missing where the asker does not see it.
func lentLoan(ctx context.Context, c *gate.Call, l policy.LentLoan) (*LentLoan, error) {
	seen, err := c.Shows(ctx, c.Scope, "loan/"+string(l.Loan), db.True())
	if err != nil {
		return nil, err
	}
	if !seen {
		return nil, fault.Missing("loan")
	}
	names, err := identity.NamesOf(ctx, c.Tx, []string{"user/" + string(l.User), l.MadeBy})
	if err != nil {
		return nil, err
	}
	out := &LentLoan{User: l.User, UserName: names["user/"+string(l.User)], Loan: l.Loan, Until: instant(l.Until), MadeAt: instant(l.MadeAt), MadeBy: names[l.MadeBy]}
	return out, c.Tx.One(ctx, `SELECT number FROM loan WHERE id = ?`, []any{l.Loan}, &out.Number)
}

func (d *Desk) lentLoans() *gate.Op[LentIn, LentOut] {
	return &gate.Op[LentIn, LentOut]{Name: "lent_loan.list", Title: "List lent loans", Area: "Access", Screen: "Access requests", Method: "GET", Path: "/lent-loans",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole, Sensitivity: operation.Security,
		Do: func(ctx context.Context, c *gate.Call, in *LentIn) (*LentOut, error) {
			list, err := policy.AllLentLoans(ctx, c.Tx)
			if err != nil {
				return nil, err
			}
			out := &LentOut{Items: []LentLoan{}}
			for _, l := range list {
				if in.User != "" && l.User != in.User {
					continue
				}
				one, err := lentLoan(ctx, c, l)
				if fault.Is(err, fault.NotFound) {
					continue // the asker does not see the loan
				}
				if err != nil {
					return nil, err
				}
				out.Items = append(out.Items, *one)
			}
			out.Total = len(out.Items)
			return out, nil
		}}
}

func (d *Desk) endLent() *gate.Op[EndLentIn, Done] {
	o := decide("lent_loan.end", "Take a lent loan back", "/users/{id}/lent-loans/{loan}", func(ctx context.Context, c *gate.Call, in *EndLentIn) (*Done, error) {
		seen, err := c.Shows(ctx, c.Scope, "loan/"+string(in.Loan), db.True())
		if err != nil {
			return nil, err
		}
		if !seen {
			return nil, fault.Missing("lent loan") // as of one that is not lent, or not there
		}
		c.Change("lent loan", string(in.Loan), "")
		d.built(c)
		return &Done{Done: true}, policy.EndLentLoan(ctx, c.Tx, in.ID, in.Loan)
	})
	o.Method, o.Pairing = "DELETE", gate.MayPair
	o.Object = func(in *EndLentIn) string { return "user/" + string(in.ID) }
	return o
}
