package inquiry

import (
	"context"
	"net/netip"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// ExplainIn asks what the gate would say to somebody, or why it said what it said.
type ExplainIn struct {
	Decision  id.Decision `json:"decision,omitempty" maxLength:"60" doc:"a recorded denial: explained as the same call is decided now; leave the rest out"`
	User      id.User     `json:"user,omitempty" maxLength:"60" doc:"needed without a decision"`
	Operation string      `json:"operation,omitempty" maxLength:"100" example:"loan.payment.log" doc:"needed without a decision"`
	Object    string      `json:"object,omitempty" maxLength:"100" example:"loan/ln_…" doc:"what the operation is about, or a loan’s number"`
	Address   string      `json:"address,omitempty" maxLength:"60" doc:"empty: the asker's own"`
	Channel   string      `json:"channel,omitempty" enum:"ui,api" doc:"empty: ui, or api with a key"`
	Key       id.APIKey   `json:"api_key,omitempty" maxLength:"60" doc:"id of one of the person's API keys"`
	At        string      `json:"at,omitempty" maxLength:"40" format:"date-time" doc:"empty: now"`
}

// Step is one obstacle and its smallest change.
type Step struct {
	Layer  string  `json:"layer" class:"public"`
	Words  string  `json:"words" class:"public"`
	By     string  `json:"by" class:"public" enum:"administrator,person,operator,nobody" doc:"who can lift it"`
	Change *Change `json:"change,omitempty" doc:"left out where no operation lifts it"`
}

// Recorded is what was decided when the call was made.
type Recorded struct {
	Decision      id.Decision `json:"decision" class:"public"`
	At            string      `json:"at" class:"public"`
	Outcome       string      `json:"outcome" class:"public"`
	Layer         string      `json:"layer" class:"public"`
	Reason        string      `json:"reason" class:"public"`
	Rule          string      `json:"rule,omitempty" class:"public"`
	PolicyVersion int64       `json:"policy_version" class:"public"`
	ViewAs        string      `json:"view_as,omitempty" class:"public"`
	Entry         id.Audit    `json:"entry" class:"public"`
	Same          bool        `json:"same" class:"public" doc:"the call is decided the same way now"`
}

// ExplainOut is the answer, layer by layer.
type ExplainOut struct {
	Allowed      bool      `json:"allowed" class:"public"`
	Layers       []Layer   `json:"layers"`
	WouldAllow   string    `json:"would_allow" class:"public" doc:"the smallest change that would allow it; empty if allowed"`
	Change       *Change   `json:"change,omitempty" doc:"the one call whose execution makes the call go through; left out where more, or none, is needed"`
	Steps        []Step    `json:"steps" doc:"everything that stands in the way, each with its change"`
	Alternatives []Change  `json:"alternatives" doc:"calls that would do as well as change"`
	User         id.User   `json:"user" class:"public"`
	Name         string    `json:"name" class:"public"`
	Role         string    `json:"role" class:"public"`
	Operation    string    `json:"operation" class:"public"`
	Title        string    `json:"title" class:"public"`
	Object       string    `json:"object" class:"public"`
	Channel      string    `json:"channel" class:"public"`
	Address      string    `json:"address" class:"public"`
	Key          id.APIKey `json:"api_key,omitempty" class:"public"`
	At           string    `json:"at" class:"public"`
	Recorded     *Recorded `json:"recorded,omitempty"`
}

func (d *Desk) explain() *gate.Op[ExplainIn, ExplainOut] {
	return inquire("access.explain", "Explain access", "Explain", "/access/explain", d.explained)
}

func (d *Desk) explained(ctx context.Context, c *gate.Call, in *ExplainIn) (*ExplainOut, error) {
	c.Detail("user", string(in.User))
	c.Detail("operation", in.Operation)
	c.Detail("decision", string(in.Decision))
	var q Question
	var then *Recorded
	var err error
	if in.Decision != "" {
		q, then, err = d.Recall(ctx, c, in.Decision)
	} else {
		q, err = d.question(ctx, c, in)
	}
	if err != nil {
		return nil, err
	}
	a, err := d.Ask(ctx, c, q)
	if err != nil {
		return nil, err
	}
	if then != nil && !a.Seen && !c.Scope.Everything() {
		return nil, fault.Missing("decision") // about what is not there for this asker
	}
	out := a.shown(q)
	if then != nil {
		then.Same = !out.Allowed && string(a.Reason.String()) == then.Reason
		out.Recorded = then
	}
	return out, nil
}

// question reads what is asked, with a fresh factor taken as given.
func (d *Desk) question(ctx context.Context, c *gate.Call, in *ExplainIn) (Question, error) {
	q := Question{User: in.User, Meta: d.Meta(in.Operation), Channel: operation.UI, Address: c.Request.Address.Chosen, Key: in.Key, At: c.At}
	var f fault.Collector
	f.Check(in.User != "", "user", "Name a user, or a decision.")
	if q.Meta == nil {
		f.Merge("", unknownOperation("operation"))
	}
	if in.Channel == "api" || in.Key != "" {
		q.Channel = operation.API
	}
	f.Check(in.Key == "" || in.Channel != "ui", "channel", "An API key calls through the API; leave the channel out.")
	if in.Address != "" {
		a, err := netip.ParseAddr(in.Address)
		f.Check(err == nil && a.Zone() == "", "address", "Give an IP address such as 203.0.113.9.")
		q.Address = a.Unmap()
	}
	if in.At != "" {
		at, err := time.Parse(time.RFC3339, in.At)
		f.Check(err == nil, "at", "Give an instant such as 2026-11-22T14:02:00Z.")
		q.At = at.UnixMicro()
	}
	if err := f.Err(); err != nil {
		return q, err
	}
	var err error
	if q.Object, err = admin.ObjectOf(ctx, c, q.Meta.Noun, "object", in.Object); err != nil {
		return q, err
	}
	q.FactorAt, q.ProvedAt = q.At, q.At
	if in.Key != "" {
		k, err := identity.KeyByID(ctx, c.Tx, in.Key)
		if err != nil && !fault.Is(err, fault.NotFound) {
			return q, err
		}
		if err != nil || k.User != in.User {
			return q, fault.Bad("api_key", "Name an API key of this person.")
		}
	}
	return q, nil
}

// shown is the answer as the API gives it.
func (a *Answer) shown(q Question) *ExplainOut {
	out := &ExplainOut{Allowed: a.Allowed, Layers: a.Layers, Steps: []Step{}, Alternatives: []Change{}, User: q.User, Name: a.Subject.Name, Role: a.Subject.Role.Name,
		Operation: q.Meta.Name, Title: q.Meta.Title, Object: q.Object, Channel: q.Channel.String(), Address: plainAddress(q.Address), Key: q.Key, At: instant(q.At)}
	for _, o := range a.Obstacles {
		out.Steps = append(out.Steps, Step{Layer: o.Layer.String(), Words: o.Words, By: o.by(), Change: o.Change})
	}
	out.WouldAllow = a.Words()
	if c, others := a.Change(); c != nil {
		out.Change, out.Alternatives = c, append(out.Alternatives, others...)
	}
	return out
}

// Change gives the one change that is enough, and those that would do as well.
func (a *Answer) Change() (*Change, []Change) {
	if len(a.Obstacles) != 1 {
		return nil, nil
	}
	return a.Obstacles[0].Change, a.Obstacles[0].Others
}

// Words says everything that must be done.
func (a *Answer) Words() string {
	words := make([]string, len(a.Obstacles))
	for i, o := range a.Obstacles {
		words[i] = o.Words
	}
	return strings.Join(words, " Then: ")
}

func plainAddress(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
