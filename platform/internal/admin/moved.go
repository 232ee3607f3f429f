package admin

import (
	"context"
	"slices"
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

// mostTold bounds how many differences one answer tells, and longestOpen, in
// microseconds, how long ago a version may have been replaced for it to tell any:
// whoever may edit may not therefore read the trail.
const (
	mostTold    = 40
	longestOpen = 24 * int64(time.Hour/time.Microsecond)
)

// Unmoved refuses an edit that was made on another version than the stored one. The
// conflict names who saved meanwhile and, a field each, what they changed since a
// version that did stand; without a version there is nothing to hold the edit against.
func Unmoved(ctx context.Context, c *gate.Call, s Stored, version *int64) error {
	switch {
	case version == nil || *version == s.At:
		return nil
	case *version < 0:
		return fault.Bad("version", "Send the version that was read, or leave it out.")
	}
	by := s.By
	if by == "" {
		by = "Somebody"
	}
	if *version > s.At {
		return fault.New(fault.Conflict, ChangedMeanwhile, "This "+s.Noun+" has no such version yet. Read it again.")
	}
	f := fault.New(fault.Conflict, ChangedMeanwhile, by+" has saved this "+s.Noun+" at "+time.UnixMicro(s.At).In(c.Tenant.Zone).Format("15:04 on 2 January 2006")+
		", after you read it. Look at what was changed; saving again replaces it where you differ.")
	since, err := saves(ctx, c, s.Object, *version)
	if err != nil {
		return err
	}
	for _, e := range since {
		for _, x := range e.Changes {
			if len(f.Fields) < mostTold && !x.Sealed {
				f.Fields = append(f.Fields, difference(x, e.ActorName))
			}
		}
	}
	return f
}

// saves gives what the trail has of a thing since a version, oldest first; nothing
// where no save ever made that version, or where the next one is too long ago.
func saves(ctx context.Context, c *gate.Call, object string, version int64) ([]audit.Entry, error) {
	page, err := c.Tenant.Trail.List(ctx, c.Tx, audit.Filter{Object: object, Outcome: "allowed", From: version, Limit: 100})
	if err != nil || page.More {
		return nil, err
	}
	// Version 0 is the thing as it was made.
	made := func(e audit.Entry) bool {
		return e.At == version || version == 0 && strings.HasSuffix(e.Operation, ".create")
	}
	stood := version == 0 || slices.ContainsFunc(page.Entries, made)
	since := slices.DeleteFunc(page.Entries, func(e audit.Entry) bool { return made(e) || len(e.Changes) == 0 })
	slices.Reverse(since)
	if !stood || len(since) == 0 || c.At-since[0].At > longestOpen {
		return nil, nil
	}
	return since, nil
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
