package inquiry

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/ipset"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/access"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// Layer is one layer of the gate and what it says.
type Layer struct {
	Layer   string `json:"layer" class:"public" enum:"tenant,principal,address,factor,role,grant,key,step_up,four_eyes,row,limit"`
	Passed  bool   `json:"passed" class:"public"`
	Reached bool   `json:"reached" class:"public" doc:"false: not asked: an earlier layer had already said no, and this is what would hold, or there was no object to ask about"`
	Why     string `json:"why" class:"public"`
	Rule    string `json:"rule,omitempty" class:"public" doc:"the text of the rule that decided"`
}

// layers puts what every layer says into words, the grants behind the role.
func (t *trial) layers(p *policy.Compiled, s *policy.Subject, steps []access.Step, r sight) []Layer {
	out := make([]Layer, 0, len(steps)+3)
	open := true // no layer has refused yet
	for _, step := range steps {
		l := Layer{Layer: step.Layer.String(), Passed: step.State == access.Passed, Reached: step.State != access.NotReached, Why: step.Why}
		if l.Reached {
			l.Why, l.Rule = t.say(p, s, step)
		}
		out = append(out, l)
		if step.Layer == access.Permission {
			out = append(out, t.grant(s, step))
		}
		open = open && step.State != access.Refused
	}
	row := t.sayRow(s, r, open)
	limit := t.sayLimit(s, r, open && r.mine && r.theirs)
	return append(out, row, limit)
}

// say gives a layer's sentence and the text of its rule.
func (t *trial) say(p *policy.Compiled, s *policy.Subject, step access.Step) (why, rule string) {
	why = step.Why
	switch step.Layer {
	case access.Address:
		if t.q.Meta.Permit != gate.Public {
			return t.sayAddress(p, s, step)
		}
	case access.Factor:
		return t.sayFactor(s, step)
	case access.Permission:
		return t.sayRole(s, step), ""
	case access.Key:
		if s.KeyScope != nil {
			return why, "scope: " + strings.Join(t.d.namesIn(s.KeyScope), ", ")
		}
	}
	return why, ""
}

func (t *trial) sayRole(s *policy.Subject, step access.Step) string {
	m := t.q.Meta
	switch {
	case m.Permit == gate.Public:
		return "Anybody may call this operation."
	case m.Permit == gate.SignedIn && step.State == access.Passed:
		return "Everybody who is signed in may call this operation."
	case m.Permit == gate.House:
		return "Only the house itself calls this operation; no role can hold it."
	case t.q.Channel == operation.API && m.Path == "":
		return "The API does not have this operation; no role can hold it there."
	case t.q.Channel != operation.API && m.Screen == "":
		return "No screen has this operation; a role can hold it in the API only."
	case step.State == access.Refused:
		return "Role “" + s.Role.Name + "” has no “" + m.Title + "” (" + m.Name + ") in " + tree(t.q.Channel) + "."
	case s.Role.Rights.UI.Has(m.Number) && t.q.Channel != operation.API || s.Role.Rights.API.Has(m.Number) && t.q.Channel == operation.API:
		return "Role “" + s.Role.Name + "” has “" + m.Title + "” (" + m.Name + ") in " + tree(t.q.Channel) + "."
	}
	return step.Why
}

// grant says whether a lent right stands in for the role.
func (t *trial) grant(s *policy.Subject, step access.Step) Layer {
	l := Layer{Layer: "grant", Reached: step.State != access.NotReached, Passed: step.State == access.Passed, Why: "Not reached."}
	var living []string
	for _, g := range s.Lent {
		if g.Object == t.q.Object && slices.Contains(g.Operations, t.q.Meta.Name) {
			living = append(living, g.Source+" until "+instant(g.Until))
		}
	}
	switch {
	case !l.Reached:
	case step.State == access.Passed && s.Role.Rights.UI.Has(t.q.Meta.Number) || t.q.Channel == operation.API && l.Passed:
		l.Why = "None is needed: the role has the operation."
	case l.Passed:
		l.Why = "A running walkthrough lends the operation on this object."
	case step.Reason == access.GrantExpired:
		l.Why = "A walkthrough has lent the operation on this object, and that has ended."
	case len(living) > 0:
		l.Why = "A walkthrough lends the operation on this object, to another session."
	default:
		l.Why = "No running walkthrough lends the operation on this object."
	}
	l.Rule = strings.Join(living, "; ")
	return l
}

