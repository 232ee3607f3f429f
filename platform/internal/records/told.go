package records

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/records/ocsf"
)

// pieceTime bounds one piece of a table or of events: a selection of which there is
// little in a long trail is looked for in many pieces, and the right to it is asked
// again before each.
const pieceTime = time.Second

// entriesToldAPiece is how many entries one piece holds at most.
const entriesToldAPiece = 500

// toldTo is where an export of a table or of events goes on; it never leaves the
// program.
type toldTo struct {
	From     int64 // when it began: what came later is not in it
	BeforeAt int64
	BeforeID id.Audit
}

// told writes the next piece of a table or of events, newest first.
func told(ctx context.Context, c *gate.Call, in *AuditExportIn) (*gate.Chunk, error) {
	if in.Extent != "" && in.Extent != "part" || in.Since != "" || in.Entry != "" {
		return nil, fault.Bad("format", "A table and events hold what the filter finds and prove nothing; leave extent, since and entry out.")
	}
	f, err := in.filter(c)
	if err != nil {
		return nil, err
	}
	at := toldTo{From: c.At}
	if in.cursor != "" {
		if err := json.Unmarshal([]byte(in.cursor), &at); err != nil {
			return nil, err
		}
	}
	if f.To == 0 || f.To > at.From {
		f.To = at.From + 1
	}
	f.Limit, f.Patience, f.BeforeAt, f.BeforeID = entriesToldAPiece, pieceTime, at.BeforeAt, at.BeforeID
	in.note(c)
	c.Detail("format", in.Format)
	page, err := c.Tenant.Trail.Page(ctx, c.Tx, f)
	if err == nil {
		err = sayErased(ctx, c, page.Entries)
	}
	if err != nil {
		return nil, err
	}
	there := slices.DeleteFunc(slices.Clone(page.Entries), func(e audit.Entry) bool { return e.Disposal != "" }) // says nothing any more
	c.Detail("entries", strconv.Itoa(len(there)))
	piece := &gate.Chunk{File: gate.File{Name: "trail-" + c.Tenant.Slug + "-" + c.Today.String() + "-personal."}}
	if in.Format == "csv" {
		piece.Name, piece.ContentType = piece.Name+"csv", "text/csv; charset=utf-8"
		piece.Body = table(there, in.cursor == "")
	} else {
		piece.Name, piece.ContentType = piece.Name+"ocsf.jsonl", "application/jsonl; charset=utf-8"
		about := ocsf.About{Tenant: string(c.Tenant.ID), Lender: c.Tenant.Name, LoggedTime: at.From}
		for i := range there {
			line, err := ocsf.Line(&there[i], about)
			if err != nil {
				return nil, err
			}
			piece.Body = append(piece.Body, line...)
		}
	}
	if !page.More {
		return piece, nil
	}
	if at.BeforeAt, at.BeforeID = page.Reached, ""; page.Reached == 0 {
		last := page.Entries[len(page.Entries)-1]
		at.BeforeAt, at.BeforeID = last.At, last.ID
	}
	next, err := json.Marshal(at)
	piece.Next = string(next)
	return piece, err
}

// table is entries as CSV; no cell begins as a formula.
func table(entries []audit.Entry, head bool) []byte {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	if head {
		_ = w.Write([]string{"time", "sequence", "id", "actor", "actor_name", "for", "channel", "credential", "address", "user_agent", "operation", "operations", "object",
			"outcome", "layer", "reason", "rule", "decision_id", "policy_version", "grant", "given", "before", "after", "detail", "count"})
	}
	for i := range entries {
		e := shown(&entries[i])
		sequence, version := "", ""
		if e.Sequence != nil {
			sequence = strconv.FormatInt(*e.Sequence, 10)
		}
		if e.PolicyVersion != 0 {
			version = strconv.FormatInt(e.PolicyVersion, 10)
		}
		row := []string{e.Time, sequence, string(e.ID), e.Actor, e.ActorName, e.For, e.Channel, e.Credential, e.Address, e.UserAgent, e.Operation, strings.Join(e.Operations, " "), e.Object,
			e.Outcome, e.Layer, e.Reason, e.Rule, string(e.DecisionID), version, e.Grant, e.Given, listed(e.Before), listed(e.After), listed(e.Detail), strconv.FormatInt(e.Count, 10)}
		for i := range row {
			row[i] = cell(row[i])
		}
		_ = w.Write(row)
	}
	w.Flush() // into memory: cannot fail
	return b.Bytes()
}

// listed is a map as JSON, its keys sorted; nothing where it is empty.
func listed(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	text, _ := json.Marshal(m) // strings can always be written
	return string(text)
}

// cell keeps a spreadsheet from taking a text for a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
