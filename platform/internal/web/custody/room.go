// Package custody is the room of the tenant's encryption keys: what each seals,
// its versions, when it is replaced, and how far a rotation has come.
//
// Invariant: it shows numbers, names and public keys; no key passes through it.
package custody

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/platform/internal/custody"
	"github.com/lendkeep/lendkeep/platform/internal/custody/backups"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// Room is the pages of encryption keys, and of the backups that they seal.
type Room struct {
	desk    *custody.Desk
	backups *backups.Desk
}

// New makes the room.
func New(d *custody.Desk, b *backups.Desk) *Room { return &Room{d, b} }

const (
	settings = "/settings"
	home     = "/settings/encryption-keys"
)

// Routes registers the room's pages.
func (r *Room) Routes(m *visit.Mux) {
	m.Get(home, func(v *visit.Visit) { v.Show(r.all(v)) })
	m.Get(home+"/{purpose}", func(v *visit.Visit) { v.Show(r.one(v)) })
	m.Post(home+"/{purpose}", func(v *visit.Visit) {
		visit.Act(v, r.desk.Policy, func(*custody.Policy) visit.Answer { return visit.Go(v.R.URL.Path, "Saved.") }, r.one(v))
	})
	m.Post(home+"/{purpose}/rotate", func(v *visit.Visit) {
		visit.Act(v, r.desk.Rotate, func(*custody.Rotation) visit.Answer { return back(v, "The rotation has begun.") }, r.one(v))
	})
	m.Post(home+"/{purpose}/versions/{version}/destroy", func(v *visit.Visit) {
		visit.Act(v, r.desk.Destroy, func(*custody.Rotation) visit.Answer {
			return back(v, "The old version goes as soon as its rows are counted once more.")
		}, r.one(v))
	})
}

func back(v *visit.Visit, said string) visit.Answer {
	return visit.Go(home+"/"+v.R.PathValue("purpose"), said)
}

func (r *Room) all(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.Inventory)
		if err != nil {
			return visit.View{}, err
		}
		taken := &taken{zone: v.Zone()}
		if p.Can(r.backups.List.Name, "") {
			if taken.ListOut, err = gate.Look(ctx, p, r.backups.List, &backups.Nothing{}); err != nil {
				return visit.View{}, err
			}
		}
		page := parts.Page{Title: "Encryption keys", Crumbs: []parts.Link{{Text: "Settings", Href: settings}}, Tabs: visit.SettingsTabs(p.Can, v.R.URL.Path)}
		return visit.View{Page: page, Body: allPage(out, taken, day(v))}, nil
	}
}

// taken is the backups that the page lists, to whoever may see them.
type taken struct {
	*backups.ListOut
	zone *time.Location
}

// at gives an instant of a backup as the page shows it.
func (t *taken) at(text string) parts.Moment {
	when, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return parts.Moment{}
	}
	return parts.At(when.UnixMicro(), t.zone)
}

// how words how a backup ended.
func how(b backups.Backup) string {
	switch {
	case b.Trouble != "":
		return b.Trouble
	case b.Ended == "":
		return "not ended: being written, or broken off"
	}
	return "whole"
}

func file(kind string) string {
	if kind == "key_store" {
		return "Key store"
	}
	return "Data"
}

// size words bytes.
func size(n int64) string {
	for _, unit := range []string{"bytes", "KB", "MB", "GB"} {
		if n < 10_000 || unit == "GB" {
			return strconv.FormatInt(n, 10) + " " + unit
		}
		n = (n + 512) / 1024
	}
	return ""
}

// facts is what the page of one key shows.
type facts struct {
	custody.Key
	rotate, destroy, change bool
	day                     func(string) parts.Moment
}

func (r *Room) one(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		out, err := visit.Look(ctx, v, p, r.desk.View)
		if err != nil {
			return visit.View{}, err
		}
		ref := "key/" + out.Purpose
		f := &facts{Key: *out, day: day(v)}
		f.rotate = out.Turns && out.Rotation == nil && p.Can(r.desk.Rotate.Name, ref)
		f.destroy = out.Rotation != nil && out.Rotation.State == "kept" && p.Can(r.desk.Destroy.Name, ref)
		f.change = out.Turns && p.Can(r.desk.Policy.Name, ref)
		page := parts.Page{Title: called(out.Purpose), Crumbs: []parts.Link{{Text: "Settings", Href: settings}, {Text: "Encryption keys", Href: home}}}
		return visit.View{Page: page, Body: onePage(v, f)}, nil
	}
}

// called words a purpose.
func called(purpose string) string {
	switch purpose {
	case "fields":
		return "Secrets of settings"
	case "blind_index":
		return "Exact search"
	case "page":
		return "Database file"
	case "audit_seal":
		return "Sealed audit values"
	case "sign":
		return "Signing of checkpoints"
	case "token":
		return "Cursors and mailed links"
	case "digest":
		return "Hashes of repeated requests"
	}
	return "Personal keys"
}

// standing words how far a rotation is.
func standing(r *custody.Rotation, when func(string) parts.Moment) string {
	switch r.State {
	case "asked", "staged":
		return "A new version waits until every node knows it."
	case "promoted":
		return "Version " + strconv.Itoa(r.NewVersion) + " is in use; writes under the old one end."
	case "moving":
		return strconv.FormatInt(r.Done, 10) + " rows are sealed again."
	case "proving":
		return strconv.FormatInt(r.Done, 10) + " rows are counted."
	case "kept":
		return "No row is left under version " + strconv.Itoa(r.OldVersion) + ". It is kept until " + when(r.DropAt).Text + " for backups, and then destroyed."
	}
	return "No row is left under version " + strconv.Itoa(r.OldVersion) + ". It is being destroyed."
}

// holdings words what lies under a key: "142 personal keys, more than 10,000 audit entries".
func holdings(list []custody.Held) string {
	var out []string
	for _, h := range list {
		if h.Rows == 0 {
			continue
		}
		count := parts.Count(int(h.Rows))
		if h.RowsAre == "at_least" {
			count = "more than " + count
		}
		out = append(out, count+" "+things(h.Name))
	}
	switch {
	case len(list) == 0:
		return "no stored rows"
	case len(out) == 0:
		return "nothing yet"
	}
	return strings.Join(out, ", ")
}

// things words a table, or a column of blind indexes.
func things(name string) string {
	table, column, _ := strings.Cut(name, ".")
	known := map[string]string{"audit_entry": "audit entries", "audit_pending": "audit entries that wait for their place", "ipstack_connection": "connections to ipstack"}
	noun := known[table]
	if noun == "" {
		noun = strings.ReplaceAll(table, "_", " ") + "s"
	}
	if column == "" {
		return noun
	}
	return noun + " by " + strings.ReplaceAll(strings.TrimSuffix(column, "_index"), "_", " ")
}

func next(k custody.Key, when func(string) parts.Moment) string {
	switch {
	case k.Rotation != nil && k.Rotation.Trouble != "":
		return "stopped"
	case k.Rotation != nil:
		return "under way"
	case k.Next != "":
		return when(k.Next).Text
	}
	return "never by itself"
}

func day(v *visit.Visit) func(string) parts.Moment {
	return func(text string) parts.Moment {
		t, err := time.Parse(time.RFC3339, text)
		if err != nil {
			return parts.Moment{}
		}
		m := parts.At(t.UnixMicro(), v.Zone())
		m.Text = m.Text[:len(time.DateOnly)]
		return m
	}
}