func (t *trial) sayFactor(s *policy.Subject, step access.Step) (why, rule string) {
	why = step.Why
	if step.State != access.Passed || t.q.Channel == operation.API {
		return why, ""
	}
	switch ago := time.Duration(t.q.At-t.q.FactorAt) * time.Microsecond; {
	case t.q.FactorAt == t.q.At:
		why = "Taken as given: a fresh password and a fresh second factor."
	case t.q.FactorAt != 0:
		why = "Second factor given " + ago.Round(time.Minute).String() + " ago."
	}
	if s.ExceptUntil > t.q.At {
		rule = "recorded exception from second factors until " + instant(s.ExceptUntil)
	}
	return why, rule
}

// holders are the sets of addresses of each holder, by the word for it.
func holders(p *policy.Compiled, s *policy.Subject) []struct {
	word  string
	rules []access.IPRule
} {
	return []struct {
		word  string
		rules []access.IPRule
	}{{"the tenant", p.Access.TenantIP}, {"the role", s.RoleIP}, {"the user", s.UserIP}, {"the key", s.KeyIP}}
}

// sayAddress names the sets that let the address pass, the one that denies it, or
// those that it is missing from.
func (t *trial) sayAddress(p *policy.Compiled, s *policy.Subject, step access.Step) (why, rule string) {
	a := t.q.Address
	switch {
	case step.State == access.Refused && step.Rule >= 0:
		set := p.IPRules()[step.Rule]
		return a.String() + " is denied by “" + set.Name + "”.", "deny " + entryOf(set, t)
	case step.State == access.Refused:
		word, lacking := t.lacking(p, s)
		var names, texts []string
		for _, r := range lacking {
			names, texts = append(names, r.Name), append(texts, "allow "+some(r.Entries))
		}
		return a.String() + " is in no allowing set of " + word + ": " + quoted(names) + ".", strings.Join(texts, "; ")
	}
	var names, texts []string
	for _, h := range holders(p, s) {
		for _, r := range h.rules {
			if set := p.IPRules()[r.Index]; !r.Deny && set.Contains(a) && !slices.Contains(names, set.Name) {
				names, texts = append(names, set.Name), append(texts, "allow "+entryOf(set, t))
			}
		}
	}
	if len(names) == 0 {
		return step.Why, ""
	}
	return a.String() + " is allowed by " + quoted(names) + ".", strings.Join(texts, "; ")
}

// lacking gives the first holder whose allowing sets all miss the address, and
// those sets.
func (t *trial) lacking(p *policy.Compiled, s *policy.Subject) (string, []*policy.IPRule) {
	for _, h := range holders(p, s) {
		var allow []*policy.IPRule
		matched := false
		for _, r := range h.rules {
			if !r.Deny {
				set := p.IPRules()[r.Index]
				allow, matched = append(allow, set), matched || set.Contains(t.q.Address)
			}
		}
		if len(allow) > 0 && !matched {
			return h.word, allow
		}
	}
	return "", nil
}

// mostEntries bounds the sets whose entries are looked through one by one.
const mostEntries = 10_000

// entryOf gives the entry of a set that holds the address, or the first of many.
func entryOf(set *policy.IPRule, t *trial) string {
	if len(set.Entries) > mostEntries {
		return some(set.Entries)
	}
	for _, e := range set.Entries {
		if one, err := ipset.Parse(e); err == nil && one.Contains(t.q.Address) {
			return e
		}
	}
	return some(set.Entries)
}

// some prints a list, or the beginning of a long one.
func some(list []string) string {
	const most = 6
	if len(list) <= most {
		return strings.Join(list, ", ")
	}
	return strings.Join(list[:most], ", ") + fmt.Sprintf(" and %d more", len(list)-most)
}

