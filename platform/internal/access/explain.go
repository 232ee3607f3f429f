package access

import (
	"github.com/lendkeep/lendkeep/internal/operation"
)

// State is how far one layer came.
type State uint8

// The states of a layer. A layer after the one that refused is not reached.
const (
	NotReached State = iota
	Passed
	Refused
)

// String gives the state's name in answers.
func (s State) String() string { return at(s, "not_reached", "passed", "refused") }

// Step is what one layer said. Why is one sentence; Mend, on a refusal, the
// smallest change that lets this layer pass.
type Step struct {
	Layer  Layer
	State  State
	Reason Reason
	Rule   int32 // the IP rule that denied, or -1
	Why    string
	Mend   string
}

// Explain asks the layers as Decide does and tells what each said. Its refusal,
// if any, is Decide's.
func Explain(p *Policy, s *Subject, q *Query) []Step {
	steps := make([]Step, 0, FourEyes)
	over := p == nil || s == nil
	for l := Tenant; l <= FourEyes; l++ {
		step := Step{Layer: l, Rule: -1, Why: "Not reached."}
		if !over {
			byGrant := false
			switch l {
			case Tenant:
				step.Reason = tenant(p)
			case Principal:
				step.Reason = principal(s, q)
			case Address:
				step.Reason, step.Rule = addresses(p, s, q)
			case Factor:
				step.Reason = factors(s, q)
			case Permission:
				step.Reason, byGrant = permission(s, q)
			case Key:
				step.Reason = scope(s, q)
			case StepUp:
				step.Reason = stepUp(s, q)
			case FourEyes: // stops nothing: the call becomes a proposal
				step.Reason = OK
			}
			if step.Reason == OK {
				step.State, step.Why = Passed, passed(l, p, s, q, byGrant)
			} else {
				step.State, step.Why, step.Mend = Refused, step.Reason.Words(), step.Reason.Mend()
				over = true
			}
		}
		steps = append(steps, step)
	}
	return steps
}

// passed says why a layer let the call through.
func passed(l Layer, p *Policy, s *Subject, q *Query, byGrant bool) string {
	switch l {
	case Tenant:
		return "The tenant is active."
	case Principal:
		return "Who calls is active and signed in."
	case Address:
		switch {
		case q.Channel == operation.Job || q.Channel == operation.Console || q.Channel == operation.Portal:
			return "IP rules do not bind this channel."
		case len(p.TenantIP)+len(s.RoleIP)+len(s.UserIP)+len(s.KeyIP) == 0:
			return "No IP rule stands for the tenant, the role, the user or the key."
		}
		return "The IP rules of the tenant, the role, the user and the key let this address pass."
	case Factor:
		return fresh(s, q)
	case Permission:
		return permitted(q, byGrant)
	case StepUp:
		if !q.StepUp || !onScreens(q) {
			return "The operation asks for no fresh proof in this channel."
		}
		return "The person proved who they are within the last five minutes."
	case FourEyes:
		if p.FourEyes.Has(q.Op) {
			return "A second person must approve it: the call becomes a proposal."
		}
		return "No second person is asked for."
	}
	if s.KeyScope == nil {
		return "No key's scope narrows the call."
	}
	return "The API key's scope holds the operation."
}

// fresh says why password and factors let the call through.
func fresh(s *Subject, q *Query) string {
	switch {
	case !onScreens(q):
		return "Passwords and second factors bind people, not this channel."
	case q.Mends:
		return "The operation renews the password or the second factor."
	case s.FactorNeeded && q.FactorAt == 0:
		return "The password is fresh; a recorded exception stands in for the second factor."
	case !s.FactorNeeded:
		return "The password is fresh; no second factor is asked for."
	}
	return "The password and the second factor are fresh."
}

func permitted(q *Query, byGrant bool) string {
	switch {
	case byGrant:
		return "A running walkthrough lends the operation on this object."
	case q.Channel == operation.API:
		return "The role permits the operation through the API."
	case q.Channel == operation.UI || q.Channel == operation.Walkthrough:
		return "The role permits the operation on the screens."
	}
	return "The operation itself permits this channel."
}

// Mend says the smallest change after which the reason no longer holds; empty
// where nothing needs mending or nothing about access can mend it.
func (r Reason) Mend() string {
	switch r {
	case TenantInactive:
		return "Activate the tenant."
	case UserInactive:
		return "Activate the user."
	case KeyExpired:
		return "Rotate the API key."
	case SessionEnded:
		return "Sign in again."
	case AddressDenied:
		return "Take the address out of the IP rule that denies it."
	case AddressNotAllowed:
		return "Add the address to an allowing IP rule of each holder that has one."
	case PasswordExpired:
		return "Set a new password."
	case FactorStale:
		return "Give the second factor."
	case RoleLacksOperation:
		return "Give the role this operation in this channel, or run a walkthrough that lends it."
	case GrantExpired:
		return "Start the walkthrough again, or give the role this operation."
	case KeyScopeLacksOperation:
		return "Add the operation to the API key's scope."
	case NotVisible:
		return "Widen the search restriction that hides the row."
	case LimitTooLow:
		return "Raise the level of the limit on this area."
	case StepUpNeeded:
		return "Give the second factor for this operation."
	case FourEyesNeeded:
		return "Have a second person approve it."
	case ViewOnly:
		return "End the view."
	}
	return ""
}
