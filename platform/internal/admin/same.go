package admin

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// VersionOf gives a version to what many operations change, each in its own way: a
// number that is another one whenever anything of it is, and that JSON carries whole.
func VersionOf(content ...any) int64 {
	text, err := json.Marshal(content)
	if err != nil {
		panic(err) // content is texts, numbers and lists of them
	}
	sum := sha256.Sum256(text)
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 11)
}

// Same is Unmoved for what has such a version; At of s is not read. now says, of the
// fields that the edit would change, how they stand.
func Same(ctx context.Context, c *gate.Call, s Stored, stored int64, version *int64, now []fault.Field) error {
	if version == nil || *version == stored {
		return nil
	}
	words := "This " + s.Noun + " is not as you read it."
	page, err := c.Tenant.Trail.List(ctx, c.Tx, audit.Filter{Object: s.Object, Outcome: "allowed", From: max(1, c.At-longestOpen), Limit: 100})
	if err != nil {
		return err
	}
	for _, e := range page.Entries {
		if len(e.Changes) > 0 {
			words += " " + e.ActorName + " was the last to save it, at " + time.UnixMicro(e.At).In(c.Tenant.Zone).Format("15:04 on 2 January 2006") + "."
			break
		}
	}
	f := fault.New(fault.Conflict, ChangedMeanwhile, words+" Look at how it stands; saving again replaces it where you differ.")
	f.Fields = now
	return f
}
