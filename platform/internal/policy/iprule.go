package policy

import (
	"context"
	"fmt"
	"net/netip"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/platform/internal/access"
)

// IPRule is a named set of addresses that its holders must (allow) or must not
// (deny) call from.
type IPRule struct {
	ID      id.IPRule
	Name    string
	Deny    bool
	Entries []string
	Active  bool
	Holders []Holder

	ChangedAt int64 // last change; 0: as it was made
	ChangedBy string
	set       *ipset.Set
}

// Holder is who an address rule binds.
type Holder struct {
	Kind string `json:"kind" class:"public" enum:"tenant,role,team,user,key" doc:"what it binds"`
	ID   string `json:"id,omitempty" class:"public" doc:"id of the role, team, user or key; empty for the tenant"`
}

// Compile checks the entries.
func (r *IPRule) Compile() error {
	set, err := ipset.Parse(r.Entries...)
	if err != nil {
		return err // it names each entry as "entries[2]"
	}
	r.set = set
	return nil
}

func (p *Compiled) rulesOf(kind, holder string) []access.IPRule {
	var out []access.IPRule
	for i, r := range p.rules {
		if !r.Active {
			continue
		}
		for _, h := range r.Holders {
			if h.Kind == kind && h.ID == holder {
				out = append(out, access.IPRule{Deny: r.Deny, Set: r.set, Index: int32(i)})
			}
		}
	}
	return out
}

// allIPRules reads and compiles the rules; a set whose entries are those of the
// last policy is taken over, because a big one takes long to build.
func allIPRules(ctx context.Context, tx *db.Tx, last *Compiled) ([]*IPRule, error) {
	rules, err := IPRules(ctx, tx)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if last != nil {
			if i := slices.IndexFunc(last.rules, func(l *IPRule) bool { return l.ID == r.ID && slices.Equal(l.Entries, r.Entries) }); i >= 0 {
				r.set = last.rules[i].set
				continue
			}
		}
		if err := r.Compile(); err != nil {
			return nil, fmt.Errorf("address rule %s: %w", r.ID, err)
		}
	}
	return rules, nil
}

// IPRules lists all address rules by name, holders included.
func IPRules(ctx context.Context, tx *db.Tx) ([]*IPRule, error) {
	rules, err := db.All(ctx, tx, func(rows *db.Rows) (*IPRule, error) {
		r := new(IPRule)
		var deny, active int64
		var entries string
		if err := rows.Scan(&r.ID, &r.Name, &deny, &entries, &active, &r.ChangedAt, &r.ChangedBy); err != nil {
			return nil, err
		}
		r.Deny, r.Active = deny == 1, active == 1
		var err error
		r.Entries, err = decode[[]string](entries)
		return r, err
	}, `SELECT id, name, deny, entries, active, changed_at, changed_by FROM ip_rule ORDER BY name`)
	if err != nil {
		return nil, err
	}
	byID := make(map[id.IPRule]*IPRule, len(rules))
	for _, r := range rules {
		byID[r.ID] = r
	}
	type held struct {
		rule id.IPRule
		Holder
	}
	holders, err := db.All(ctx, tx, func(rows *db.Rows) (h held, err error) { return h, rows.Scan(&h.rule, &h.Kind, &h.ID) },
		`SELECT rule_id, kind, holder FROM ip_rule_holder ORDER BY rule_id, kind, holder`)
	if err != nil {
		return nil, err
	}
	for _, h := range holders {
		byID[h.rule].Holders = append(byID[h.rule].Holders, h.Holder)
	}
	return rules, nil
}

// SaveIPRule stores a new rule or replaces an old one, holders included.
func SaveIPRule(ctx context.Context, tx *db.Tx, r *IPRule, isNew bool) error {
	deny, active := int64(0), int64(0)
	if r.Deny {
		deny = 1
	}
	if r.Active {
		active = 1
	}
	var err error
	if isNew {
		_, err = tx.Exec(ctx, `INSERT INTO ip_rule (id, name, deny, entries, active, created_at) VALUES (?, ?, ?, ?, ?, ?)`, r.ID, r.Name, deny, encode(r.Entries), active, tx.At)
	} else {
		_, err = tx.Exec(ctx, `UPDATE ip_rule SET name = ?, deny = ?, entries = ?, active = ?, changed_at = ?, changed_by = ? WHERE id = ?`,
			r.Name, deny, encode(r.Entries), active, r.ChangedAt, r.ChangedBy, r.ID)
	}
	if err != nil {
		return nameTaken(err, "address rule")
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ip_rule_holder WHERE rule_id = ?`, r.ID); err != nil {
		return err
	}
	for _, h := range r.Holders {
		if _, err := tx.Exec(ctx, `INSERT INTO ip_rule_holder (rule_id, kind, holder) VALUES (?, ?, ?)`, r.ID, h.Kind, h.ID); err != nil {
			return err
		}
	}
	return nil
}

// Bind gives a holder exactly these rules. By made the change: an edit of a rule that
// was read before would take it back, so the rule is another version now.
func Bind(ctx context.Context, tx *db.Tx, h Holder, rules []id.IPRule, by string) error {
	had, err := db.All(ctx, tx, func(r *db.Rows) (x id.IPRule, err error) { return x, r.Scan(&x) },
		`SELECT rule_id FROM ip_rule_holder WHERE kind = ? AND holder = ? ORDER BY rule_id`, h.Kind, h.ID)
	if err != nil {
		return err
	}
	for _, r := range slices.Concat(had, rules) {
		if slices.Contains(had, r) && slices.Contains(rules, r) {
			continue
		}
		if _, err := tx.Exec(ctx, `UPDATE ip_rule SET changed_at = ?, changed_by = ? WHERE id = ?`, tx.At, by, r); err != nil {
			return err
		}
	}
	if _, err := tx.Exec(ctx, `DELETE FROM ip_rule_holder WHERE kind = ? AND holder = ?`, h.Kind, h.ID); err != nil {
		return err
	}
	for _, r := range rules {
		if _, err := tx.Exec(ctx, `INSERT INTO ip_rule_holder (rule_id, kind, holder) VALUES (?, ?, ?)`, r, h.Kind, h.ID); err != nil {
			return named(err, "ip_rules", "Name address rules that exist, each once.")
		}
	}
	return nil
}

// DeleteIPRule removes a rule and takes it from its holders; false if there is none.
func DeleteIPRule(ctx context.Context, tx *db.Tx, rid id.IPRule) (bool, error) {
	if _, err := tx.Exec(ctx, `DELETE FROM ip_rule_holder WHERE rule_id = ?`, rid); err != nil {
		return false, err
	}
	n, err := tx.Exec(ctx, `DELETE FROM ip_rule WHERE id = ?`, rid)
	return n == 1, err
}

// Contains reports whether a compiled rule's set holds an address.
func (r *IPRule) Contains(a netip.Addr) bool { return r.set != nil && r.set.Contains(a) }

// Set gives the addresses of a compiled rule; nil before Compile.
func (r *IPRule) Set() *ipset.Set { return r.set }

// IPRules gives the compiled address rules by name.
func (p *Compiled) IPRules() []*IPRule { return p.rules }
