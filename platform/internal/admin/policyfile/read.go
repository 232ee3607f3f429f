package policyfile

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v3"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/restrictions"
	"github.com/lendkeep/lendkeep/platform/internal/admin/roles"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Limits of a file, so that reading one costs little.
const (
	mostBytes = 512 << 10
	mostDepth = 8
	mostNodes = 50_000
)

// Read takes a file apart. It checks the form alone; what the parts mean is
// checked by their desks.
func Read(text string) (*File, error) {
	if len(text) > mostBytes {
		return nil, wrong(1, "The file is larger than the limit of 512 KB.")
	}
	if !utf8.ValidString(text) {
		return nil, wrong(1, "The file is not UTF-8.")
	}
	r := &reader{file: &File{lines: map[string]int{}}}
	top, err := document(text)
	if err != nil {
		return nil, err
	}
	if top != nil {
		r.plain(top, 0)
		if len(r.faults) == 0 {
			r.top(top)
		}
	}
	return r.file, r.err()
}

// wrong is a fault of the file at a line.
func wrong(line int, mend string) *fault.Error {
	return fault.Bad("yaml", fmt.Sprintf("Line %d: %s", line, mend))
}

// document reads the one document of a text; nil if it is empty.
func document(text string) (*yaml.Node, error) {
	d := yaml.NewDecoder(bytes.NewReader([]byte(text)))
	var doc, more yaml.Node
	switch err := d.Decode(&doc); {
	case errors.Is(err, io.EOF):
		return nil, nil
	case err != nil:
		return nil, unreadable(err)
	}
	switch err := d.Decode(&more); {
	case err == nil:
		return nil, wrong(more.Line, "A second document begins here; keep one.")
	case !errors.Is(err, io.EOF):
		return nil, unreadable(err)
	}
	if doc.Kind != yaml.DocumentNode || len(doc.Content) != 1 {
		return nil, nil
	}
	return doc.Content[0], nil
}

// unreadable tells where the library stopped; its own words may quote the file.
func unreadable(err error) error {
	line := 1
	if _, rest, found := strings.Cut(err.Error(), "line "); found {
		digits := rest[:len(rest)-len(strings.TrimLeft(rest, "0123456789"))]
		if n, err := strconv.Atoi(digits); err == nil {
			line = max(n, 1)
		}
	}
	return wrong(line, "This is not YAML: look for a missing colon, quote or indent here or on the line above.")
}

// reader collects what is wrong.
type reader struct {
	file   *File
	faults []fault.Field
	nodes  int
}

const mostFaults = 50

func (r *reader) bad(n *yaml.Node, mend string) {
	if len(r.faults) < mostFaults {
		r.faults = append(r.faults, fault.Field{Path: "yaml", Mend: fmt.Sprintf("Line %d: %s", max(n.Line, 1), mend)})
	}
}

func (r *reader) err() error {
	if len(r.faults) == 0 {
		return nil
	}
	return &fault.Error{Kind: fault.Invalid, Reason: "invalid", Message: "The file needs mending.", Fields: r.faults}
}

// plain refuses what makes a file say something else than it seems to.
func (r *reader) plain(n *yaml.Node, depth int) {
	if r.nodes++; r.nodes == mostNodes {
		r.bad(n, "The file holds too many things.")
	}
	if r.nodes >= mostNodes {
		return
	}
	switch {
	case n.Kind == yaml.AliasNode:
		r.bad(n, "Aliases are not read; write the value out.")
		return
	case n.Anchor != "":
		r.bad(n, "Anchors are not read; take it out.")
	case n.Style&yaml.TaggedStyle != 0:
		r.bad(n, "Tags are not read; take it out.")
	case n.Tag == "!!merge":
		r.bad(n, "Merge keys are not read; write the keys out.")
	case depth > mostDepth:
		r.bad(n, "This lies too deep.")
		return
	}
	for _, c := range n.Content {
		r.plain(c, depth+1)
	}
}

// mapping reads a mapping whose keys are known; each is read once.
func (r *reader) mapping(n *yaml.Node, path string, keys map[string]func(v *yaml.Node, at string)) {
	if n.Kind != yaml.MappingNode {
		r.bad(n, "Here stand keys with values, for example name: …")
		return
	}
	r.file.lines[path] = n.Line
	seen := map[string]bool{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		read := keys[k.Value]
		switch {
		case k.Kind != yaml.ScalarNode || read == nil:
			r.bad(k, "This key is not known here; the known ones are "+known(keys)+".")
			continue
		case seen[k.Value]:
			r.bad(k, "This key stands here twice.")
			continue
		}
		seen[k.Value] = true
		at := strings.TrimPrefix(path+"."+k.Value, ".")
		r.file.lines[at] = v.Line
		read(v, at)
	}
}

func known(keys map[string]func(*yaml.Node, string)) string {
	list := make([]string, 0, len(keys))
	for k := range keys {
		list = append(list, k)
	}
	slices.Sort(list)
	return strings.Join(list, ", ")
}

// sequence reads a list.
func (r *reader) sequence(n *yaml.Node, path string, each func(v *yaml.Node, at string)) {
	if n.Kind == yaml.ScalarNode && n.Tag == "!!null" {
		return // "roles:" with nothing below
	}
	if n.Kind != yaml.SequenceNode {
		r.bad(n, "Here stands a list, each entry after a dash.")
		return
	}
	for i, v := range n.Content {
		at := fmt.Sprintf("%s[%d]", path, i)
		r.file.lines[at] = v.Line
		each(v, at)
	}
}

