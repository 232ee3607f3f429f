package gazetteer

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// letters that compatibility decomposition leaves alone.
var plainLetters = strings.NewReplacer("ß", "ss", "æ", "ae", "œ", "oe", "ø", "o", "ł", "l", "đ", "d", "ð", "d", "þ", "th", "ı", "i", "ħ", "h")

// German and Nordic writing that stands for an umlaut.
var umlauts = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "å", "aa")

// short forms that stand for a whole word of a place name.
var shortWords = map[string]string{"st": "saint", "ste": "sainte", "mt": "mount", "ft": "fort", "pt": "port"}

// sameTown gives one spelling to towns that have several, in folded form. It is
// short on purpose: it holds large towns whose two names share no prefix.
var sameTown = map[string]string{
	"new york city": "new york", "nyc": "new york", "manhattan": "new york", "brooklyn": "new york",
	"bronx": "new york", "the bronx": "new york", "queens": "new york", "staten island": "new york",
	"bath beach": "new york", "flushing": "new york", "harlem": "new york", "astoria": "new york",
	"hollywood": "los angeles", "van nuys": "los angeles", "venice beach": "los angeles",
	"city of london": "london", "islington": "london", "camden town": "london", "hackney": "london",
	"westminster": "london", "lambeth": "london", "southwark": "london",
	"north york": "toronto", "scarborough ontario": "toronto", "etobicoke": "toronto",
	"munchen": "munich", "koln": "cologne", "nurnberg": "nuremberg", "hannover": "hanover",
	"wien": "vienna", "praha": "prague", "warszawa": "warsaw", "krakow": "cracow",
	"roma": "rome", "milano": "milan", "firenze": "florence", "torino": "turin", "napoli": "naples",
	"venezia": "venice", "genova": "genoa", "lisboa": "lisbon", "sevilla": "seville",
	"kobenhavn": "copenhagen", "goteborg": "gothenburg", "bruxelles": "brussels", "brussel": "brussels",
	"antwerpen": "antwerp", "den haag": "the hague", "s gravenhage": "the hague", "geneve": "geneva", "genf": "geneva",
	"bucuresti": "bucharest", "beograd": "belgrade", "athina": "athens", "moskva": "moscow",
	"ciudad de mexico": "mexico city", "montreal quebec": "montreal",
}

// Fold brings a name to lower case without accents, apostrophes or punctuation,
// with single spaces, and with "St", "Mt", "Ft" written out.
func Fold(name string) string { return fold(strings.ToLower(name)) }

// FoldUmlaut is Fold for the other spelling of umlauts ("Muenchen").
func FoldUmlaut(name string) string {
	return fold(umlauts.Replace(norm.NFC.String(strings.ToLower(name))))
}

func fold(s string) string {
	s = plainLetters.Replace(s)
	var b strings.Builder
	for _, r := range norm.NFKD.String(s) {
		switch {
		case unicode.Is(unicode.Mn, r) || r == '\'' || r == '’' || r == 'ʻ' || r == '`' || r == '.':
		case unicode.IsLetter(r) || unicode.IsDigit(r):
			b.WriteRune(unicode.ToLower(r))
		default:
			b.WriteByte(' ')
		}
	}
	words := strings.Fields(b.String())
	for i, w := range words {
		if long, ok := shortWords[w]; ok {
			words[i] = long
		}
	}
	return strings.Join(words, " ")
}

// Canonical is Fold, with well-known second names of a town (München, NYC,
// Brooklyn) brought to the first.
func Canonical(name string) string {
	f := Fold(name)
	if first, ok := sameTown[f]; ok {
		return first
	}
	if first, ok := sameTown[undouble(f)]; ok {
		return first
	}
	return f
}

// undouble reads "muenchen" as "munchen", so that one table serves both.
func undouble(s string) string {
	return strings.NewReplacer("ae", "a", "oe", "o", "ue", "u").Replace(s)
}

// PostalKey brings a postal code to the part that maps and sources agree on:
// upper case without spaces and hyphens, the first five digits of a US code,
// the outward part of a British one, three characters of a Canadian one, four
// digits of a Dutch or Portuguese one, the routing key of an Irish one, five
// digits of a Brazilian one. A code that cannot be one of that country is "".
func PostalKey(country, code string) string {
	var b strings.Builder
	for _, r := range strings.ToUpper(code) {
		switch {
		case r == ' ' || r == '-' || r == '\u00a0' || r == '\u2011' || r == '\u2013':
		case r >= '0' && r <= '9' || r >= 'A' && r <= 'Z':
			b.WriteRune(r)
		default:
			return ""
		}
	}
	s := b.String()
	if s == "" || len(s) > 10 {
		return ""
	}
	switch country {
	case "US", "PR", "GU", "VI", "AS", "MP":
		return unitedStates(s)
	case "GB", "IM", "JE", "GG":
		return outward(s)
	case "CA":
		if len(s) < 3 || !canadian(s) {
			return ""
		}
		return s[:3]
	case "IE":
		return head(s, 3)
	case "NL", "PT":
		if !digits(head(s, 4)) {
			return ""
		}
		return head(s, 4)
	case "BR":
		if !digits(s) {
			return ""
		}
		return head(s, 5)
	case "AR":
		return argentine(s)
	}
	return s
}

func unitedStates(s string) string {
	if !digits(s) || len(s) < 3 || len(s) > 9 {
		return ""
	}
	return head(s, 5)
}

// canadian reports whether s follows letter-digit-letter from its start.
func canadian(s string) bool {
	if len(s) > 6 {
		return false
	}
	for i := 0; i < len(s); i++ {
		if digit := s[i] >= '0' && s[i] <= '9'; digit != (i%2 == 1) {
			return false
		}
	}
	return true
}

// outward gives the outward half of a British postcode. A full one ends in a
// digit and two letters; anything else is taken to be an outward half already.
func outward(s string) string {
	n := len(s)
	if n >= 5 && s[n-3] >= '0' && s[n-3] <= '9' && s[n-2] > '9' && s[n-1] > '9' {
		s = s[:n-3]
	}
	if len(s) < 2 || len(s) > 4 || s[0] <= '9' || !strings.ContainsAny(s, "0123456789") {
		return ""
	}
	return s
}

func argentine(s string) string {
	if len(s) == 8 && s[0] > '9' && digits(s[1:5]) {
		return s[1:5]
	}
	if len(s) >= 4 && digits(s[:4]) {
		return s[:4]
	}
	return ""
}

func digits(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func head(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}