// sayRow tells of the search restrictions.
func (t *trial) sayRow(s *policy.Subject, r sight, open bool) Layer {
	l := Layer{Layer: "row", Reached: open, Passed: r.mine && r.theirs}
	var names, texts []string
	for _, x := range s.Restrictions {
		names, texts = append(names, x.Name), append(texts, textOf(x, r.noun))
	}
	switch {
	case t.unnamed():
		return t.notAsked("row")
	case t.q.Object == "":
		l.Why = "The operation is about no single object."
	case r.noun == "":
		l.Passed, l.Reached, l.Why = false, false, "Not asked: search restrictions do not bind this sort of object, and whether it is there was not looked up."
	case !r.mine:
		l.Why = "There is no such " + r.noun + " within what you may see yourself."
	case !s.Restricted():
		l.Why = "No search restriction binds this person."
	case !r.theirs:
		l.Why, l.Rule = "Hidden by “"+r.hides.Name+"”.", textOf(r.hides, r.noun)
	case r.lent != "":
		l.Why, l.Rule = "Lent to this person until "+r.lent+", whatever "+quoted(names)+" would show.", "lent loan"
	default:
		l.Why, l.Rule = "Visible under "+quoted(names)+".", strings.Join(texts, " and ")
	}
	return l
}

// unnamed reports that the operation is about something that restrictions and limits
// bind, and the question does not say which.
func (t *trial) unnamed() bool { return t.q.Object == "" && scoped(t.q.Meta.Noun) }

// notAsked is a layer that speaks of an object where none is named: it neither passes
// nor refuses.
func (t *trial) notAsked(layer string) Layer {
	return Layer{Layer: layer, Why: "Not asked: name the " + t.q.Meta.Noun + "."}
}

// textOf gives the expression of a restriction that speaks of a noun.
func textOf(x *policy.Restriction, noun string) string {
	switch {
	case x.Broken:
		return "an expression that speaks of what is not there any more"
	case noun == "application" && x.Applications == "":
		return "no applications"
	case noun == "application":
		return x.Applications
	case noun == "borrower" && x.Borrowers != "":
		return x.Visible + " or " + x.Borrowers
	}
	text := x.Visible
	for _, l := range x.Limits {
		if l.Area == policy.Summary && l.Allows() == policy.None {
			text += ", without what " + conditionOf(&l)
		}
	}
	return text
}

func conditionOf(l *policy.Limit) string {
	if l.When == "" {
		return "true"
	}
	return l.When
}

// sayLimit tells of the limits on the operation's area.
func (t *trial) sayLimit(s *policy.Subject, r sight, open bool) Layer {
	l := Layer{Layer: "limit", Reached: open, Passed: r.limit == nil}
	part := t.q.Meta.Part
	switch {
	case r.limit != nil:
		l.Why = "Area " + part + ": " + levelWords(r.limit) + " under “" + r.of.Name + "”"
		if r.limit.Message != "" {
			l.Why += ": " + r.limit.Message
		}
		l.Rule = r.limit.Area + " " + r.limit.Level + " when " + conditionOf(r.limit)
	case part == "":
		l.Why = "The operation belongs to no area that limits speak of."
	case t.unnamed():
		return t.notAsked("limit")
	case t.q.Object == "" || r.noun == "":
		l.Why = "Limits are asked about a loan, a borrower or an application."
	case !r.mine || !r.theirs:
		l.Passed, l.Why = false, "Not reached."
	case len(s.Limits(part)) == 0:
		l.Why = "No limit on the area " + part + " binds this person."
	default:
		l.Why = "No limit on the area " + part + " holds here."
	}
	return l
}

func levelWords(l *policy.Limit) string {
	switch l.Allows() {
	case policy.None:
		return "not even to be seen"
	case policy.View:
		return "view only"
	}
	return "everything"
}

// namesIn gives the names of the operations in a set.
func (d *Desk) namesIn(b access.Bits) []string {
	out := []string{}
	for _, m := range d.config.Catalogue() {
		if b.Has(m.Number) {
			out = append(out, m.Name)
		}
	}
	return out
}
