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

func between(from, to int) (m uint32) {
	for n := from; n <= to; n++ {
		m |= 1 << n
	}
	return m
}

// issuers are the published ranges of the card networks with the lengths that
// are really issued: a length that a network only reserves would cost more false
// alarms than there are cards of it. Nobody writes to it.
var issuers = [...]issuer{
	{400000, 499999, sizes(13, 16, 19)}, // Visa
	{510000, 559999, sizes(16)},         // Mastercard
	{222100, 272099, sizes(16)},         // Mastercard, 2-series
	{340000, 349999, sizes(15)},         // American Express
	{370000, 379999, sizes(15)},         // American Express
	{601100, 601199, sizes(16)},         // Discover
	{644000, 659999, sizes(16)},         // Discover; RuPay, Elo, Troy and Verve in it
	{620000, 629999, between(16, 19)},   // UnionPay, and Discover's share of it
	{810000, 817199, sizes(16, 19)},     // UnionPay
	{300000, 305999, sizes(14)},         // Diners Club
	{309500, 309599, sizes(14)},         // Diners Club
	{360000, 369999, sizes(14)},         // Diners Club International
	{380000, 399999, sizes(14)},         // Diners Club
	{352800, 358999, sizes(16)},         // JCB
	{501800, 501899, between(13, 19)},   // Maestro
	{502000, 502099, between(13, 19)},   // Maestro
	{503800, 503899, between(13, 19)},   // Maestro
	{589300, 589399, between(13, 19)},   // Maestro
	{630400, 630499, between(13, 19)},   // Maestro
	{675900, 675999, between(13, 19)},   // Maestro
	{676100, 676399, between(13, 19)},   // Maestro
	{501900, 501999, sizes(16)},         // Dankort
	{508500, 508999, sizes(16)},         // RuPay
	{606985, 607984, sizes(16)},         // RuPay
	{220000, 220499, between(16, 19)},   // Mir
	{979200, 979299, sizes(16)},         // Troy
	{504175, 504175, sizes(16)},         // Elo
	{506699, 506778, sizes(16)},         // Elo
	{509000, 509999, sizes(16)},         // Elo
	{627780, 627780, sizes(16)},         // Elo
	{636297, 636297, sizes(16)},         // Elo
	{636368, 636368, sizes(16)},         // Elo
	{606282, 606282, sizes(16)},         // Hipercard
	{506099, 506198, sizes(16, 18, 19)}, // Verve
	{507865, 507964, sizes(16, 18, 19)}, // Verve
}

// heads are the first two digits of all ranges, and the lengths behind them.
// Nobody writes to it.
var heads = func() (t [100]uint32) {
	for _, r := range issuers {
		for h := r.from / 10000; h <= r.to/10000; h++ {
			t[h] |= r.lengths
		}
	}
	return t
}()

// issued reports whether a number that begins with these six digits and has this
// length lies in a known range.
func issued(head, size int) bool {
	if heads[head/10000]>>size&1 == 0 {
		return false
	}
	for _, r := range issuers {
		if head >= r.from && head <= r.to && r.lengths>>size&1 == 1 {
			return true
		}
	}
	return false
}