func (r *reader) text(to *string) func(*yaml.Node, string) {
	return func(n *yaml.Node, _ string) {
		if n.Kind != yaml.ScalarNode {
			r.bad(n, "Here stands one text.")
			return
		}
		if n.Tag != "!!null" {
			*to = n.Value
		}
	}
}

func (r *reader) boolean(to *bool) func(*yaml.Node, string) {
	return func(n *yaml.Node, _ string) {
		if n.Kind != yaml.ScalarNode || n.Tag != "!!bool" {
			r.bad(n, "Say true or false.")
			return
		}
		*to = strings.EqualFold(n.Value, "true")
	}
}

func (r *reader) texts(to *[]string) func(*yaml.Node, string) {
	return func(n *yaml.Node, path string) {
		*to = []string{}
		r.sequence(n, path, func(v *yaml.Node, at string) {
			var s string
			r.text(&s)(v, at)
			*to = append(*to, s)
		})
	}
}

type keys = map[string]func(*yaml.Node, string)

func (r *reader) top(n *yaml.Node) {
	v := version
	r.mapping(n, "", keys{
		"version":      r.text(&v),
		"roles":        func(n *yaml.Node, at string) { r.sequence(n, at, r.role) },
		"restrictions": func(n *yaml.Node, at string) { r.sequence(n, at, r.restriction) },
		"ip_sets":      func(n *yaml.Node, at string) { r.sequence(n, at, r.ipSet) },
	})
	if v != version {
		r.bad(n, "This version of the file is not known; say version: 1.")
	}
	r.once("roles", len(r.file.Roles), func(i int) string { return r.file.Roles[i].Name })
	r.once("restrictions", len(r.file.Restrictions), func(i int) string { return r.file.Restrictions[i].Name })
	r.once("ip_sets", len(r.file.IPSets), func(i int) string { return r.file.IPSets[i].Name })
}

// once refuses two things of one kind with one name.
func (r *reader) once(kind string, n int, name func(int) string) {
	seen := map[string]bool{}
	for i := range n {
		if seen[name(i)] {
			r.bad(&yaml.Node{Line: r.file.line(fmt.Sprintf("%s[%d].name", kind, i))}, "This name stands in the file twice.")
		}
		seen[name(i)] = true
	}
}

func (r *reader) role(n *yaml.Node, path string) {
	x := Role{Content: roles.Content{UI: []string{}, API: []string{}}}
	r.mapping(n, path, keys{
		"name": r.text(&x.Name), "description": r.text(&x.Description), "shipped": r.text(&x.Shipped), "follows_product": r.boolean(&x.Follows),
		"ui": r.texts(&x.UI), "api": r.texts(&x.API),
		"visibility": func(n *yaml.Node, at string) {
			v := &roles.Visibility{}
			r.mapping(n, at, keys{"ssn": r.text(&v.SSN), "bank_account": r.text(&v.BankAccount), "date_of_birth": r.text(&v.DateOfBirth)})
			x.Visibility = v
		},
	})
	if x.Follows && len(x.UI)+len(x.API) > 0 {
		r.bad(n, "A role that follows the product holds no lists; take out ui and api, or follows_product.")
	}
	r.file.Roles = append(r.file.Roles, x)
}

func (r *reader) restriction(n *yaml.Node, path string) {
	x := restrictions.RestrictionIn{}
	r.mapping(n, path, keys{
		"name": r.text(&x.Name), "visible": r.text(&x.Visible), "borrowers": r.text(&x.Borrowers), "applications": r.text(&x.Applications),
		"limits": func(n *yaml.Node, at string) {
			r.sequence(n, at, func(n *yaml.Node, at string) {
				l := policy.Limit{}
				r.mapping(n, at, keys{"area": r.text(&l.Area), "when": r.text(&l.When), "level": r.text(&l.Level), "message": r.text(&l.Message)})
				x.Limits = append(x.Limits, l)
			})
		},
	})
	r.file.Restrictions = append(r.file.Restrictions, x)
}

func (r *reader) ipSet(n *yaml.Node, path string) {
	x := IPSet{Keeps: true}
	x.Active = true
	r.mapping(n, path, keys{
		"name": r.text(&x.Name), "mode": r.text(&x.Mode), "active": r.boolean(&x.Active), "entries": r.texts(&x.Entries),
		"holders": func(n *yaml.Node, at string) {
			x.Keeps = false
			r.sequence(n, at, func(n *yaml.Node, at string) { x.Holders = append(x.Holders, r.holder(n, at)) })
		},
	})
	r.file.IPSets = append(r.file.IPSets, x)
}

// holder reads "tenant", or one of "role: Agent", "team: …", "user: us_…", "key: ak_…".
func (r *reader) holder(n *yaml.Node, path string) Holder {
	if n.Kind == yaml.ScalarNode && n.Value == "tenant" {
		return Holder{Kind: "tenant"}
	}
	if n.Kind != yaml.MappingNode || len(n.Content) != 2 {
		r.bad(n, "Say tenant, or one of role: name, team: name, user: id, key: id.")
		return Holder{}
	}
	var h Holder
	r.mapping(n, path, keys{"role": r.text(&h.Name), "team": r.text(&h.Name), "user": r.text(&h.Name), "key": r.text(&h.Name)})
	h.Kind = n.Content[0].Value
	return h
}
