package policyfile

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// ImportIn is a file to be taken in.
type ImportIn struct {
	YAML   string `json:"yaml" minLength:"1" maxLength:"524288"`
	DryRun bool   `json:"dry_run,omitempty" doc:"tell what would change and change nothing"`
}

// Change is one thing of the file that differs from what is stored.
type Change struct {
	Kind string `json:"kind" class:"public" enum:"role,search_restriction,ip_rule"`
	Name string `json:"name" class:"public"`
	What string `json:"change" class:"public" enum:"added,changed"`
	Line int    `json:"line" class:"public"`
}

// ImportOut is what an import changes, or would change.
type ImportOut struct {
	DryRun  bool     `json:"dry_run" class:"public"`
	Changes []Change `json:"changes"`
	Same    int      `json:"same" class:"public" doc:"things of the file that are so already"`
	Before  string   `json:"before" class:"public" doc:"the policy file as it was; empty for who may not export it"`
	After   string   `json:"after" class:"public" doc:"the policy file as it is, or would be; empty for who may not export it"`
}

// errRehearsed gives up what a dry run has written.
var errRehearsed = errors.New("rehearsed: nothing is kept")

func (d *Desk) take(ctx context.Context, c *gate.Call, in *ImportIn) (*ImportOut, error) {
	f, err := Read(in.YAML)
	if err != nil {
		return nil, err
	}
	out := &ImportOut{DryRun: in.DryRun, Changes: []Change{}}
	reads := c.Who.Sort == gate.System || c.Can(d.Export.Name, "")
	if out.Before, err = d.whole(ctx, c, reads); err != nil {
		return nil, err
	}
	apply := func(ctx context.Context) (err error) {
		t := taker{d: d, c: c, file: f, out: out}
		if err = t.all(ctx); err != nil {
			return err
		}
		if out.After, err = d.whole(ctx, c, reads); err != nil {
			return err
		}
		if in.DryRun {
			return errRehearsed
		}
		return nil
	}
	if !in.DryRun {
		err = apply(ctx)
	} else if err = c.Tx.Attempt(ctx, apply); errors.Is(err, errRehearsed) {
		err = nil
	}
	if err != nil {
		return nil, err
	}
	c.Object("settings/policy-file")
	c.Detail("dry_run", map[bool]string{true: "yes, nothing was kept"}[in.DryRun])
	c.Detail("changes", fmt.Sprint(len(out.Changes)))
	return out, nil
}

// whole writes the policy down for whoever may read it: taking in is no way around the
// right to export.
func (d *Desk) whole(ctx context.Context, c *gate.Call, reads bool) (string, error) {
	if !reads {
		return "", nil
	}
	w := writer{catalogue: d.config.Catalogue()}
	return w.write(ctx, c.Tx)
}

// taker does what a file says, thing by thing, and gathers what is wrong.
type taker struct {
	d      *Desk
	c      *gate.Call
	file   *File
	out    *ImportOut
	faults []fault.Field
}

// all takes roles first, because rules may bind them.
func (t *taker) all(ctx context.Context) error {
	for i := range t.file.Roles {
		if err := t.told(fmt.Sprintf("roles[%d]", i), t.role(ctx, i)); err != nil {
			return err
		}
	}
	for i := range t.file.Restrictions {
		if err := t.told(fmt.Sprintf("restrictions[%d]", i), t.restriction(ctx, i)); err != nil {
			return err
		}
	}
	for i := range t.file.IPSets {
		if err := t.told(fmt.Sprintf("ip_sets[%d]", i), t.ipSet(ctx, i)); err != nil {
			return err
		}
	}
	if len(t.faults) > 0 {
		return &fault.Error{Kind: fault.Invalid, Reason: "invalid", Message: "The file needs mending.", Fields: t.faults}
	}
	return nil
}

// told puts the line before what a desk says. Wrong input is gathered; anything
// else ends the import.
func (t *taker) told(path string, err error) error {
	if err == nil {
		return nil
	}
	f := *fault.As(err)
	if f.Kind != fault.Invalid {
		if f.Kind != fault.Internal {
			f.Message = fmt.Sprintf("Line %d: %s", t.file.line(path), f.Message)
		}
		return &f
	}
	if len(f.Fields) == 0 {
		f.Fields = []fault.Field{{Mend: f.Message}}
	}
	for _, line := range f.Fields {
		at := path
		if line.Path != "" {
			at += "." + line.Path
		}
		if len(t.faults) < mostFaults {
			t.faults = append(t.faults, fault.Field{Path: "yaml", Mend: fmt.Sprintf("Line %d: %s", t.file.line(at), line.Mend), Reason: line.Reason})
		}
	}
	return nil
}

