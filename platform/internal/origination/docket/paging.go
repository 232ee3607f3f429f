package docket

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// ActorOf is the caller as records name who acted.
func ActorOf(c *gate.Call) Actor { return Actor{ID: c.Who.String(), Name: c.Who.Name} }

// Paging is the part of every list's input that says which page is meant.
type Paging struct {
	Cursor string `query:"cursor" json:"-" maxLength:"2000" required:"false" doc:"The next of the page before; bound to the caller and to the same filters."`
	Limit  int    `query:"limit" json:"-" minimum:"1" maximum:"200" required:"false" doc:"Items a page, 50 unless told."`
	Total  string `query:"total" json:"-" enum:"exact" required:"false" doc:"exact: count all, also with filters."`
}

// Check names what is wrong with the paging and gives the items a page.
func (p Paging) Check(f *fault.Collector) int {
	f.Check(p.Limit >= 0 && p.Limit <= 200, "limit", "Give a number between 1 and 200.")
	f.Check(p.Total == "" || p.Total == "exact", "total", `Leave it out or write "exact".`)
	if p.Limit == 0 {
		return 50
	}
	return p.Limit
}

// cursorPurpose binds a cursor to the caller, the list and its filters.
func cursorPurpose(c *gate.Call, list string, filter any) string {
	b, err := json.Marshal(filter)
	if err != nil {
		panic(err) // filters are structs of texts
	}
	h := sha256.Sum256(b)
	return "cursor " + list + " " + c.Who.String() + " " + hex.EncodeToString(h[:])
}

// SealCursor makes the cursor of the next page, bound to the caller, the list and
// its filters.
func SealCursor(c *gate.Call, list string, filter, mark any) string {
	b, err := json.Marshal(mark)
	if err != nil {
		panic(err) // marks are structs of texts and numbers
	}
	return c.Tenant.Ring.SealToken(cursorPurpose(c, list, filter), b)
}

// OpenCursor reads a cursor into mark; false if none was given.
func OpenCursor(c *gate.Call, list string, filter any, cursor string, mark any) (bool, error) {
	if cursor == "" {
		return false, nil
	}
	b, err := c.Tenant.Ring.OpenToken(cursorPurpose(c, list, filter), cursor)
	if err != nil || json.Unmarshal(b, mark) != nil {
		return false, fault.Bad("cursor", "Take the cursor from the page before, with the same filters and the same caller, or begin without one.")
	}
	return true, nil
}

// Instant prints an instant as the API writes it; empty for never.
func Instant(micros int64) string {
	if micros == 0 {
		return ""
	}
	return time.UnixMicro(micros).UTC().Format(time.RFC3339)
}
