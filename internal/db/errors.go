package db

import (
	"context"
	"errors"
)

var errUnfinished = errors.New("db: not filled in")

// IsDuplicate reports whether err says that a row with the same unique key is there.
func IsDuplicate(err error) bool { return false }

// IsReference reports whether err says that a row refers to one that is not
// there, or is referred to.
func IsReference(err error) bool { return false }

// IsBusyOrDown reports whether err says that the database cannot be reached or is locked.
func IsBusyOrDown(err error) bool { return false }

// CreateDatabase makes a PostgreSQL database with bytewise collation and gives its DSN.
func CreateDatabase(ctx context.Context, adminDSN, name string) (dsn string, err error) {
	return "", errUnfinished
}
