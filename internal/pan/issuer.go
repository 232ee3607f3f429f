package pan

const (
	shortest = 13
	longest  = 19
)

// issuer is a range of first six digits (issuer identification number) and the
// lengths of its numbers, one bit a length.
type issuer struct {
	from, to int
	lengths  uint32
}

func sizes(n ...int) (m uint32) {
	for _, v := range n {
		m |= 1 << v
	}
	return m
}

func upTo19(from int) (m uint32) {
	for n := from; n <= longest; n++ {
		m |= 1 << n
	}
	return m
}

// issuers are the published ranges of the card networks. Nobody writes to it.
var issuers = [...]issuer{
	{400000, 499999, sizes(13, 16, 19)}, // Visa
	{510000, 559999, sizes(16)},         // Mastercard
	{222100, 272099, sizes(16)},         // Mastercard, 2-series
	{340000, 349999, sizes(15)},         // American Express
	{370000, 379999, sizes(15)},         // American Express
	{601100, 601199, upTo19(16)},        // Discover
	{644000, 659999, upTo19(16)},        // Discover, RuPay
	{620000, 629999, upTo19(16)},        // UnionPay, and Discover's share of it
	{810000, 817199, upTo19(16)},        // UnionPay
	{300000, 305999, upTo19(14)},        // Diners Club
	{309500, 309599, upTo19(14)},        // Diners Club
	{360000, 369999, upTo19(14)},        // Diners Club International
	{380000, 399999, upTo19(14)},        // Diners Club
	{352800, 358999, upTo19(16)},        // JCB
	{501800, 501899, upTo19(13)},        // Maestro
	{502000, 502099, upTo19(13)},        // Maestro
	{503800, 503899, upTo19(13)},        // Maestro
	{589300, 589399, upTo19(13)},        // Maestro
	{630400, 630499, upTo19(13)},        // Maestro
	{639000, 639099, upTo19(13)},        // Maestro
	{675900, 675999, upTo19(13)},        // Maestro
	{676100, 676399, upTo19(13)},        // Maestro
	{501900, 501999, sizes(16)},         // Dankort
	{508500, 508999, sizes(16)},         // RuPay
	{606985, 607984, sizes(16)},         // RuPay
	{220000, 220499, upTo19(16)},        // Mir
	{979200, 979299, sizes(16)},         // Troy
}

// issued reports whether a number of this length lies in a known range.
func issued(v []byte) bool {
	if len(v) < shortest || len(v) > longest {
		return false
	}
	head := 0
	for _, d := range v[:6] {
		head = head*10 + int(d)
	}
	for _, r := range issuers {
		if head >= r.from && head <= r.to && r.lengths>>len(v)&1 == 1 {
			return true
		}
	}
	return false
}

// luhn reports whether the last digit checks (ISO/IEC 7812-1, annex B).
func luhn(v []byte) bool {
	sum, double := 0, false
	for i := len(v) - 1; i >= 0; i-- {
		d := int(v[i])
		if double {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum, double = sum+d, !double
	}
	return sum%10 == 0
}
