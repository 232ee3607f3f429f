package house

import (
	"github.com/lendkeep/lendkeep/internal/keys"
	columns "github.com/lendkeep/lendkeep/platform/internal/privacy/register"
)

// Register is what the house lists as sealed.
func Register() keys.Register { return register() }

// Persons is the register of what is held about people.
func Persons() []columns.Table { return persons() }

// Noticed lists the operations of which witnesses keep notices.
func (h *House) Noticed() []string { return noticed(h.Gate.Catalogue()) }
