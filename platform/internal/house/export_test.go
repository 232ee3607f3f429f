package house

import "github.com/lendkeep/lendkeep/internal/keys"

// Register is what the house lists as sealed.
func Register() keys.Register { return register() }