// may refuses what the caller could not do by itself, and what a second person
// must approve: an import is no way around either.
func (t *taker) may(operation, object string) error {
	if !t.c.Can(operation, object) && t.c.Who.Sort != gate.System {
		return fault.New(fault.Denied, "role_lacks_operation", "This needs "+operation+", which your role does not hold in this channel.")
	}
	for _, m := range t.d.config.Catalogue() {
		if m.Name == operation && t.c.Policy.Access.FourEyes.Has(m.Number) {
			return fault.New(fault.Conflict, "four_eyes_needed", "A second person must approve this change; make it on its own page, where it is proposed.")
		}
	}
	return nil
}

func (t *taker) changed(kind, name, what, path string) {
	t.out.Changes = append(t.out.Changes, Change{Kind: kind, Name: name, What: what, Line: t.file.line(path)})
	t.c.Change(kind, "", what+": "+name)
}

func (t *taker) role(ctx context.Context, i int) error {
	in, path := &t.file.Roles[i], fmt.Sprintf("roles[%d]", i)
	stored, err := policy.Roles(ctx, t.c.Tx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(stored, func(r policy.Role) bool {
		return in.Shipped != "" && r.Shipped == in.Shipped || in.Shipped == "" && r.Name == in.Name
	})
	switch {
	case at < 0 && in.Shipped != "":
		return fault.Bad("shipped", "The product ships no role of this name here; take this key out to make one of your own.")
	case at < 0:
		if err := t.may(t.d.config.Roles.Create.Name, ""); err != nil {
			return err
		}
		t.changed("role", in.Name, "added", path)
		_, err := t.d.config.Roles.Create.Do(ctx, t.c, &in.Content)
		return err
	case in.Follows:
		return t.follow(ctx, in, &stored[at], path)
	}
	now := t.c.Policy.Role(stored[at].ID)
	if now == nil || sameRole(in, now) {
		t.out.Same++
		return nil
	}
	if err := t.may(t.d.config.Roles.Update.Name, "role/"+string(now.ID)); err != nil {
		return err
	}
	t.changed("role", in.Name, "changed", path)
	_, err = t.d.config.Roles.Update.Do(ctx, t.c, &roles.UpdateIn{ID: now.ID, Content: in.Content})
	return err
}

// follow gives a shipped role back to the product.
func (t *taker) follow(ctx context.Context, in *Role, stored *policy.Role, path string) error {
	if in.Shipped == "" {
		return fault.Bad("follows_product", "Say with shipped which role of the product this is.")
	}
	now := t.c.Policy.Role(stored.ID)
	rename := now.Name != in.Name || now.Description != in.Description
	if !stored.Customized && !rename {
		t.out.Same++
		return nil
	}
	t.changed("role", in.Name, "changed", path)
	if stored.Customized {
		if err := t.may(t.d.config.Roles.Restore.Name, "role/"+string(stored.ID)); err != nil {
			return err
		}
		if _, err := t.d.config.Roles.Restore.Do(ctx, t.c, &roles.Ref{ID: stored.ID}); err != nil {
			return err
		}
	}
	if !rename {
		return nil
	}
	if err := t.may(t.d.config.Roles.Update.Name, "role/"+string(stored.ID)); err != nil {
		return err
	}
	as := t.c.Policy.AsShipped(in.Shipped)
	_, err := t.d.config.Roles.Update.Do(ctx, t.c, &roles.UpdateIn{ID: stored.ID, Content: roles.Content{Name: in.Name, Description: in.Description, UI: as.UI, API: as.API}})
	return err
}

func sameRole(in *Role, now *policy.Role) bool {
	v := in.Visibility
	return in.Name == now.Name && in.Description == now.Description && sameSet(in.UI, now.UI) && sameSet(in.API, now.API) && (now.Shipped == "" || now.Customized) &&
		(v == nil || v.SSN == now.Visibility.SSN && v.BankAccount == now.Visibility.BankAccount && v.DateOfBirth == now.Visibility.BirthDate)
}

func sameSet(a, b []string) bool {
	return slices.Equal(slices.Compact(slices.Sorted(slices.Values(a))), slices.Compact(slices.Sorted(slices.Values(b))))
}

func (t *taker) restriction(ctx context.Context, i int) error {
	in, path := t.file.Restrictions[i], fmt.Sprintf("restrictions[%d]", i)
	stored, err := policy.Restrictions(ctx, t.c.Tx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(stored, func(r *policy.Restriction) bool { return r.Name == in.Name })
	if at < 0 {
		if err := t.may(t.d.config.Restrictions.Create.Name, ""); err != nil {
			return err
		}
		t.changed("search_restriction", in.Name, "added", path)
		_, err := t.d.config.Restrictions.Create.Do(ctx, t.c, &in)
		return err
	}
	now := stored[at]
	same := func(a, b policy.Limit) bool {
		return a.Area == b.Area && a.When == b.When && a.Level == b.Level && a.Message == b.Message
	}
	if in.Visible == now.Visible && in.Borrowers == now.Borrowers && in.Applications == now.Applications && slices.EqualFunc(in.Limits, now.Limits, same) {
		t.out.Same++
		return nil
	}
	if err := t.may(t.d.config.Restrictions.Update.Name, "search_restriction/"+string(now.ID)); err != nil {
		return err
	}
	t.changed("search_restriction", in.Name, "changed", path)
	_, err = t.d.config.Restrictions.Update.Do(ctx, t.c, &restrictions.UpdateIn{ID: now.ID, RestrictionIn: in})
	return err
}

func (t *taker) ipSet(ctx context.Context, i int) error {
	in, path := &t.file.IPSets[i], fmt.Sprintf("ip_sets[%d]", i)
	stored, err := policy.IPRules(ctx, t.c.Tx)
	if err != nil {
		return err
	}
	at := slices.IndexFunc(stored, func(r *policy.IPRule) bool { return r.Name == in.Name })
	as := addresses.CreateIn{Content: in.Content}
	if at >= 0 && in.Keeps {
		as.Holders = stored[at].Holders
	} else if as.Holders, err = t.holders(ctx, in); err != nil {
		return err
	}
	if at < 0 {
		if err := t.may(t.d.config.Addresses.Create.Name, ""); err != nil {
			return err
		}
		t.changed("ip_rule", in.Name, "added", path)
		_, err := t.d.config.Addresses.Create.Do(ctx, t.c, &as)
		return err
	}
	now := stored[at]
	if in.Mode == modeOf(now.Deny) && in.Active == now.Active && slices.Equal(in.Entries, now.Entries) && sameHolders(as.Holders, now.Holders) {
		t.out.Same++
		return nil
	}
	if err := t.may(t.d.config.Addresses.Update.Name, "ip_rule/"+string(now.ID)); err != nil {
		return err
	}
	t.changed("ip_rule", in.Name, "changed", path)
	_, err = t.d.config.Addresses.Update.Do(ctx, t.c, &addresses.UpdateIn{ID: now.ID, CreateIn: as})
	return err
}

func sameHolders(a, b []policy.Holder) bool {
	text := func(list []policy.Holder) (out []string) {
		for _, h := range list {
			out = append(out, h.Kind+"/"+h.ID)
		}
		return out
	}
	return sameSet(text(a), text(b))
}

// holders finds whom a rule of the file binds.
func (t *taker) holders(ctx context.Context, in *IPSet) ([]policy.Holder, error) {
	var f fault.Collector
	out := []policy.Holder{}
	for i, h := range in.Holders {
		found := policy.Holder{Kind: h.Kind, ID: h.Name}
		query := map[string]string{"role": `SELECT id FROM role WHERE name = ?`, "team": `SELECT id FROM team WHERE name = ?`}[h.Kind]
		if query != "" {
			ids, err := db.All(ctx, t.c.Tx, func(r *db.Rows) (s string, err error) { return s, r.Scan(&s) }, query, h.Name)
			if err != nil {
				return nil, err
			}
			if len(ids) == 0 {
				f.Add(fmt.Sprintf("holders[%d]", i), "There is no "+h.Kind+" of this name.")
				continue
			}
			found.ID = ids[0]
		} else if h.Kind == "user" {
			_, err := id.Parse[id.User](h.Name)
			f.Check(err == nil, fmt.Sprintf("holders[%d]", i), "Name the user by its id, us_….")
		}
		out = append(out, found)
	}
	return out, f.Err()
}
