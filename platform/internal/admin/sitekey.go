package admin

import (
	"context"
	"net/url"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// SiteKey is the public key of a hosted application form.
type SiteKey struct {
	ID            id.SiteKey       `json:"id" class:"public"`
	Key           string           `json:"key" class:"public" doc:"not a secret: bound to its origins"`
	Label         string           `json:"label" class:"public"`
	Origins       []string         `json:"origins" class:"public"`
	SourceCompany id.SourceCompany `json:"source_company,omitempty" class:"public"`
	Active        bool             `json:"active" class:"public"`
}

// SiteKeyIn asks for one.
type SiteKeyIn struct {
	Label         string           `json:"label" minLength:"1" maxLength:"100"`
	Origins       []string         `json:"origins" minItems:"1" maxItems:"20" example:"[\"https://apply.example.com\"]"`
	SourceCompany id.SourceCompany `json:"source_company,omitempty"`
}

// SiteKeyListOut is all site keys, newest first.
type SiteKeyListOut struct {
	Items []SiteKey `json:"items"`
	Total int       `json:"total" class:"public"`
	Next  string    `json:"next" class:"public"`
}

func (d *Desk) siteKeyList() *gate.Op[Nothing, SiteKeyListOut] {
	return look("site_key.list", "List site keys", "Site keys", "/site-keys", func(ctx context.Context, c *gate.Call, _ *Nothing) (*SiteKeyListOut, error) {
		list, err := identity.Sites(ctx, c.Tx)
		if err != nil {
			return nil, err
		}
		out := &SiteKeyListOut{Items: make([]SiteKey, 0, len(list)), Total: len(list)}
		for _, s := range list {
			out.Items = append(out.Items, shownSite(s))
		}
		return out, nil
	})
}

func shownSite(s identity.Site) SiteKey {
	return SiteKey{ID: s.ID, Key: s.Public, Label: s.Label, Origins: s.Origins, SourceCompany: s.SourceCompany, Active: s.Active}
}

func (d *Desk) siteKeyCreate() *gate.Op[SiteKeyIn, SiteKey] {
	o := edit("site_key.create", "Make site key", "Site keys", "POST", "/site-keys", func(ctx context.Context, c *gate.Call, in *SiteKeyIn) (*SiteKey, error) {
		var f fault.Collector
		for i, o := range in.Origins {
			f.Check(isOrigin(o), "origins["+strconv.Itoa(i)+"]", "Give an origin such as https://apply.example.com, without a path.")
		}
		f.Check(personName(in.Label), "label", "Give it a label, without control characters.")
		f.Check(len(in.Origins) > 0, "origins", "Name at least one origin.")
		if err := f.Err(); err != nil {
			return nil, err
		}
		s := identity.Site{ID: id.New[id.SiteKey](c.At), Public: identity.NewSiteKey(), Label: in.Label, Origins: in.Origins, SourceCompany: in.SourceCompany, Active: true, CreatedAt: c.At}
		c.Object("site_key/" + string(s.ID))
		c.Change("label", "", s.Label)
		c.Change("origins", "", strings.Join(s.Origins, ", "))
		out := shownSite(s)
		return &out, identity.InsertSite(ctx, c.Tx, s)
	})
	o.Status = 201
	return o
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Scheme+"://"+u.Host == s
}
