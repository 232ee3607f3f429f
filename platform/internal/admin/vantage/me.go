package vantage

import (
	"context"
	"slices"

	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/rule"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// AccessOut is everything that a person may do and see here.
type AccessOut struct {
	ID           id.User       `json:"id" class:"public"`
	Name         string        `json:"name" class:"public"`
	Email        string        `json:"email" class:"public"`
	Role         Held          `json:"role"`
	Areas        []Area        `json:"areas" doc:"what the role and the catalogue permit, by area"`
	Visibility   Visibility    `json:"visibility" doc:"what is seen of personal data"`
	Loans        int64         `json:"loans" class:"public" doc:"loans that may be found"`
	Restrictions []Restriction `json:"search_restrictions" doc:"what narrows that; empty: nothing"`
	Limits       []Limit       `json:"limits"`
	Address      string        `json:"address" class:"public" doc:"from which this was asked"`
	AddressRules []AddressRule `json:"ip_rules" doc:"that bind me"`
	Factors      Factors       `json:"second_factors"`
	Sessions     int           `json:"sessions" class:"public" doc:"open ones"`
	Keys         []Key         `json:"api_keys"`
	Lent         []Lent        `json:"lent_rights" doc:"by running walkthroughs, and restrictions that are paused"`
	Requests     []Request     `json:"requests" doc:"for access, that still wait"`
}

// Held is the role that somebody holds now.
type Held struct {
	Name        string `json:"name" class:"public"`
	Description string `json:"description" class:"public"`
	Until       string `json:"until,omitempty" class:"public" doc:"it is lent until then"`
	After       string `json:"after,omitempty" class:"public" doc:"the role that comes back then"`
}

// Area is one area of the catalogue.
type Area struct {
	Area       string      `json:"area" class:"public"`
	Operations []Operation `json:"operations"`
}

// Operation is one thing that somebody may do.
type Operation struct {
	Name    string `json:"name" class:"public"`
	Title   string `json:"title" class:"public"`
	Screens bool   `json:"screens" class:"public"`
	API     bool   `json:"api" class:"public"`
	Writes  bool   `json:"writes" class:"public"`
	Paired  bool   `json:"four_eyes" class:"public" doc:"a second person must approve it"`
}

// Visibility is what is seen of personal data.
type Visibility struct {
	SSN         string `json:"ssn" class:"public"`
	BankAccount string `json:"bank_account" class:"public"`
	DateOfBirth string `json:"date_of_birth" class:"public"`
}

// Restriction is a search restriction in words.
type Restriction struct {
	Name     string `json:"name" class:"public"`
	Sentence string `json:"sentence" class:"public"`
	Others   string `json:"others" class:"public" doc:"what is said of borrowers and applications"`
}

// Limit is how much of an area may be seen and done where a condition holds.
type Limit struct {
	Area     string `json:"area" class:"public"`
	Level    string `json:"level" class:"public" enum:"none,view,full"`
	Sentence string `json:"sentence" class:"public"`
	Message  string `json:"message,omitempty" class:"public"`
}

// AddressRule is a set of addresses that binds somebody.
type AddressRule struct {
	Name    string `json:"name" class:"public"`
	Mode    string `json:"mode" class:"public" enum:"allow,deny"`
	Through string `json:"through" class:"public" enum:"tenant,role,team,user,key"`
	Holds   bool   `json:"holds_my_address" class:"public"`
	Passes  bool   `json:"passes" class:"public" doc:"as far as this rule goes; of several that allow one is enough"`
}

func (d *Desk) mine() *gate.Op[Nothing, AccessOut] {
	return &gate.Op[Nothing, AccessOut]{
		Name: "me.access", Title: "My access", Area: "Sign-in", Screen: "My access", Method: "GET", Path: "/me/access",
		Kind: operation.Read, Audit: operation.Looked, Permit: gate.SignedIn, Do: d.tell,
	}
}

func (d *Desk) tell(ctx context.Context, c *gate.Call, _ *Nothing) (*AccessOut, error) {
	s := c.Subject()
	out := &AccessOut{ID: c.Who.User, Name: c.Who.Name, Email: c.Who.Email, Address: c.Request.Address.Chosen.String()}
	if s == nil {
		return out, nil
	}
	v := s.Role.Visibility
	out.Visibility = Visibility{SSN: v.SSN, BankAccount: v.BankAccount, DateOfBirth: v.BirthDate}
	out.Areas = d.areas(c, s)
	out.Restrictions, out.Limits = restrictions(c, s)
	out.AddressRules = addressRules(c, s)
	rows := c.Scope.Loans()
	if err := c.Tx.One(ctx, `SELECT COUNT(*) FROM loan l WHERE `+rows.SQL()+` AND `+gate.Landed, rows.Args(), &out.Loans); err != nil {
		return nil, err
	}
	if err := out.own(ctx, c, s); err != nil {
		return nil, err
	}
	return out, out.lent(ctx, c, s)
}

// areas lists what the role permits; what everybody may do is left out.
func (d *Desk) areas(c *gate.Call, s *policy.Subject) []Area {
	out := []Area{}
	for _, m := range d.config.Catalogue() {
		ui, api := s.Role.Rights.UI.Has(m.Number), s.Role.Rights.API.Has(m.Number)
		if m.Permit != gate.ByRole || !ui && !api {
			continue
		}
		i := slices.IndexFunc(out, func(a Area) bool { return a.Area == m.Area })
		if i < 0 {
			i, out = len(out), append(out, Area{Area: m.Area})
		}
		out[i].Operations = append(out[i].Operations, Operation{Name: m.Name, Title: m.Title, Screens: ui, API: api,
			Writes: m.Kind == operation.Write, Paired: c.Policy.Access.FourEyes.Has(m.Number)})
	}
	return out
}

// restrictions puts what narrows the rows into sentences.
func restrictions(c *gate.Call, s *policy.Subject) ([]Restriction, []Limit) {
	list, limits, v := []Restriction{}, []Limit{}, c.Policy.Vocabulary()
	for _, r := range s.Restrictions {
		one := Restriction{Name: r.Name, Sentence: sentence("Loans", v.Loans, r.Loan, r.Visible), Others: "Borrowers of these loans. No applications."}
		if r.Broken {
			one.Sentence, one.Others = "Nothing: it speaks of what is not there any more.", ""
			list = append(list, one)
			continue
		}
		if r.Borrowers != "" {
			one.Others = "Borrowers of these loans, and " + sentence("borrowers", v.Borrowers, r.Borrower, r.Borrowers) + ". No applications."
		}
		if r.Applications != "" {
			one.Others = one.Others[:len(one.Others)-len("No applications.")] + sentence("Applications", v.Applications, r.Application, r.Applications) + "."
		}
		list = append(list, one)
		for i := range r.Limits {
			limits = append(limits, limitOf(v, &r.Limits[i]))
		}
	}
	return list, limits
}

func limitOf(v policy.Vocabulary, l *policy.Limit) Limit {
	words, noun := v.Loans, "Loans"
	if l.Area == "application" {
		words, noun = v.Applications, "Applications"
	}
	out := Limit{Area: l.Area, Level: l.Level, Message: l.Message, Sentence: "always"}
	if l.When != "" {
		out.Sentence = sentence(noun, words, l.Rule, l.When)
	}
	return out
}

// sentence says an expression in plain English, or as it is written where that
// cannot be.
func sentence(noun string, words *rule.Vocabulary, e *rule.Expr, text string) string {
	if e == nil || words == nil {
		return text
	}
	return e.Outline().Sentence(noun, words.Fields())
}

// addressRules lists the sets that bind the caller, each with whether it lets
// their present address pass.
func addressRules(c *gate.Call, s *policy.Subject) []AddressRule {
	out, a := []AddressRule{}, c.Request.Address.Chosen
	for _, r := range c.Policy.IPRules() {
		for _, h := range r.Holders {
			mine := h.Kind == "tenant" || h.Kind == "role" && (h.ID == string(c.Who.Role) || h.ID == string(s.Role.From) && h.ID != "") || h.Kind == "user" && h.ID == string(c.Who.User) ||
				h.Kind == "key" && h.ID != "" && h.ID == string(c.Who.APIKey) || h.Kind == "team" && slices.Contains(s.Teams, id.Team(h.ID))
			if !r.Active || !mine {
				continue
			}
			one := AddressRule{Name: r.Name, Mode: "allow", Through: h.Kind, Holds: r.Contains(a)}
			if one.Passes = one.Holds; r.Deny {
				one.Mode, one.Passes = "deny", !one.Holds
			}
			out = append(out, one)
		}
	}
	return out
}
