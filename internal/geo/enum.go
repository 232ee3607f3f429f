package geo

import "errors"

// Tri is the state of one yes-or-no fact about an address. Its zero value is
// Unknown, so that a fact that nobody set is never taken for "not detected".
type Tri uint8

// The three states of a fact.
const (
	Unknown     Tri = iota // nobody could say
	NotDetected            // a source looked and did not find it
	Detected               // a source found it
)

// Threat is a source's own grade of how dangerous an address is.
type Threat uint8

// The grades, weakest first; ThreatUnknown is not a grade but its absence.
const (
	ThreatUnknown Threat = iota
	ThreatLow
	ThreatMedium
	ThreatHigh
)

// Use says whether a source's licence lets its facts decide about credit. The
// zero value is UseUnknown: a source that nobody cleared cannot reject anyone.
type Use uint8

// The declared uses.
const (
	UseUnknown     Use = iota // nobody has confirmed what the licence allows
	UseAllowed                // facts may lead to a rejection
	UseDisplayOnly            // facts may be shown and may ask for a review
)

// State says how a source came back.
type State uint8

// The states of a look-up. The zero value is NotConfigured.
const (
	NotConfigured State = iota // there is no key, or the source is switched off
	Answered                   // the answer was read; single facts may still be unknown
	Failed                     // no answer, or one that cannot be trusted; every fact is unknown
)

var (
	triNames    = [...]string{"unknown", "not_detected", "detected"}
	threatNames = [...]string{"unknown", "low", "medium", "high"}
	useNames    = [...]string{"unknown", "allowed", "display_only"}
	stateNames  = [...]string{"not_configured", "answered", "failed"}
)

// ErrWord is returned when a text is not one of the words of a closed list.
var ErrWord = errors.New("not a word of this list")

// word gives the text of value v, or the first word when v is out of range.
func word(names []string, v uint8) string {
	if int(v) < len(names) {
		return names[v]
	}
	return names[0]
}

// value finds the number of a text in a closed list.
func value(names []string, b []byte) (uint8, error) {
	for i, n := range names {
		if n == string(b) {
			return uint8(i), nil
		}
	}
	return 0, ErrWord
}

// String gives "unknown", "not_detected" or "detected".
func (t Tri) String() string { return word(triNames[:], uint8(t)) }

// MarshalText gives the word of String.
func (t Tri) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (t *Tri) UnmarshalText(b []byte) error {
	v, err := value(triNames[:], b)
	*t = Tri(v)
	return err
}

// TriOf gives Detected for true and NotDetected for false.
func TriOf(found bool) Tri {
	if found {
		return Detected
	}
	return NotDetected
}

// String gives "unknown", "low", "medium" or "high".
func (t Threat) String() string { return word(threatNames[:], uint8(t)) }

// MarshalText gives the word of String.
func (t Threat) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (t *Threat) UnmarshalText(b []byte) error {
	v, err := value(threatNames[:], b)
	*t = Threat(v)
	return err
}

// String gives "unknown", "allowed" or "display_only".
func (u Use) String() string { return word(useNames[:], uint8(u)) }

// MarshalText gives the word of String.
func (u Use) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (u *Use) UnmarshalText(b []byte) error {
	v, err := value(useNames[:], b)
	*u = Use(v)
	return err
}

// String gives "not_configured", "answered" or "failed".
func (s State) String() string { return word(stateNames[:], uint8(s)) }

// MarshalText gives the word of String.
func (s State) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads the word of String; any other text is ErrWord.
func (s *State) UnmarshalText(b []byte) error {
	v, err := value(stateNames[:], b)
	*s = State(v)
	return err
}
