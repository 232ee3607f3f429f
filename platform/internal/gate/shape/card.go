package shape

import (
	"errors"
	"strings"

	"github.com/lendkeep/lendkeep/internal/fault"
)

// CardNumber is the reason of a fault about a card number.
const CardNumber = "card_number"

const leaveOut = "Leave out the card number: cards are kept in Secure Payments only."

// mostSigns bounds what one entry of the trail tells of a file full of cards.
const mostSigns = 20

// Sighting is where card numbers stood, and their last four digits. It travels as
// the cause of the fault, so that the trail can tell what the caller is not told.
type Sighting struct{ fields, signs []string }

// Add notes one field, and how what stood there may be recorded: see pan.Sign.
func (s *Sighting) Add(field, sign string) {
	if len(s.fields) < mostSigns {
		s.fields, s.signs = append(s.fields, field), append(s.signs, sign)
	}
}

// Mark makes a fault one about card numbers, if any were seen.
func (s *Sighting) Mark(f *fault.Error) {
	if len(s.fields) > 0 {
		f.Reason, f.Cause = CardNumber, s
	}
}

// Error implements error, without a digit of a card.
func (s *Sighting) Error() string { return "card numbers in " + strings.Join(s.fields, ", ") }

// Incident notes for the trail in which fields a refused input held card numbers,
// and their last four digits.
func Incident(err error, note func(key, value string)) {
	if s := (*Sighting)(nil); errors.As(err, &s) && len(s.fields) > 0 {
		note("card_number_in", strings.Join(s.fields, ", "))
		note("card_number", strings.Join(s.signs, ", "))
	}
}
