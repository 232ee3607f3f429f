// Package schema is the one numbered migration list of the platform: the
// tables of a tenant's database, of its key store, and of the directory of
// tenants, each migration written as a pair, one file an engine.
//
// It holds SQL files only. The pairs differ in nothing but types (BLOB and
// BYTEA) and what a comment in the file explains; a test compares them.
package schema

import (
	"embed"
	"io/fs"
)

//go:embed sqlite/*.sql postgres/*.sql
var tenantFiles embed.FS

//go:embed directory
var directoryFiles embed.FS

//go:embed keystore
var keystoreFiles embed.FS

// Tenant gives the migrations of a tenant's database.
func Tenant() fs.FS { return tenantFiles }

// Directory gives the migrations of the directory of tenants.
func Directory() fs.FS { return sub(directoryFiles, "directory") }

// KeyStore gives the migrations of a tenant's store of wrapped personal keys,
// which lives apart from the data so that backups of one leave out the other.
func KeyStore() fs.FS { return sub(keystoreFiles, "keystore") }

func sub(f embed.FS, dir string) fs.FS {
	s, err := fs.Sub(f, dir)
	if err != nil {
		panic(err) // the directory is embedded by this very file
	}
	return s
}
