package addresses_test

import (
	"context"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// saving stores a team under a new version.
func saving(team *policy.Team) func(context.Context, *db.Tx) error {
	return func(ctx context.Context, tx *db.Tx) error {
		if err := policy.SaveTeam(ctx, tx, team, true); err != nil {
			return err
		}
		return policy.Bump(ctx, tx)
	}
}
