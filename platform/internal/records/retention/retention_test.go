package retention_test

import (
	"context"
	"maps"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/internal/proof/disposal"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/records/retention"
)

// court is who places legal holds.
type court struct{ held retention.Held }

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d *retention.Desk, c *court)) {
	var d *retention.Desk
	var c *court
	gatetest.Each(t, func() gatetest.Config {
		c = &court{}
		var list []gate.Entry
		d = retention.New(retention.Config{Catalogue: func() []*gate.Meta { return gate.Catalogue(list) },
			Holds: func(context.Context, *db.Tx, string) (retention.Held, error) { return c.held, nil }})
		// An export of the trail is a read like others.
		export := &gate.Op[retention.Nothing, retention.View]{Name: "audit.export", Title: "Export", Area: "Audit", Screen: "Export", Kind: operation.Read, Audit: operation.Looked, Permit: gate.ByRole,
			Do: func(context.Context, *gate.Call, *retention.Nothing) (*retention.View, error) {
				return &retention.View{}, nil
			}}
		list = append(d.Operations(), export)
		return gatetest.Config{Operations: list}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d, c) })
}

const month = 30 * 24 * time.Hour

// happened records what somebody did so long ago, and gives it its place.
func happened(t *testing.T, h *gatetest.House, ago time.Duration, list ...audit.Entry) {
	t.Helper()
	err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		for i := range list {
			list[i].At = tx.At - ago.Microseconds() + int64(i)
			if err := h.Tenant.Trail.Record(ctx, tx, &list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		_, err = h.Tenant.Trail.Sequence(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
}

func did(name, object string) audit.Entry {
	return audit.Entry{Actor: "user/us_kim", ActorName: "Kim", Channel: operation.UI, Address: netip.MustParseAddr("203.0.113.9"), Operation: name, Object: object, Outcome: operation.Allowed}
}

// sweep disposes to the end, gives the notes their place and verifies the trail.
func sweep(t *testing.T, h *gatetest.House, d *retention.Desk) {
	t.Helper()
	if done, err := d.Sweep(t.Context(), h.Gate, h.Tenant, time.Hour); err != nil || !done {
		t.Fatalf("the sweep: done %v, %v", done, err)
	}
	if _, err := h.Tenant.Trail.Sequence(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := h.Write(func(ctx context.Context, tx *db.Tx) error { return h.Tenant.Trail.Verify(ctx, tx) })
	if err != nil {
		t.Fatalf("after the sweep the trail does not verify: %v", err)
	}
}

// left gives the entries of an operation that still say something.
func left(t *testing.T, h *gatetest.House, name string) (n int, notes []audit.Entry) {
	t.Helper()
	err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		p, err := h.Tenant.Trail.Page(ctx, tx, audit.Filter{Operation: name, Limit: 500})
		if err != nil {
			return err
		}
		n = len(p.Entries)
		p, err = h.Tenant.Trail.Page(ctx, tx, audit.Filter{Operation: disposal.Operation, Limit: 500})
		notes = p.Entries
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n, notes
}

func TestEntriesGoWhenTheirTimeIsOverAndTheTrailSaysSo(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *retention.Desk, c *court) {
		var old []audit.Entry
		for range 700 { // more than one disposal takes
			old = append(old, did("audit.retention.view", ""))
		}
		happened(t, h, 27*month, append(old, did("audit.retention.update", "audit/looks"), did("loan.write_off", "loan/ln_1"), did("loan.write_off", "loan/ln_2"))...)
		happened(t, h, 20*month, did("audit.retention.view", ""))
		c.held = retention.Held{Entries: db.Where("object = ?", "loan/ln_2"), Basis: "one hold"}
		sweep(t, h, d)
		n, notes := left(t, h, "audit.retention.view")
		if n != 1 {
			t.Errorf("%d looks are left, want the young one", n)
		}
		if len(notes) != 3 { // 500 and 200 looks, one write-off
			t.Fatalf("%d notes: %+v", len(notes), notes)
		}
		took := map[string]string{}
		for _, e := range notes {
			took[e.Detail["category"]+" "+e.Detail["count"]] = e.Detail["months"] + " " + e.Channel.String() + " " + e.Object
		}
		if want := map[string]string{"looks 500": "25 job audit/looks", "looks 200": "25 job audit/looks", "other 1": "25 job audit/other"}; !maps.Equal(took, want) {
			t.Errorf("the notes read %v, want %v", took, want)
		}
		if n, _ := left(t, h, "loan.write_off"); n != 1 {
			t.Errorf("%d write-offs are left, want the one that is held", n)
		}
		if n, _ := left(t, h, "audit.retention.update"); n != 1 {
			t.Error("what proves the trail went")
		}
		sweep(t, h, d)
		if _, again := left(t, h, ""); len(again) != 3 {
			t.Errorf("a second sweep disposed of something: %d notes", len(again))
		}
		c.held = retention.Held{Basis: "no hold"} // it is released
		sweep(t, h, d)
		if n, _ := left(t, h, "loan.write_off"); n != 0 {
			t.Error("what was held is there after the hold was released")
		}
		out, err := gatetest.Do(h, d.View, h.Screen("admin"), retention.Nothing{})
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range out.Items {
			want := map[string]int64{"looks": 700, "other": 2}[k.Name]
			if k.Disposed != want || k.Fixed != (k.Name == "proof") {
				t.Errorf("the page says of %s: %+v", k.Name, k)
			}
		}
	})
}

// Who took the trail out of the house, and when it was put back from a backup, is asked
// for years later.
func TestExportsOfTheTrailAndRestoresAreKeptForEver(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *retention.Desk, _ *court) {
		happened(t, h, 90*month, did("audit.export", ""), did("backup.restore", "backup/bk_1"), did("audit.retention.view", ""))
		sweep(t, h, d)
		for name, want := range map[string]int{"audit.export": 1, "backup.restore": 1, "audit.retention.view": 0} {
			if n, _ := left(t, h, name); n != want {
				t.Errorf("%d entries of %s are left, want %d", n, name, want)
			}
		}
	})
}

