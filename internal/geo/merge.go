package geo

// Merged is what several sources say together, twice: once from all sources,
// for showing and for asking for a review, and once only from those whose
// licence allows credit decisions. Only Allowed may lead to a rejection.
type Merged struct {
	Shown   Facts `json:"shown"`
	Allowed Facts `json:"allowed"`
	// LocationUse is the declared use of the source that gave Shown.Location.
	LocationUse Use `json:"location_use"`
	// Answered counts the sources that answered, Failed those that did not.
	// Sources that are not configured are in neither.
	Answered int `json:"answered"`
	Failed   int `json:"failed"`
}

// Merge combines results: any source that detects wins over any that does not,
// and "not detected" wins over "unknown". Results that are not Answered add
// nothing but their count, whatever facts they hold. Words that go with a fact
// (the proxy's type, the crawler's name) come from the first source that gives
// that finding; a location comes whole from one source, a cleared one first.
func Merge(results ...Result) Merged {
	var m Merged
	var first, rest []Result
	for _, r := range results {
		switch {
		case r.State == Failed:
			m.Failed++
		case r.State == Answered && r.Use == UseAllowed:
			first = append(first, r)
		case r.State == Answered:
			rest = append(rest, r)
		}
	}
	m.Answered = len(first) + len(rest)
	for _, r := range first {
		m.Allowed.add(r.Facts)
	}
	m.Shown = m.Allowed.clone()
	if m.Shown.Location.placed() {
		m.LocationUse = UseAllowed
	}
	for _, r := range rest {
		if !m.Shown.Location.placed() && r.Facts.Location.placed() {
			m.LocationUse = r.Use
		}
		m.Shown.add(r.Facts)
	}
	return m
}

func (f Facts) clone() Facts {
	f.ThreatTypes = append([]string(nil), f.ThreatTypes...)
	return f
}

// placed reports whether the location says anything that can be compared.
func (l Location) placed() bool { return l.Country != "" || l.HasPoint }

// add takes over what g knows better than f.
func (f *Facts) add(g Facts) {
	g = g.clone()
	if g.Proxy > f.Proxy {
		f.Proxy, f.ProxyType, f.VPNService, f.ProxyLastDetected = g.Proxy, g.ProxyType, g.VPNService, g.ProxyLastDetected
	}
	if g.Crawler > f.Crawler {
		f.Crawler, f.CrawlerName, f.CrawlerType = g.Crawler, g.CrawlerName, g.CrawlerType
	}
	if g.Threat > f.Threat {
		f.Threat, f.ThreatTypes = g.Threat, g.ThreatTypes
	}
	f.Tor = max(f.Tor, g.Tor)
	f.Hosting = max(f.Hosting, g.Hosting)
	f.Home = max(f.Home, g.Home)
	if !f.Location.placed() && g.Location.placed() {
		f.Location = g.Location
		f.CallingCode, f.TimeZone = g.CallingCode, g.TimeZone
	}
	if f.RoutingType == "" {
		f.RoutingType = g.RoutingType
	}
	if f.ConnectionType == "" {
		f.ConnectionType = g.ConnectionType
	}
	if f.ASN == 0 {
		f.ASN, f.ISP = g.ASN, g.ISP
	}
	if f.ISP == "" {
		f.ISP = g.ISP
	}
}
