package pan

import (
	"net/netip"
	"strings"
)

// quiet reports numbers that are something else for certain.
func (c *chain) quiet(i, j int) bool {
	start, end := c.places(c.groups[i].from, c.groups[j].to)
	n := c.groups[j].to - c.groups[i].from
	switch {
	case n <= 15 && start > 0 && c.text[start-1] == '+':
		return true // an international telephone number (ITU-T E.164)
	case c.decimal(i, j):
		return true
	case c.thousands(i, j, n):
		return true
	case i == j && (token(c.text, start, end) || named(c.text, start, end) || n == 13 && c.barcode(c.groups[i]) && !spoken(c.text, start, end)):
		return true
	case i < j && c.groups[j].sep == ":" && inIPv6(c.text, start, end):
		return true
	}
	return inIBAN(c.text, start, end)
}

// decimal reports a number with a point: an amount ("1234567890123.45", up to
// 15 digits in front: a card number that a spreadsheet made a number of has 16,
// or no cents) or a fraction ("0.4111111111111111", "12.4…"; behind a comma only
// after 0, because a comma also parts the columns of a list).
func (c *chain) decimal(i, j int) bool {
	if j > i+1 || (j == i+1 && !isPoint(c.groups[j].sep)) {
		return false
	}
	whole := i
	if i == j && i > 0 && isPoint(c.groups[i].sep) {
		whole = i - 1
	}
	part := whole + 1
	if part >= len(c.groups) || !isPoint(c.groups[part].sep) || (whole > 0 && isPoint(c.groups[whole].sep)) ||
		(part+1 < len(c.groups) && isPoint(c.groups[part+1].sep)) {
		return false
	}
	w, p := c.groups[whole], c.groups[part]
	if p.size() <= 2 {
		return w.size() <= 15 && whole == i && (i < j || c.number(p) != 0)
	}
	if p.sep == "," {
		return w.size() == 1 && c.digits[w.from].value == 0
	}
	return w.size() <= 3
}

// thousands reports an amount in groups of three: "4,111,111,111,111.00". Nobody
// lends the thousands of millions of millions that 16 digits would be.
func (c *chain) thousands(i, j, n int) bool {
	amount, cents := c.triples(i, j)
	return amount && (n < 16 || cents)
}

// triples reports groups of three as amounts have them, and perhaps cents.
func (c *chain) triples(i, j int) (amount, cents bool) {
	if j-i < 3 || c.groups[i].size() > 3 || !anyOf(c.groups[i+1].sep, ",.'_") {
		return false, false
	}
	for k := i + 1; k <= j; k++ {
		g := c.groups[k]
		cents = k == j && g.size() <= 2 && g.sep != c.groups[i+1].sep
		if !cents && (g.size() != 3 || g.sep != c.groups[i+1].sep) {
			return false, false
		}
	}
	return true, cents
}

const reach = 64 // bytes that are looked at to either side: nothing here grows with the text

// token reports a number inside a word where letters and digits take turns, as
// in a hash, a random id or the label of a parcel.
func token(text string, from, to int) bool {
	start, end := from, to
	for from > 0 && start-from < reach && wordly(text[from-1]) {
		from--
	}
	for to < len(text) && to-end < reach && wordly(text[to]) {
		to++
	}
	turns := 0
	for i := from + 1; i < to; i++ {
		if wordly(text[i]) && wordly(text[i-1]) && (text[i] <= '9') != (text[i-1] <= '9') {
			turns++
		}
	}
	return turns >= 6 || to-from == 18 && strings.HasPrefix(text[from:], "1Z")
}

func wordly(c byte) bool { return c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'z' }

// named reports a word in front that names a parcel, a device or a bar code, of
// which a card number is never said, while nobody speaks of cards around it.
func named(text string, from, to int) bool {
	word, i := "", from
	for range 3 {
		for i > 0 && from-i < reach && !wordly(text[i-1]) && text[i-1] != '\n' {
			i--
		}
		end := i
		for i > 0 && from-i < reach && wordly(text[i-1]) {
			i--
		}
		switch word = strings.ToLower(text[i:end]); word {
		case "no", "nr", "num", "number", "id", "code", "is":
			continue
		case "tracking", "parcel", "shipment", "waybill", "fedex", "ups", "usps", "dhl", "trace", "imei", "meid", "iccid", "ean", "gtin", "isbn", "upc", "barcode", "bar", "vin":
			return !spoken(text, from, to)
		}
		return false
	}
	return false
}

