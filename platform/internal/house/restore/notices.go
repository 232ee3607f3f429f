package restore

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/lendkeep/lendkeep/internal/audit/witness"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/house"
	"github.com/lendkeep/lendkeep/platform/internal/identity/revoked"
)

// consequence is what follows from a notice, in a house that has gone back to a time
// before it.
type consequence uint8

const (
	nothing  consequence = iota // it gave something, which is gone with the rest
	person                      // the person is switched off until somebody has looked
	key                         // the key ends
	siteKey                     // the form is switched off
	role                        // whoever holds the role is switched off
	rows                        // which rows restricted people see may be wider: somebody must look
	everyone                    // whom it concerns cannot be told from its name
	erased                      // the person is erased again
)

// gave are operations that only give, or take away what ended with the restore. What an
// approved proposal did has an entry of its own beside the approval, and is noticed by it.
func gave(name string) bool {
	return slices.Contains([]string{"user.create", "user.invite", "user.unlock", "user.sign_out", "api_key.create", "site_key.create", "role.create", "role.duplicate", "team.create", "search_restriction.create",
		"factor_exception.grant", "lent_loan.grant", "lent_loan.end", "grant.end", "access_request.grant", "proposal.approve", "proposal.reject", "proposal.withdraw", "four_eyes.waive",
		"portfolio.create", "source_company.create", "custom_field.create"}, name)
}

// follows says what follows from a notice. What it does not know concerns everybody.
func follows(n *witness.Notice) consequence {
	noun, _, _ := strings.Cut(n.Object, "/")
	switch {
	case n.Operation == house.Erasing:
		return erased
	case gave(n.Operation):
		return nothing
	case strings.HasPrefix(n.Operation, "loan.") || strings.HasPrefix(n.Operation, "import."):
		return rows
	case noun == "user":
		return person
	case noun == "api_key":
		return key
	case noun == "site_key":
		return siteKey
	case noun == "role":
		return role
	}
	return everyone
}

// replay ends again what was ended after the backup.
func (x *restoring) replay(ctx context.Context, tx *db.Tx, administrator id.User) (done []revoked.Ended, err error) {
	off := map[id.User]string{}
	var all string
	loans := map[string]bool{}
	keys := int64(0)
	for i := range x.kept.notices {
		n := &x.kept.notices[i]
		_, ref, _ := strings.Cut(n.Object, "/")
		switch follows(n) {
		case person:
			off[id.User(ref)] = n.Operation
		case key:
			ended, err := revoked.Key(ctx, tx, id.APIKey(ref))
			if err != nil {
				return nil, err
			}
			keys += ended
		case siteKey:
			ended, err := revoked.SiteKey(ctx, tx, id.SiteKey(ref))
			if err != nil {
				return nil, err
			}
			keys += ended
		case role:
			list, err := revoked.Holders(ctx, tx, id.Role(ref))
			if err != nil {
				return nil, err
			}
			for _, u := range list {
				off[u] = n.Operation
			}
		case rows:
			loans[n.Object] = true
		case everyone:
			all = n.Operation
		}
	}
	if all != "" {
		x.say("Since the backup there was %s, which may concern anybody.", all)
		if err := x.everybody(ctx, tx, off, all); err != nil {
			return nil, err
		}
	}
	if len(loans) > 0 {
		x.say("Loans changed hands %s: restricted people see them as they did before. Look at who was to lose sight of them.", plural(int64(len(loans)), "time", "times"))
	}
	n, err := x.switchOff(ctx, tx, off, administrator)
	if err != nil {
		return nil, err
	}
	return append(done, revoked.Ended{What: "people switched off", Rows: n}, revoked.Ended{What: "keys of which the witness tells", Rows: keys}), nil
}

func (x *restoring) everybody(ctx context.Context, tx *db.Tx, off map[id.User]string, why string) error {
	list, err := revoked.Active(ctx, tx)
	for _, u := range list {
		if off[u] == "" {
			off[u] = why
		}
	}
	return err
}

// switchOff switches people off and tells who and why. Somebody must be left who can
// switch them on again.
func (x *restoring) switchOff(ctx context.Context, tx *db.Tx, off map[id.User]string, administrator id.User) (n int64, err error) {
	for u, why := range off {
		if u == administrator {
			x.say("%s stays on, though there was %s: the password is taken away.", x.Administrator, why)
			if err := revoked.WithoutPassword(ctx, tx, u); err != nil {
				return 0, err
			}
			continue
		}
		who, was, err := revoked.Off(ctx, tx, u)
		if err != nil {
			return 0, err
		}
		if was {
			n++
			x.say("Switched off until somebody has looked: %s (%s).", who, why)
		}
	}
	left, err := revoked.Administrators(ctx, tx)
	if err == nil && left == 0 {
		err = fault.Bad("administrator", "What happened since the backup concerns every administrator, and somebody must be left to look: name who stays on (--administrator EMAIL).")
	}
	return n, err
}

// forget reads what a witness noticed after the backup, and reports whether that is all
// there was. Where everything is void, notices that cannot be read, or begin later, are
// said and not waited for: there is nothing better.
func (x *restoring) forget(folder, origin string) (whole bool, err error) {
	list, since, err := witness.Notices(folder, origin, x.trusted...)
	if err != nil && x.Void {
		x.say("The notices in %s are not taken: %v.", folder, err)
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("the notices in %s: %w", folder, err)
	}
	whole = uint64(since) <= x.point.Size
	if !whole && !x.Void {
		return false, fault.Bad("witness", fmt.Sprintf("%s keeps notices since entry %d only, and the backup ends with entry %d: what was revoked between is not known.", folder, since, x.point.Size))
	}
	for _, n := range list {
		if uint64(n.Sequence) > x.point.Size && !slices.Contains(x.kept.notices, n) {
			x.kept.notices = append(x.kept.notices, n)
		}
	}
	return whole, nil
}
