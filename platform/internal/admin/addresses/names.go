package addresses

import (
	"context"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// names are what holders are called, for those that exist.
type names map[policy.Holder]string

// Names tells what the holders of rules are called; who does not exist is left
// out.
func Names(ctx context.Context, tx *db.Tx, holders []policy.Holder) (map[policy.Holder]string, error) {
	out := names{}
	ids := map[string][]string{}
	for _, h := range holders {
		if h.Kind == "tenant" {
			out[h] = "Everybody"
			continue
		}
		ids[h.Kind] = append(ids[h.Kind], h.ID)
	}
	for kind, query := range map[string]string{
		"user": `SELECT id, name FROM staff WHERE `,
		"role": `SELECT id, name FROM role WHERE `,
		"team": `SELECT id, name FROM team WHERE `,
		"key":  `SELECT id, label || ' of ' || (SELECT name FROM staff WHERE staff.id = api_key.user_id) FROM api_key WHERE `,
	} {
		if len(ids[kind]) == 0 {
			continue
		}
		cond := db.In("id", ids[kind])
		_, err := db.All(ctx, tx, func(r *db.Rows) (h policy.Holder, err error) {
			var name string
			h.Kind = kind
			err = r.Scan(&h.ID, &name)
			out[h] = name
			return h, err
		}, query+cond.SQL(), cond.Args()...)
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// HoldersOut is whom a rule can bind: the tenant first, then roles, teams, users
// and live keys by name.
type HoldersOut struct {
	Items []Holder `json:"items"`
	Total int      `json:"total" class:"public"`
	Next  string   `json:"next" class:"public"`
}

func holders(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*HoldersOut, error) {
	out := &HoldersOut{Items: []Holder{{Kind: "tenant", Name: "Everybody"}}}
	for _, q := range []struct {
		kind, query string
		args        []any
	}{
		{"role", `SELECT id, name FROM role ORDER BY name, id`, nil},
		{"team", `SELECT id, name FROM team ORDER BY name, id`, nil},
		{"user", `SELECT id, name FROM staff WHERE active = 1 ORDER BY name, id`, nil},
		{"key", `SELECT k.id, k.label || ' of ' || s.name FROM api_key k JOIN staff s ON s.id = k.user_id
			WHERE k.revoked_at = 0 AND (k.expires_at = 0 OR k.expires_at > ?) ORDER BY s.name, k.label, k.id`, []any{c.At}},
	} {
		list, err := db.All(ctx, c.Tx, func(r *db.Rows) (h Holder, err error) { h.Kind = q.kind; return h, r.Scan(&h.ID, &h.Name) }, q.query, q.args...)
		if err != nil {
			return nil, err
		}
		out.Items = append(out.Items, list...)
	}
	out.Total = len(out.Items)
	return out, nil
}

// holders names whom a rule binds; who is gone keeps the id.
func (n names) holders(list []policy.Holder) []Holder {
	out := make([]Holder, len(list))
	for i, h := range list {
		name, known := n[h]
		if !known {
			name = h.ID
		}
		out[i] = Holder{Kind: h.Kind, ID: h.ID, Name: name}
	}
	return out
}

// called is what a kind of holder is called.
func called(kind string) string {
	if kind == "key" {
		return "API key"
	}
	return kind
}

// references names whom a rule binds as the trail does: "tenant, role/ro_…".
func references(list []policy.Holder) string {
	words := make([]string, len(list))
	for i, h := range list {
		words[i] = h.Kind
		if h.ID != "" {
			words[i] += "/" + h.ID
		}
	}
	return strings.Join(words, ", ")
}

// mostNamed is how many holders a message names before it counts the others.
const mostNamed = 10

// sentence names holders for people: "everybody, role Agent and team Denver".
func sentence(list []Holder) string {
	var words []string
	for _, h := range list {
		switch h.Kind {
		case "tenant":
			words = append(words, "everybody")
		case "user":
			words = append(words, h.Name)
		default:
			words = append(words, called(h.Kind)+" “"+h.Name+"”")
		}
	}
	if more := len(words) - mostNamed; more > 0 {
		words = append(words[:mostNamed], strconv.Itoa(more)+" more")
	}
	if last := len(words) - 1; last > 0 {
		return strings.Join(words[:last], ", ") + " and " + words[last]
	}
	return strings.Join(words, "")
}
