package secret

// Class says how a field is protected. The zero value is the strictest one, so
// that an unclassified field is a secret.
type Class uint8

// The classes.
const (
	Secret    Class = iota // never leaves: keys, password hashes, tokens
	Public                 // no harm in showing it to whoever may see the row
	Personal               // about a person: sealed, masked, revealed one at a time
	Sensitive              // business data that not every role sees
)

// String gives the class as struct tags and documents write it.
func (c Class) String() string {
	switch c {
	case Public:
		return "public"
	case Personal:
		return "personal"
	case Sensitive:
		return "sensitive"
	default:
		return "secret"
	}
}

// ParseClass reads a class's name; anything unknown, "" included, is Secret and
// false, except "secret" itself, which is true.
func ParseClass(s string) (Class, bool) {
	for c := Secret; c <= Sensitive; c++ {
		if c.String() == s {
			return c, true
		}
	}
	return Secret, false
}
