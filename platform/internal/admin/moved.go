package admin

import (
	"context"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// Stored is the last change of something that two people may edit at once.
type Stored struct {
	Object string // as the trail names it
	Noun   string // "role"
	At     int64  // also its version; 0: never changed
	By     string
}

// ChangedMeanwhile is the reason of an edit of what somebody has saved since it was
// read.
const ChangedMeanwhile = "changed_meanwhile"

// mostTold bounds how many differences one answer tells.
const mostTold = 40

// Unmoved refuses an edit that was made on another version than the stored one. The
// conflict names who saved meanwhile and, a field each, what they changed; without a
// version there is nothing to hold the edit against.
func Unmoved(ctx context.Context, c *gate.Call, s Stored, version *int64) error {
	if version == nil || *version == s.At {
		return nil
	}
	by := s.By
	if by == "" {
		by = "Somebody"
	}
	if s.At == 0 {
		return fault.New(fault.Conflict, ChangedMeanwhile, "This "+s.Noun+" has no such version: nobody has changed it yet. Read it again.")
	}
	f := fault.New(fault.Conflict, ChangedMeanwhile, by+" has saved this "+s.Noun+" at "+time.UnixMicro(s.At).In(c.Tenant.Zone).Format("15:04 on 2 January 2006")+
		", after you read it. Look at what was changed; saving again replaces it where you differ.")
	since, err := c.Tenant.Trail.List(ctx, c.Tx, audit.Filter{Object: s.Object, Outcome: "allowed", From: *version + 1, Limit: 100})
	if err != nil {
		return err
	}
	for i := len(since.Entries) - 1; i >= 0; i-- {
		for _, x := range since.Entries[i].Changes {
			if len(f.Fields) < mostTold && !x.Sealed {
				f.Fields = append(f.Fields, difference(x, since.Entries[i].ActorName))
			}
		}
	}
	return f
}

// difference puts a change that was saved meanwhile into words; of a list, "ui
// loan.view", the field is the list.
func difference(x audit.Change, by string) fault.Field {
	field, item, ofList := strings.Cut(x.Field, " ")
	switch {
	case ofList && x.Before == "":
		return fault.Field{Path: field, Mend: by + " has added " + item + "."}
	case ofList:
		return fault.Field{Path: field, Mend: by + " has taken out " + item + "."}
	case x.After == "":
		return fault.Field{Path: field, Mend: by + " has emptied it; it was “" + clipped(x.Before) + "”."}
	case x.Before == "":
		return fault.Field{Path: field, Mend: by + " has set it to “" + clipped(x.After) + "”."}
	}
	return fault.Field{Path: field, Mend: by + " has changed it from “" + clipped(x.Before) + "” to “" + clipped(x.After) + "”."}
}

func clipped(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
