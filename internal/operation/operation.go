// Package operation holds the words that describe one operation and one call
// of it: kind, channel, audit form, sensitivity, outcome. Both programs' gates
// and the audit trail share them, so that a trail reads the same everywhere.
//
// It knows no desk, no database and no HTTP.
package operation

// Kind says whether an operation only reads or also changes something.
type Kind uint8

// The two kinds; the zero value is refused by every gate.
const (
	Read Kind = iota + 1
	Write
)

// String gives "read" or "write", as the catalogue prints it.
func (k Kind) String() string { return word(k, "read", "write") }

// Channel is the way a call came in. The credential decides it, never a header.
type Channel uint8

// The channels. Walkthrough is the screens while a walkthrough runs.
const (
	UI Channel = iota + 1
	API
	Walkthrough
	Job
	Portal
	Console
)

// String gives the channel's name in the audit trail.
func (c Channel) String() string {
	return word(c, "ui", "api", "walkthrough", "job", "portal", "console")
}

// ParseChannel reads what String writes; 0 for anything else.
func ParseChannel(s string) Channel {
	for c := UI; c <= Console; c++ {
		if c.String() == s {
			return c
		}
	}
	return 0
}

// Form says how an operation is audited. The zero Form is refused at start-up:
// no operation without an entry.
type Form uint8

// The audit forms.
const (
	Looked  Form = iota + 1 // a read: who looked at which object or list
	Changed                 // a write: field-level before and after
	Moved                   // money moved: the amounts, before and after
	Access                  // a change of who may see or do what
	Entered                 // sign-in, sign-out, reset: no secrets
	Decided                 // an automatic or human decision with its reasons
)

// String gives the form's name in the catalogue.
func (f Form) String() string {
	return word(f, "looked", "changed", "moved", "access", "entered", "decided")
}

// Sensitivity tells the role editor and step-up rules how grave an operation is.
type Sensitivity uint8

// From harmless to grave.
const (
	Ordinary Sensitivity = iota
	Personal             // reveals or changes personal data
	Money                // moves money
	Security             // changes access, keys, rules of the house
)

// String gives the sensitivity's name in the catalogue.
func (s Sensitivity) String() string {
	return word(s+1, "ordinary", "personal", "money", "security")
}

// Outcome is how a call ended in the audit trail.
type Outcome uint8

// The outcomes: allowed and done; refused by the gate; permitted but failed.
const (
	Allowed Outcome = iota + 1
	Denied
	Failed
)

// String gives "allowed", "denied" or "failed".
func (o Outcome) String() string { return word(o, "allowed", "denied", "failed") }

// ParseOutcome reads what String writes; 0 for anything else.
func ParseOutcome(s string) Outcome {
	for o := Allowed; o <= Failed; o++ {
		if o.String() == s {
			return o
		}
	}
	return 0
}

func word[T ~uint8](v T, words ...string) string {
	if v == 0 || int(v) > len(words) {
		return "unset"
	}
	return words[v-1]
}