// spoken reports that somebody speaks of cards near the place.
func spoken(text string, from, to int) bool {
	near := strings.ToLower(text[max(0, from-reach):from] + " " + text[to:min(len(text), to+reach)])
	for _, word := range [...]string{"card", "visa", "master", "amex", "american express", "discover", "diners", "maestro", "cvv", "cvc", "exp", "pan", "debit", "kart", "tarjeta", "carte"} {
		if strings.Contains(near, word) {
			return true
		}
	}
	return false
}

// barcode reports the check digit of an international article number (EAN-13).
func (c *chain) barcode(g group) bool {
	sum := 0
	for i, d := range c.digits[g.from:g.to] {
		sum += int(d.value) * (1 + 2*(i%2))
	}
	return sum%10 == 0
}

// inIPv6 reports a place inside an IPv6 address.
func inIPv6(text string, from, to int) bool {
	part := func(c byte) bool { return c == ':' || c >= '0' && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' }
	start, end := from, to
	for from > 0 && start-from < reach && part(text[from-1]) {
		from--
	}
	for to < len(text) && to-end < reach && part(text[to]) {
		to++
	}
	address := text[from:to]
	if _, err := netip.ParseAddr(address); err != nil {
		return false
	}
	return strings.Contains(address, "::") || strings.ContainsAny(address, "abcdefABCDEF")
}

// inIBAN reports whether the place lies in an international bank account
// number (ISO 13616) with a right check sum, written in one or in groups.
func inIBAN(text string, from, to int) bool {
	for p := from - 1; p >= 0 && p > from-60; p-- {
		c := text[p]
		if !wordly(c) && c != ' ' && c != '-' {
			return false
		}
		if c < 'A' || (p > 0 && wordly(text[p-1])) || p+4 > len(text) {
			continue
		}
		if text[p+1] >= 'A' && text[p+2] <= '9' && wordly(text[p+2]) && text[p+3] <= '9' && wordly(text[p+3]) && ibanAt(text[p:], to-p) {
			return true
		}
	}
	return false
}

// ibans are the countries that have such numbers, and how long theirs are (the
// registry of ISO 13616).
const ibans = "AD24AE23AL28AT20AZ28BA20BE16BG22BH22BI27BR29BY28CH21CR22CY28CZ24DE22DJ27DK18DO28EE20EG29ES24FI18FK18FO18FR27GB22GE22GI23GL18GR27GT28HR21HU28IE22IL23IQ23IS26IT27" +
	"JO30KW30KZ20LB28LC32LI21LT20LU20LV21LY25MC27MD24ME22MK19MN20MR27MT31MU30NI28NL18NO15OM23PK24PL28PS29PT25QA29RO24RS22RU33SA24SC31SD18SE24SI19SK24SM27SO23ST25SV28TL23TN24TR26UA29VA22VG24XK20YE30"

// ibanAt reports an IBAN at the beginning of s that reaches at least to need.
func ibanAt(s string, need int) bool {
	at := strings.Index(ibans, strings.ToUpper(s[:2])) // digits part the letters, so that two of them are a country
	if at < 0 {
		return false
	}
	size := int(ibans[at+2]-'0')*10 + int(ibans[at+3]-'0')
	var b strings.Builder
	for i := 0; i < len(s) && b.Len() < size; i++ {
		if wordly(s[i]) {
			b.WriteByte(s[i])
		} else if s[i] != ' ' && s[i] != '-' {
			return false
		}
		if b.Len() == size {
			return i+1 >= need && (i+1 == len(s) || !wordly(s[i+1])) && mod97(b.String()) == 1
		}
	}
	return false
}

// mod97 is the check sum of ISO 7064 over the rearranged text.
func mod97(s string) int {
	m := 0
	for _, c := range []byte(s[4:] + s[:4]) {
		if c <= '9' {
			m = (m*10 + int(c-'0')) % 97
		} else {
			m = (m*100 + int(c|0x20-'a') + 10) % 97
		}
	}
	return m
}
