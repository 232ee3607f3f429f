package addresses

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/secret"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// lasting is how long a way back stays open, in microseconds.
const lasting = 10 * 60 * 1_000_000

// WayBack undoes a change that shut out whoever made it.
type WayBack struct {
	Token string `json:"token" class:"public" doc:"shown this once; send it to /ip-rules/way-back"`
	Until string `json:"until" class:"public" format:"date-time"`
}

// WayBackIn is the token of a way back; it needs no other credential.
type WayBackIn struct {
	Token secret.Text `json:"token"`
}

// WayBackOut tells which rule is as it was.
type WayBackOut struct {
	Name string `json:"name" class:"public"`
}

// shutsOut reports whether the caller could not call from this address any more
// if a rule were like this: by the rules of user, teams, role, key and tenant
// together.
func shutsOut(ctx context.Context, c *gate.Call, r *policy.IPRule) (bool, error) {
	if c.Subject() == nil {
		return false, nil // the house itself calls from nowhere
	}
	then, err := c.Policy.With(policy.Proposed{IPRules: []*policy.IPRule{r}})
	if err != nil {
		return false, err
	}
	s, err := then.Subject(ctx, c.Tx, c.Who.User, c.Who.APIKey)
	if err != nil {
		return false, err
	}
	d := access.Decide(then.Access, &s.Subject, &access.Query{Channel: c.Channel, Address: c.Request.Address.Chosen, At: c.At})
	return d.Layer == access.Address, nil
}

// kept is a rule as a way back remembers it.
type kept struct {
	Name    string          `json:"name"`
	Deny    bool            `json:"deny"`
	Active  bool            `json:"active"`
	Entries []string        `json:"entries"`
	Holders []policy.Holder `json:"holders"`
}

// pack writes a rule down; "" is a rule that is not there.
func pack(r *policy.IPRule) (string, error) {
	if r == nil {
		return "", nil
	}
	b, err := json.Marshal(kept{r.Name, r.Deny, r.Active, r.Entries, r.Holders})
	return string(b), err
}

func unpack(rid id.IPRule, text string) (*policy.IPRule, error) {
	if text == "" {
		return nil, nil
	}
	var k kept
	err := json.Unmarshal([]byte(text), &k)
	return &policy.IPRule{ID: rid, Name: k.Name, Deny: k.Deny, Active: k.Active, Entries: k.Entries, Holders: k.Holders}, err
}

// open makes a way back from a change and forgets those that are over.
func open(ctx context.Context, c *gate.Call, before, after *policy.IPRule) (*WayBack, error) {
	if _, err := c.Tx.Exec(ctx, `DELETE FROM way_back WHERE until <= ?`, c.At); err != nil {
		return nil, err
	}
	was, err := pack(before)
	if err != nil {
		return nil, err
	}
	after.Holders = inOrder(after.Holders)
	is, err := pack(after)
	if err != nil {
		return nil, err
	}
	token, hash := identity.NewToken()
	_, err = c.Tx.Exec(ctx, `INSERT INTO way_back (token_hash, rule_id, before, after, user_id, until, used_at) VALUES (?, ?, ?, ?, ?, ?, 0)`,
		hash, after.ID, was, is, c.Who.User, c.At+lasting)
	return &WayBack{Token: token.Reveal(), Until: time.UnixMicro(c.At + lasting).UTC().Format(time.RFC3339)}, err
}

// way is a way back that is open.
type way struct {
	hash          []byte
	rule          id.IPRule
	user          id.User
	before, after string
}

// gone is the one answer to a token that opens nothing, whatever the cause.
func gone() error {
	return fault.New(fault.Unauthenticated, "way_back_closed", "This way back is not known, is over, or has been used.")
}

// opens looks for the way before any lock is taken, so that guessing costs the
// house a read and changes no version.
func (d *Desk) opens(ctx context.Context, c *gate.Call, in *WayBackIn) (any, error) {
	return d.find(ctx, c, in.Token)
}

// find gives the way that a token opens. Whoever has lost meanwhile what the change was
// made by, the account or the right, takes nothing back.
func (d *Desk) find(ctx context.Context, c *gate.Call, token secret.Text) (*way, error) {
	w := &way{hash: identity.TokenHash(token)}
	var active int64
	err := c.Tx.One(ctx, `SELECT w.rule_id, w.user_id, w.before, w.after, s.active FROM way_back w JOIN staff s ON s.id = w.user_id
		WHERE w.token_hash = ? AND w.used_at = 0 AND w.until > ?`, []any{w.hash, c.At}, &w.rule, &w.user, &w.before, &w.after, &active)
	if errors.Is(err, sql.ErrNoRows) || err == nil && active == 0 {
		return nil, gone()
	}
	if err != nil {
		return nil, err
	}
	needs := d.Update.Meta().Number
	if w.before == "" {
		needs = d.Create.Meta().Number
	}
	s, err := c.Policy.Subject(ctx, c.Tx, w.user, "")
	if err != nil {
		return nil, err
	}
	if !s.Role.Rights.UI.Has(needs) && !s.Role.Rights.API.Has(needs) {
		return nil, gone()
	}
	return w, nil
}

// takeBack puts the rule back as it was before the change.
func (d *Desk) takeBack(ctx context.Context, c *gate.Call, in *WayBackIn) (*WayBackOut, error) {
	w, err := d.find(ctx, c, in.Token) // again, under the lock: two at once find it once
	if err != nil {
		return nil, err
	}
	now, err := held(c, w.rule)
	if err != nil && !fault.Is(err, fault.NotFound) {
		return nil, err
	}
	is, err := pack(now)
	if err != nil {
		return nil, err
	}
	if is != w.after {
		return nil, fault.New(fault.Conflict, "rule_changed", "Somebody has changed this rule since, so the change is not taken back; ask who did.")
	}
	before, err := unpack(w.rule, w.before)
	if err != nil {
		return nil, err
	}
	record(c, now, before)
	c.Detail("way_back_of", "user/"+string(w.user))
	if _, err := c.Tx.Exec(ctx, `UPDATE way_back SET used_at = ? WHERE token_hash = ?`, c.At, w.hash); err != nil {
		return nil, err
	}
	if before == nil {
		_, err = policy.DeleteIPRule(ctx, c.Tx, w.rule)
	} else {
		before.ChangedAt, before.ChangedBy = c.At, c.Who.Name
		err = policy.SaveIPRule(ctx, c.Tx, before, false)
	}
	return &WayBackOut{Name: now.Name}, err
}
