package apikeys

import (
	"context"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/id"
	"github.com/lendkeep/lendkeep/platform/internal/admin"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/identity"
)

// Site is the public key of a hosted application form.
type Site struct {
	ID            id.SiteKey       `json:"id" class:"public"`
	Key           string           `json:"key" class:"public" doc:"not a secret: bound to its origins"`
	Label         string           `json:"label" class:"public"`
	Origins       []string         `json:"origins" class:"public"`
	SourceCompany id.SourceCompany `json:"source_company,omitempty" class:"public"`
	Active        bool             `json:"active" class:"public"`
}

// SiteCreateIn asks for one.
type SiteCreateIn struct {
	Label         string           `json:"label" minLength:"1" maxLength:"100"`
	Origins       []string         `json:"origins" minItems:"1" maxItems:"20" example:"[\"https://apply.example.com\"]"`
	SourceCompany id.SourceCompany `json:"source_company,omitempty"`
}

// SiteUpdateIn changes one; what is left out stays.
type SiteUpdateIn struct {
	ID      id.SiteKey `path:"id" json:"-"`
	Label   *string    `json:"label,omitempty" maxLength:"100"`
	Origins *[]string  `json:"origins,omitempty" minItems:"1" maxItems:"20"`
	Active  *bool      `json:"active,omitempty" doc:"false refuses every form that uses the key from the next call on"`
}

// SiteListOut is all site keys, newest first.
type SiteListOut struct {
	Items []Site `json:"items"`
	Total int    `json:"total" class:"public"`
	Next  string `json:"next" class:"public"`
}

func siteList(ctx context.Context, c *gate.Call, _ *admin.Nothing) (*SiteListOut, error) {
	list, err := identity.Sites(ctx, c.Tx)
	if err != nil {
		return nil, err
	}
	out := &SiteListOut{Items: make([]Site, 0, len(list)), Total: len(list)}
	for _, s := range list {
		out.Items = append(out.Items, shownSite(s))
	}
	return out, nil
}

func shownSite(s identity.Site) Site {
	return Site{ID: s.ID, Key: s.Public, Label: s.Label, Origins: s.Origins, SourceCompany: s.SourceCompany, Active: s.Active}
}

func siteCreate(ctx context.Context, c *gate.Call, in *SiteCreateIn) (*Site, error) {
	s := identity.Site{ID: id.New[id.SiteKey](c.At), Public: identity.NewSiteKey(), Label: in.Label, Origins: in.Origins, SourceCompany: in.SourceCompany, Active: true, CreatedAt: c.At}
	if err := checkSite(&s); err != nil {
		return nil, err
	}
	recordSite(c, identity.Site{ID: s.ID}, s)
	out := shownSite(s)
	return &out, identity.InsertSite(ctx, c.Tx, s)
}

func siteUpdate(ctx context.Context, c *gate.Call, in *SiteUpdateIn) (*Site, error) {
	before, err := identity.SiteByID(ctx, c.Tx, in.ID)
	if err != nil {
		return nil, err
	}
	after := before
	if in.Label != nil {
		after.Label = *in.Label
	}
	if in.Origins != nil {
		after.Origins = *in.Origins
	}
	if in.Active != nil {
		after.Active = *in.Active
	}
	if err := checkSite(&after); err != nil {
		return nil, err
	}
	recordSite(c, before, after)
	out := shownSite(after)
	return &out, identity.UpdateSite(ctx, c.Tx, after)
}

// checkSite cleans a site key, or says what is wrong with it.
func checkSite(s *identity.Site) error {
	var f fault.Collector
	s.Label = checkLabel(&f, s.Label)
	f.Check(len(s.Origins) > 0, "origins", "Name at least one origin.")
	f.Check(len(s.Origins) <= 20, "origins", "Name at most 20 origins; another key may name others.")
	for i, o := range s.Origins {
		f.Check(isOrigin(o), "origins["+strconv.Itoa(i)+"]", "Give an origin such as https://apply.example.com, without a path.")
		f.Check(slices.Index(s.Origins, o) == i, "origins["+strconv.Itoa(i)+"]", "Name each origin once.")
	}
	return f.Err()
}

func isOrigin(s string) bool {
	u, err := url.Parse(s)
	return err == nil && u.Scheme == "https" && u.Host != "" && u.User == nil && u.Scheme+"://"+u.Host == s
}

func recordSite(c *gate.Call, before, after identity.Site) {
	state := func(on bool) string {
		if on {
			return "yes"
		}
		return "no"
	}
	c.Object("site_key/" + string(after.ID))
	c.Change("label", before.Label, after.Label)
	c.Change("origins", strings.Join(before.Origins, ", "), strings.Join(after.Origins, ", "))
	c.Change("active", state(before.Active), state(after.Active))
}
