package records_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
	"github.com/lendkeep/lendkeep/platform/internal/records"
)

func each(t *testing.T, fn func(t *testing.T, h *gatetest.House, d *records.Desk)) {
	var d *records.Desk
	gatetest.Each(t, func() gatetest.Config {
		d = records.New(records.Config{})
		return gatetest.Config{Operations: d.Operations()}
	}, func(t *testing.T, h *gatetest.House) { fn(t, h, d) })
}

// happened records what somebody did the day before, a second apart, and places it.
func happened(t *testing.T, h *gatetest.House, list ...audit.Entry) {
	t.Helper()
	err := h.Write(func(ctx context.Context, tx *db.Tx) error {
		for i := range list {
			e := &list[i]
			e.At = tx.At - 86_400e6 + int64(i)*1e6
			if err := h.Tenant.Trail.Record(ctx, tx, e); err != nil {
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

func did(operationName, object string, outcome operation.Outcome) audit.Entry {
	return audit.Entry{Actor: "user/us_kim", ActorName: "Kim", Channel: operation.UI, Address: netip.MustParseAddr("203.0.113.9"), Operation: operationName, Object: object, Outcome: outcome}
}

func exported(h *gatetest.House, d *records.Desk, r *gate.Request, in records.AuditExportIn) (text string, pieces int, err error) {
	for {
		piece, err := gatetest.Do(h, d.AuditExport, r, in)
		if err != nil {
			return text, pieces, err
		}
		text += string(piece.Body)
		if pieces++; piece.Next == "" {
			return text, pieces, nil
		}
		in.Continue(piece.Next)
	}
}

// TestATableHarmsNoSpreadsheet: what somebody typed is text in every cell, values that
// were sealed stay sealed, and the table is in the trail as looked at.
func TestATableHarmsNoSpreadsheet(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *records.Desk) {
		var day []audit.Entry
		for _, typed := range []string{"=1+1", "+1", "-1", "@A1", "plain, with a comma"} {
			e := did("loan.note.add", "loan/ln_1", operation.Allowed)
			e.Given, e.UserAgent = typed, typed
			day = append(day, e)
		}
		apply := did("application.submit", "application/ap_1", operation.Allowed)
		apply.Actor, apply.Channel, apply.Changes = "portal/site", operation.Portal, []audit.Change{{Field: "phone", After: "+12125550123", Sealed: true}}
		happened(t, h, append(day, apply)...)
		text, _, err := exported(h, d, h.Screen(policy.Admin), records.AuditExportIn{Format: "csv"})
		if err != nil {
			t.Fatal(err)
		}
		rows, err := csv.NewReader(strings.NewReader(text)).ReadAll()
		if err != nil || len(rows) != 7 || rows[0][0] != "time" {
			t.Fatalf("%d rows, %v: %s", len(rows), err, text)
		}
		for _, row := range rows {
			for i, cell := range row {
				if cell != "" && strings.ContainsRune("=+-@\t\r", rune(cell[0])) {
					t.Errorf("%s begins as a formula: %q", rows[0][i], cell)
				}
			}
		}
		if strings.Contains(text, "2125550123") || !strings.Contains(text, audit.Sealed) {
			t.Errorf("the telephone is not sealed: %s", text)
		}
		if e := h.Trail(t, audit.Filter{Operation: "audit.export"}); len(e) != 1 || e[0].Detail["format"] != "csv" || e[0].Detail["entries"] != "6" {
			t.Errorf("the export in the trail: %+v", e)
		}
	})
}

// TestALongExportComesInPieces: each piece asks for the right anew; nothing is told
// twice or left out, and what happens meanwhile is not in it.
func TestALongExportComesInPieces(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *records.Desk) {
		var day []audit.Entry
		for i := range 1201 {
			day = append(day, did("loan.view", fmt.Sprint("loan/ln_", i), operation.Allowed))
		}
		happened(t, h, day...)
		in := records.AuditExportIn{Format: "ocsf", Narrow: records.Narrow{Operation: "loan.view"}}
		text, pieces, err := exported(h, d, h.Screen(policy.Admin), in)
		if err != nil || pieces != 3 {
			t.Fatalf("%d pieces, %v", pieces, err)
		}
		uids := map[string]bool{}
		for line := range strings.Lines(text) {
			var event struct {
				Class    int                  `json:"class_uid"`
				Metadata struct{ UID string } `json:"metadata"`
			}
			if err := json.Unmarshal([]byte(line), &event); err != nil || event.Class != 6003 {
				t.Fatalf("%v: %s", err, line)
			}
			uids[event.Metadata.UID] = true
		}
		if len(uids) != 1201 || strings.Count(text, "\n") != 1201 {
			t.Errorf("%d events, %d lines; want 1201", len(uids), strings.Count(text, "\n"))
		}
		if _, _, err := exported(h, d, h.Screen(policy.Agent), in); !fault.Is(err, fault.Denied) {
			t.Errorf("an agent exports the trail: %v", err)
		}
		if _, _, err := exported(h, d, h.Screen(policy.Admin), records.AuditExportIn{Format: "csv", Extent: "whole"}); !fault.Is(err, fault.Invalid) {
			t.Errorf("a table that claims to be the whole trail: %v", err)
		}
	})
}

// TestTheNumbersAreOfTheSelection: facets and bars tell of what the filter finds, and of
// nothing that a search restriction hides.
func TestTheNumbersAreOfTheSelection(t *testing.T) {
	each(t, func(t *testing.T, h *gatetest.House, d *records.Desk) {
		happened(t, h, did("loan.view", "loan/ln_hidden", operation.Allowed), did("loan.view", "loan/ln_hidden", operation.Denied), did("role.update", "role/ro_1", operation.Allowed), did("role.view", "role/ro_1", operation.Failed))
		look := func(in records.AuditListIn) *records.AuditListOut {
			t.Helper()
			in.Numbers, in.Actor = "yes", "user/us_kim"
			out, err := gatetest.Do(h, d.AuditList, h.Screen(policy.Admin), in)
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		told := func(n *records.Numbers, name string) string {
			for _, f := range n.Facets {
				if f.Name == name {
					return fmt.Sprint(f.Values)
				}
			}
			return "no such facet"
		}
		all := look(records.AuditListIn{}).Numbers
		if all.Are != "exact" || all.Of != 4 || told(all, "object") != "[{loan/ln_hidden 2} {role/ro_1 2}]" || told(all, "outcome") != "[{allowed 2} {denied 1} {failed 1}]" {
			t.Errorf("%+v", all)
		}
		if len(all.Bars) != 4 || all.Bars[0].Allowed != 1 || all.Bars[1].Denied != 1 || all.Bars[2].Allowed != 1 || all.Bars[3].Failed != 1 {
			t.Errorf("bars %+v; the four are a second apart", all.Bars)
		}
		if n := look(records.AuditListIn{Narrow: records.Narrow{Outcome: "denied"}}).Numbers; n.Of != 1 || told(n, "object") != "[{loan/ln_hidden 1}]" {
			t.Errorf("denied: %+v", n)
		}
		h.Restrict(t, policy.Admin, policy.Restriction{Name: "none", Visible: "false"})
		few := look(records.AuditListIn{})
		if n := few.Numbers; n.Of != 2 || strings.Contains(fmt.Sprint(n), "ln_hidden") || few.Total != 2 {
			t.Errorf("a restricted administrator learns %+v", n)
		}
		text, _, err := exported(h, d, h.Screen(policy.Admin), records.AuditExportIn{Format: "csv"})
		if err != nil || strings.Contains(text, "ln_hidden") || !strings.Contains(text, "ro_1") {
			t.Errorf("a restricted administrator exports %s, %v", text, err)
		}
	})
}
