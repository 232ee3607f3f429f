package factor

import (
	_ "embed"
	"slices"
	"strings"
	"sync"
	"unicode"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// About is what an attacker knows of a person before guessing.
type About struct {
	Email string   // the person's address
	Name  string   // the person's name
	House []string // names of the tenant and of the program
}

// Check refuses a new password that is easily guessed: one that holds the
// person's name or the first part of the e-mail address, is made of what
// everybody takes, or is on the list. The fault is about the field "password";
// its reason is password_personal, password_common or password_breached. An
// error that is no fault means that the list could not be asked.
//
// Length is not its business: short passwords are refused before.
func (b *Breached) Check(password secret.Text, about About) error {
	p := fold(password.Reveal())
	switch {
	case slices.ContainsFunc(personal(about), func(w string) bool { return strings.Contains(p, w) }):
		return weak("password_personal", "Leave your name and your e-mail address out of the password.")
	case common(password.Reveal(), about.House):
		return weak("password_common", "Choose another password: this one is made of words, rows of keys or repetitions that are tried first. "+
			"A few words that have nothing to do with each other are good.")
	}
	known, err := b.Contains(password)
	if err != nil {
		return err
	}
	if known {
		return weak("password_breached", "Choose another password: this one is on a list of leaked passwords, which are tried first.")
	}
	return nil
}

func weak(reason, mend string) error {
	e := fault.Bad("password", mend)
	e.Reason, e.Fields[0].Reason = reason, reason
	return e
}

// fold leaves letters and digits, in lower case, so that "Anna.Smith" is found
// in "annasmith".
func fold(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, s)
}

// wordMin is the shortest part of a name that a password must not hold. With
// shorter ones, somebody called Li could not write "climbing".
const wordMin = 4

// personal gives the folded parts of a person's name and address, each part
// and all of them together.
func personal(a About) []string {
	local, _, _ := strings.Cut(a.Email, "@")
	var out []string
	for _, s := range []string{local, a.Name} {
		parts := strings.FieldsFunc(s, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
		for _, w := range append(parts, s) {
			if w = fold(w); len([]rune(w)) >= wordMin {
				out = append(out, w)
			}
		}
	}
	return out
}

//go:embed common.txt
var commonText string

// commonWords are the words of which common passwords are made: our own list,
// after what people have always taken.
var commonWords = sync.OnceValue(func() map[string]bool {
	out := map[string]bool{}
	for l := range strings.Lines(commonText) {
		for _, w := range strings.Fields(l) {
			out[w] = true
		}
	}
	return out
})

// Limits of what counts as common. Beyond them a password may be poor, but is
// no longer among the first that are tried.
const (
	commonPieces = 4   // so many common words or rows of keys in a row
	decoration   = 8   // so many digits and signs before, between and behind them
	repeatedMin  = 12  // a unit of this length is a password by itself
	commonMax    = 256 // bytes that are looked at
)

// common reports whether a password is a short unit over and over, or made of
// common words, names of the house and rows of keys, with the usual
// replacements of letters ("P@ssw0rd") and the usual decoration ("2026!").
func common(password string, house []string) bool {
	p := strings.ToLower(password[:min(len(password), commonMax)])
	if repeated(p) {
		return true
	}
	names := map[string]bool{}
	for _, h := range house {
		for _, w := range append(strings.Fields(h), h) {
			names[fold(w)] = true
		}
	}
	known := func(w string) bool { return commonWords()[w] || names[w] && len(w) > 1 }
	bare := strings.TrimFunc(p, func(r rune) bool { return !unicode.IsLetter(r) })
	for _, s := range []string{fold(p), letters(p), letters(lookalikes.Replace(bare))} {
		if len(p)-len(s) <= decoration && pieces(s, known) <= commonPieces {
			return true
		}
	}
	return false
}

// lookalikes are signs that people take for letters.
var lookalikes = strings.NewReplacer("@", "a", "4", "a", "3", "e", "1", "i", "!", "i", "0", "o", "$", "s", "5", "s", "7", "t")

func letters(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) {
			return r
		}
		return -1
	}, s)
}

// repeated reports whether s is one short unit again and again.
func repeated(s string) bool {
	for unit := 1; unit < repeatedMin && 2*unit <= len(s); unit++ {
		if s[unit:] == s[:len(s)-unit] {
			return true
		}
	}
	return false
}

// pieces gives the least number of common words and rows of keys of which s is
// made as a whole, or too many if it is made of anything else.
func pieces(s string, known func(string) bool) int {
	const wordMax = 24
	least := make([]int, len(s)+1) // of the part of s that ends here
	for end := 1; end <= len(s); end++ {
		least[end] = commonPieces + 1
		for from := range end {
			if least[from]+1 < least[end] && (end-from <= wordMax && known(s[from:end]) || row(s[from:end])) {
				least[end] = least[from] + 1
			}
		}
	}
	return least[len(s)]
}

// rows are what fingers run along: alphabet, digits, and a keyboard's rows and
// columns.
var rows = []string{"abcdefghijklmnopqrstuvwxyz", "12345678901234567890", "0123456789", "qwertyuiopasdfghjklzxcvbnm", "asdfghjkl", "zxcvbnm",
	"1qaz2wsx3edc4rfv5tgb6yhn7ujm", "qazwsxedcrfvtgbyhnujm", "1q2w3e4r5t6y7u8i9o0p", "qwertzuiop", "azertyuiop"}

// row reports whether s is at least four keys of a row, in either direction,
// or one key held down.
func row(s string) bool {
	if len(s) < 4 {
		return false
	}
	if s == strings.Repeat(s[:1], len(s)) {
		return true
	}
	back := []byte(s)
	slices.Reverse(back)
	return slices.ContainsFunc(rows, func(r string) bool { return strings.Contains(r, s) || strings.Contains(r, string(back)) })
}
