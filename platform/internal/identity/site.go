package identity

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"

	"github.com/lendkeep/lendkeep/internal/db"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
)

// Site is the site key of a hosted form.
type Site struct {
	ID            id.SiteKey
	Public        string
	Label         string
	Origins       []string
	SourceCompany id.SourceCompany
	Active        bool
	CreatedAt     int64
}

const siteColumns = `id, public_key, label, origins, source_company, active, created_at`

func scanSite(scan func(...any) error) (Site, error) {
	var s Site
	var origins string
	var active int64
	if err := scan(&s.ID, &s.Public, &s.Label, &origins, &s.SourceCompany, &active, &s.CreatedAt); err != nil {
		return s, err
	}
	s.Active = active == 1
	return s, json.Unmarshal([]byte(origins), &s.Origins)
}

// InsertSite stores a site key.
func InsertSite(ctx context.Context, tx *db.Tx, s Site) error {
	origins, err := json.Marshal(s.Origins)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `INSERT INTO site_key (id, public_key, label, origins, source_company, active, created_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		s.ID, s.Public, s.Label, string(origins), s.SourceCompany, bit(s.Active), tx.At)
	return err
}

// UpdateSite stores label, origins and state of a site key.
func UpdateSite(ctx context.Context, tx *db.Tx, s Site) error {
	origins, err := json.Marshal(s.Origins)
	if err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE site_key SET label = ?, origins = ?, active = ? WHERE id = ?`, s.Label, string(origins), bit(s.Active), s.ID)
	return err
}

// Sites lists the site keys, newest first.
func Sites(ctx context.Context, tx *db.Tx) ([]Site, error) {
	return db.All(ctx, tx, func(r *db.Rows) (Site, error) { return scanSite(r.Scan) },
		`SELECT `+siteColumns+` FROM site_key ORDER BY created_at DESC, id`)
}

// SiteByID reads one site key; NotFound if there is none.
func SiteByID(ctx context.Context, tx *db.Tx, k id.SiteKey) (Site, error) {
	site, err := scanSite(func(dest ...any) error {
		return tx.One(ctx, `SELECT `+siteColumns+` FROM site_key WHERE id = ?`, []any{k}, dest...)
	})
	if errors.Is(err, sql.ErrNoRows) {
		return site, fault.Missing("site key")
	}
	return site, err
}
