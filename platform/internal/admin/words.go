package admin

import (
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/id"
)

// UserRef names a user in a path.
type UserRef struct {
	ID id.User `path:"id"`
}

func object(u *UserRef) string { return "user/" + string(u.ID) }

// personName reports a name without control characters.
func personName(s string) bool {
	s = strings.TrimSpace(s)
	return s != "" && utf8.RuneCountInString(s) <= 200 && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}