func TestAHoldOnTheWholeCategoryKeepsAllOfIt(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *retention.Desk, c *court) {
		happened(t, h, 40*month, did("loan.write_off", "loan/ln_1"))
		c.held = retention.Held{Whole: true}
		sweep(t, h, d)
		if n, notes := left(t, h, "loan.write_off"); n != 1 || len(notes) != 0 {
			t.Errorf("%d left, notes %+v", n, notes)
		}
	})
}

func TestHowLongEntriesAreKeptCanBeChangedWithinBounds(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *retention.Desk, c *court) {
		happened(t, h, 20*month, did("loan.write_off", "loan/ln_1"))
		set := func(category string, months int64) error {
			_, err := gatetest.Do(h, d.Update, h.Screen("admin"), retention.UpdateIn{Category: category, Months: months, Reason: "our counsel asks for it"})
			return err
		}
		for months, wrong := range map[int64]bool{1: true, 12: true, 13: false, 0: false, 1200: false} {
			if err := set("other", months); fault.Is(err, fault.Invalid) != wrong || !wrong && err != nil {
				t.Errorf("%d months: %v", months, err)
			}
		}
		if err := set("proof", 25); !fault.Is(err, fault.Conflict) {
			t.Errorf("what proves the trail: %v", err)
		}
		if err := set("nothing", 25); !fault.Is(err, fault.NotFound) {
			t.Errorf("no such category: %v", err)
		}
		if err := set("other", 0); err != nil {
			t.Fatal(err)
		}
		sweep(t, h, d)
		if n, _ := left(t, h, "loan.write_off"); n != 1 {
			t.Error("what is kept for ever went")
		}
		if err := set("other", 19); err != nil {
			t.Fatal(err)
		}
		sweep(t, h, d)
		if n, _ := left(t, h, "loan.write_off"); n != 0 {
			t.Error("what is kept for nineteen months is there after twenty")
		}
		page, err := gatetest.Do(h, d.View, h.Screen("admin"), retention.Nothing{})
		if err != nil || !strings.HasPrefix(page.Items[len(page.Items)-1].ChangedAt, "20") {
			t.Errorf("%+v, %v", page, err)
		}
	})
}
