package records

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

// sayErased writes "[erased]" for the values of people whose key was destroyed:
// they are not sealed from the reader, they are gone.
func sayErased(ctx context.Context, c *gate.Call, entries []audit.Entry) error {
	seen := map[string]bool{}
	var persons []string
	for _, e := range entries {
		for _, ch := range e.Changes {
			if ch.Sealed && ch.Person != "" && !seen[ch.Person] {
				seen[ch.Person] = true
				persons = append(persons, ch.Person)
			}
		}
	}
	if len(persons) == 0 {
		return nil
	}
	gone, err := c.Persons().Destroyed(ctx, persons)
	if err != nil || len(gone) == 0 {
		return err
	}
	for i := range entries {
		for k := range entries[i].Changes {
			if ch := &entries[i].Changes[k]; ch.Sealed && gone[ch.Person] {
				ch.Before, ch.After = audit.Erased, audit.Erased
			}
		}
	}
	return nil
}
