package policyfile

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin/addresses"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// ExportIn may name one role.
type ExportIn struct {
	Role id.Role `query:"role" doc:"one role alone; empty: everything"`
}

func (d *Desk) export(ctx context.Context, c *gate.Call, in *ExportIn) (*gate.File, error) {
	w := writer{catalogue: d.config.Catalogue(), only: in.Role}
	if in.Role != "" {
		r := c.Policy.Role(in.Role)
		if r == nil {
			return nil, fault.Missing("role")
		}
		c.Object("role/" + string(in.Role))
	}
	text, err := w.write(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	return &gate.File{Name: "lendkeep-policy.yaml", ContentType: "application/yaml", Body: []byte(text)}, nil
}

// writer writes the stored policy.
type writer struct {
	catalogue []*gate.Meta
	only      id.Role // "" writes everything
}

// write gives the file of what a transaction sees. The same policy gives the
// same bytes.
func (w *writer) write(ctx context.Context, tx *db.Tx) (string, error) {
	top := &yaml.Node{Kind: yaml.MappingNode}
	put(top, "version", &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!int", Value: version})
	top.Content[0].HeadComment = "# Roles, search restrictions and IP sets. An import adds and changes by name and\n# deletes nothing; what is left out stays as it is."
	for _, part := range []struct {
		name string
		list func(context.Context, *db.Tx) ([]*yaml.Node, error)
	}{{"roles", w.roles}, {"restrictions", w.restrictions}, {"ip_sets", w.ipSets}} {
		if w.only != "" && part.name != "roles" {
			continue
		}
		list, err := part.list(ctx, tx)
		if err != nil {
			return "", err
		}
		if len(list) > 0 {
			put(top, part.name, &yaml.Node{Kind: yaml.SequenceNode, Content: list})
		}
	}
	var b bytes.Buffer
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	if err := e.Encode(top); err != nil {
		return "", fmt.Errorf("writing the policy file: %w", err)
	}
	return b.String(), e.Close()
}

// put adds a key and its value to a mapping.
func put(m *yaml.Node, key string, value *yaml.Node) {
	m.Content = append(m.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: key}, value)
}

// word is a text; the library quotes it where it must.
func word(s string) *yaml.Node {
	n := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: s}
	if strings.Contains(s, "\n") {
		n.Style = yaml.DoubleQuotedStyle // a block would lose blanks at the ends of lines
	}
	return n
}

func truth(b bool) *yaml.Node {
	return &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!bool", Value: fmt.Sprint(b)}
}

// putText adds a text that is not empty.
func putText(m *yaml.Node, key, value string) {
	if value != "" {
		put(m, key, word(value))
	}
}

func list(items ...*yaml.Node) *yaml.Node {
	n := &yaml.Node{Kind: yaml.SequenceNode, Content: items}
	if len(items) == 0 {
		n.Style = yaml.FlowStyle
	}
	return n
}

func (w *writer) roles(ctx context.Context, tx *db.Tx) ([]*yaml.Node, error) {
	stored, err := policy.Roles(ctx, tx)
	var out []*yaml.Node
	for _, r := range stored {
		if w.only != "" && r.ID != w.only || r.From != "" { // what is lent goes by itself
			continue
		}
		m := &yaml.Node{Kind: yaml.MappingNode}
		put(m, "name", word(r.Name))
		putText(m, "description", r.Description)
		putText(m, "shipped", r.Shipped)
		if r.Shipped != "" && !r.Customized {
			put(m, "follows_product", truth(true))
			out = append(out, m)
			continue
		}
		v := &yaml.Node{Kind: yaml.MappingNode}
		put(v, "ssn", word(r.Visibility.SSN))
		put(v, "bank_account", word(r.Visibility.BankAccount))
		put(v, "date_of_birth", word(r.Visibility.BirthDate))
		put(m, "visibility", v)
		put(m, "ui", w.operations(r.UI))
		put(m, "api", w.operations(r.API))
		out = append(out, m)
	}
	return out, err
}

// operations lists operations with their titles beside them.
func (w *writer) operations(names []string) *yaml.Node {
	var items []*yaml.Node
	for _, name := range slices.Sorted(slices.Values(names)) {
		i, found := slices.BinarySearchFunc(w.catalogue, name, func(m *gate.Meta, n string) int { return strings.Compare(m.Name, n) })
		if !found {
			continue // an operation that the product has no more gives nothing
		}
		n := word(name)
		n.LineComment = "# " + w.catalogue[i].Title
		items = append(items, n)
	}
	return list(items...)
}

func (w *writer) restrictions(ctx context.Context, tx *db.Tx) ([]*yaml.Node, error) {
	stored, err := policy.Restrictions(ctx, tx)
	var out []*yaml.Node
	for _, r := range stored {
		m := &yaml.Node{Kind: yaml.MappingNode}
		put(m, "name", word(r.Name))
		put(m, "visible", word(r.Visible))
		putText(m, "borrowers", r.Borrowers)
		putText(m, "applications", r.Applications)
		var limits []*yaml.Node
		for _, l := range r.Limits {
			x := &yaml.Node{Kind: yaml.MappingNode}
			put(x, "area", word(l.Area))
			putText(x, "when", l.When)
			put(x, "level", word(l.Level))
			putText(x, "message", l.Message)
			limits = append(limits, x)
		}
		if len(limits) > 0 {
			put(m, "limits", list(limits...))
		}
		out = append(out, m)
	}
	return out, err
}

func (w *writer) ipSets(ctx context.Context, tx *db.Tx) ([]*yaml.Node, error) {
	stored, err := policy.IPRules(ctx, tx)
	if err != nil {
		return nil, err
	}
	var out []*yaml.Node
	for _, r := range stored {
		m := &yaml.Node{Kind: yaml.MappingNode}
		put(m, "name", word(r.Name))
		put(m, "mode", word(modeOf(r.Deny)))
		put(m, "active", truth(r.Active))
		var entries []*yaml.Node
		for _, e := range r.Entries {
			entries = append(entries, word(e))
		}
		put(m, "entries", list(entries...))
		holders, err := written(ctx, tx, r.Holders)
		if err != nil {
			return nil, err
		}
		put(m, "holders", list(holders...))
		out = append(out, m)
	}
	return out, nil
}

func modeOf(deny bool) string {
	if deny {
		return "deny"
	}
	return "allow"
}

// written names holders: roles and teams by name, users and keys by id with the
// name beside it, because names of theirs are not unique.
func written(ctx context.Context, tx *db.Tx, holders []policy.Holder) ([]*yaml.Node, error) {
	names, err := addresses.Names(ctx, tx, holders)
	if err != nil {
		return nil, err
	}
	var out []*yaml.Node
	for _, h := range holders {
		if h.Kind == "tenant" {
			out = append(out, word("tenant"))
			continue
		}
		name, there := names[h]
		if !there {
			continue // whom the rule bound is gone
		}
		m := &yaml.Node{Kind: yaml.MappingNode}
		if h.Kind == "role" || h.Kind == "team" {
			put(m, h.Kind, word(name))
		} else {
			n := word(h.ID)
			n.LineComment = "# " + strings.Map(oneLine, name)
			put(m, h.Kind, n)
		}
		out = append(out, m)
	}
	return out, nil
}

// oneLine keeps a comment on its line.
func oneLine(r rune) rune {
	if r < ' ' || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 {
		return ' '
	}
	return r
}
