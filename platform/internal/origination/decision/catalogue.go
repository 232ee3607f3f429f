package decision

// measure is what a rule looks at.
type measure uint8

const (
	byFinding measure = iota // detected or not; mismatch or not
	byThreat                 // a grade
	byNumber                 // a count or kilometres, hit from a number on
	byMoney                  // an amount
)

// bound is which key a rule's thresholds use.
type bound uint8

const (
	noBound bound = iota
	atLeast
	below
	above
)

var boundNames = [...]string{"", "at_least", "below", "above"}

// kind is the number of a rule in the closed list.
type kind uint8

const (
	minimumAge kind = iota
	minimumAmount
	maximumAmount
	openApplications
	proxy
	tor
	crawler
	threatLevel
	country
	region
	city
	postalCode
	distance
	velocity
	kinds // how many there are
)

// Entry describes one rule of the closed list, for editors and documentation.
type Entry struct {
	Rule    string // "threat_level"
	Section Section
	Title   string // "Threat level"
	Help    string // one sentence on when it hits
	Code    string // the reason code out of the box
	Bound   string // key of its thresholds: "", "at_least", "below" or "above"
	Unit    string // of its thresholds: "", "years", "km", "applications", "amount", "level"
	Reason  string // what the applicant is told when it rejects

	measure measure
	bound   bound
	unsure  string // what the record says when a review was asked because it is unknown
}

var catalogue = [kinds]Entry{
	minimumAge: {Rule: "minimum_age", Section: Applicant, Title: "Minimum age", Code: "A-01", Unit: "years", bound: below, measure: byNumber,
		Help:   "Hits when the applicant is younger than this many full years.",
		Reason: "You are younger than the minimum age at which we can enter into a loan.",
		unsure: "The applicant's age is not known."},
	minimumAmount: {Rule: "minimum_amount", Section: Applicant, Title: "Minimum amount", Code: "A-02", Unit: "amount", bound: below, measure: byMoney,
		Help:   "Hits when less than this is asked for.",
		Reason: "The amount you asked for is less than the smallest loan we make.",
		unsure: "The amount asked for is not known."},
	maximumAmount: {Rule: "maximum_amount", Section: Applicant, Title: "Maximum amount", Code: "A-03", Unit: "amount", bound: above, measure: byMoney,
		Help:   "Hits when more than this is asked for.",
		Reason: "The amount you asked for is more than the largest loan we make.",
		unsure: "The amount asked for is not known."},
	openApplications: {Rule: "open_applications", Section: Applicant, Title: "Open applications", Code: "A-04", Unit: "applications", bound: atLeast, measure: byNumber,
		Help:   "Hits when the applicant has this many other applications under way.",
		Reason: "You have other applications with us that are not yet decided.",
		unsure: "Whether the applicant has other open applications is not known."},
	proxy: {Rule: "proxy", Section: Network, Title: "Proxy", Code: "N-01",
		Help:   "Hits when the application came through a proxy or VPN service.",
		Reason: "Your application was sent through a proxy or VPN service, so we could not verify the connection it came from.",
		unsure: "Whether the application came through a proxy is not known."},
	tor: {Rule: "tor", Section: Network, Title: "Tor", Code: "N-02",
		Help:   "Hits when the application came through the Tor network.",
		Reason: "Your application was sent through the Tor network, so we could not verify the connection it came from.",
		unsure: "Whether the application came through Tor is not known."},
	crawler: {Rule: "crawler", Section: Network, Title: "Crawler", Code: "N-03",
		Help:   "Hits when the address belongs to an automated program.",
		Reason: "Your application came from an address that is used by automated programs.",
		unsure: "Whether the application came from an automated program is not known."},
	threatLevel: {Rule: "threat_level", Section: Network, Title: "Network threat level", Code: "N-04", Unit: "level", bound: atLeast, measure: byThreat,
		Help:   "Hits when the address is graded at least this dangerous.",
		Reason: "Your application came from an internet address that is reported for harmful activity.",
		unsure: "The threat level of the address is not known."},
	country: {Rule: "country", Section: Network, Title: "Country", Code: "N-05",
		Help:   "Hits when the connection is in another country than the declared address.",
		Reason: "Your application was sent from another country than that of the address you gave.",
		unsure: "The country of the connection could not be compared with the declared one."},
	region: {Rule: "region", Section: Network, Title: "Region", Code: "N-06",
		Help:   "Hits when the connection is in another state or region than the declared address.",
		Reason: "Your application was sent from another state or region than that of the address you gave.",
		unsure: "The region of the connection could not be compared with the declared one."},
	city: {Rule: "city", Section: Network, Title: "City", Code: "N-07",
		Help:   "Hits when the connection is in another city than the declared address.",
		Reason: "Your application was sent from another city than that of the address you gave.",
		unsure: "The city of the connection could not be compared with the declared one."},
	postalCode: {Rule: "postal_code", Section: Network, Title: "Postal code", Code: "N-08",
		Help:   "Hits when the connection is under another postal code than the declared address.",
		Reason: "Your application was sent from another postal area than that of the address you gave.",
		unsure: "The postal code of the connection could not be compared with the declared one."},
	distance: {Rule: "distance", Section: Network, Title: "Distance", Code: "N-09", Unit: "km", bound: atLeast, measure: byNumber,
		Help:   "Hits when the connection is at least this many kilometres from the declared address, beyond the uncertainty of the location.",
		Reason: "Your application was sent from a place far from the address you gave.",
		unsure: "The distance between the connection and the declared address is not known."},
	velocity: {Rule: "velocity", Section: Network, Title: "Applications from one address", Code: "N-10", Unit: "applications", bound: atLeast, measure: byNumber,
		Help:   "Hits when at least this many applications came from the same internet address within 24 hours, this one included.",
		Reason: "Several applications were sent from your internet connection within a short time.",
		unsure: "How many applications came from the same address is not known."},
}

// Catalogue gives the closed list of rules in the order of the editor.
func Catalogue() []Entry {
	out := make([]Entry, 0, kinds)
	for k := range catalogue {
		out = append(out, entry(kind(k)))
	}
	return out
}

func entry(k kind) Entry {
	e := catalogue[k]
	e.Bound = boundNames[e.bound]
	return e
}

// kindOf finds a rule of a section by its name.
func kindOf(which Section, name string) (kind, bool) {
	for k := range catalogue {
		if catalogue[k].Rule == name && catalogue[k].Section == which {
			return kind(k), true
		}
	}
	return 0, false
}

// Title gives the name of a rule as the screens write it; an unknown name is
// given back as it is.
func Title(rule string) string {
	for k := range catalogue {
		if catalogue[k].Rule == rule {
			return catalogue[k].Title
		}
	}
	return rule
}
