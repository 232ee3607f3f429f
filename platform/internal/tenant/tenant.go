// Package tenant is the directory of tenants and what belongs to each: its
// database, its keyset, its store of personal keys, its audit trail and the
// cache of its compiled policy.
//
// Every tenant has a database of its own: one encrypted SQLite file (and one
// for its personal keys), or one PostgreSQL database each. The directory says
// where they are, and under which host name the tenant is called; a forwarded
// host is never looked at. Page keys never stand in a connection string.
package tenant

import (
	"time"

	"github.com/lendkeep/lendkeep/internal/audit"
	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Tenant is one lender, opened.
type Tenant struct {
	ID       id.Tenant
	Slug     string
	Name     string
	Host     string // the host name it is called by, without a port
	Region   string // where its data must stay
	Zone     *time.Location
	Active   bool
	DB       *db.DB
	Ring     *keys.Ring
	Persons  *keys.Store // wrapped keys of borrowers and applicants
	Trail    *audit.Trail
	Policies *policy.Cache

	keyDB *db.DB
	files files
}

// Today gives the tenant's date at an instant.
func (t *Tenant) Today(at int64) civil.Date { return civil.In(at, t.Zone) }

// close lets go of the databases.
func (t *Tenant) close() error {
	err := t.DB.Close()
	if err2 := t.keyDB.Close(); err == nil {
		err = err2
	}
	return err
}
