package applications

import (
	"context"
	"net/url"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination"
	"github.com/lendkeep/lendkeep/platform/internal/web/parts"
	"github.com/lendkeep/lendkeep/platform/internal/web/visit"
)

// blank is the form for an application that an officer enters.
func (r *Room) blank(v *visit.Visit) visit.Screen {
	return func(ctx context.Context, p *gate.Page) (visit.View, error) {
		if denied, lacks := visit.Need(v, p, r.desk.Submit, ""); lacks {
			return denied, nil
		}
		var list []Company
		if r.companies != nil {
			var err error
			if list, err = r.companies(ctx, p); err != nil {
				return visit.View{}, err
			}
		}
		page := parts.Page{Title: "Enter application", Crumbs: []parts.Link{{Text: "Applications", Href: home}}}
		return visit.View{Page: page, Body: newPage(v.Sheet("new"), list)}, nil
	}
}

func (r *Room) enter(v *visit.Visit) {
	visit.Act(v, r.desk.Submit, func(out *origination.SubmitOut) visit.Answer {
		return visit.Go(home+"/"+string(out.ID), "Application entered. The rules have decided; it waits for you.")
	}, r.blank(v), func(form url.Values, in *origination.SubmitIn) error {
		form.Set("requested.amount", plainAmount(form.Get("requested.amount")))
		if strings.EqualFold(strings.TrimSpace(form.Get("applicant.address.country")), "US") {
			form.Set("applicant.address.region", strings.ToUpper(strings.TrimSpace(form.Get("applicant.address.region"))))
		}
		return filledIn(form, visit.Decode(form, in))
	})
}

// filledIn adds to what could not be read whatever was left empty, so that all
// of it is named at once.
func filledIn(form url.Values, err error) error {
	var c fault.Collector
	for _, q := range [][2]string{{"applicant.first_name", "the first name"}, {"applicant.last_name", "the last name"}, {"applicant.email", "the e-mail address"}, {"applicant.phone", "the phone number"},
		{"applicant.date_of_birth", "the date of birth"}, {"applicant.ssn", "the Social Security number"}, {"applicant.address.line1", "street and number"}, {"applicant.address.city", "the city"},
		{"applicant.address.country", "the country"}, {"requested.amount", "the amount"}, {"requested.term_months", "the number of months"}} {
		c.Check(strings.TrimSpace(form.Get(q[0])) != "", q[0], "Enter "+q[1]+".")
	}
	if len(form["requested.term_months"]) > 0 && strings.TrimSpace(form.Get("requested.term_months")) == "" {
		return c.Err() // the reader of the form would say the same once more
	}
	if err != nil && !fault.Is(err, fault.Invalid) {
		return err
	}
	c.Merge("", err)
	return c.Err()
}
