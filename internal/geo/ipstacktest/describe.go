package ipstacktest

import (
	"hash/fnv"
	"net/netip"
)

// role is the part that an address plays.
type role uint8

const (
	ordinary role = iota // clean, from a town of its own
	matching             // clean, from New York
	proxy
	tor
	crawler
	medium
	high
	abroad
	bare // the plan has no security module
	quota
	silent
	broken
	unplaced // private and reserved addresses: everything is null
)

// part gives the role of an address.
func part(a netip.Addr) role {
	if a == netip.MustParseAddr("2001:db8::10") {
		return matching
	}
	if a.Is4() {
		b := a.As4()
		if b[0] == 203 && b[1] == 0 && b[2] == 113 {
			return numbered(b[3])
		}
	}
	if a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || a.IsMulticast() || a.IsUnspecified() {
		return unplaced
	}
	return ordinary
}

func numbered(last byte) role {
	switch last {
	case 10:
		return matching
	case 20:
		return proxy
	case 30:
		return tor
	case 40:
		return crawler
	case 50:
		return medium
	case 60:
		return high
	case 70:
		return abroad
	case 80:
		return bare
	case 90:
		return quota
	case 100:
		return silent
	case 110:
		return broken
	}
	return ordinary
}

// town is where an answer places an address, with the words that go with it.
type town struct {
	continent, continentName, country, countryName, region, regionName, city, zip string
	lat, lon                                                                      float64
	capital, calling, zone, zoneCode                                              string
	offset                                                                        int
	currency, currencyName, symbol                                                string
	eu                                                                            bool
}

func american(region, regionName, city, zip string, lat, lon float64, zone, code string, offset int) town {
	return town{"NA", "North America", "US", "United States", region, regionName, city, zip, lat, lon,
		"Washington D.C.", "1", zone, code, offset, "USD", "US Dollar", "$", false}
}

func newYork() town {
	return american("NY", "New York", "New York", "10001", 40.7506, -73.9972, "America/New_York", "EST", -18000)
}

func bucharest() town {
	return town{"EU", "Europe", "RO", "Romania", "B", "Bucharest", "Bucharest", "010011", 44.436, 26.1,
		"Bucharest", "40", "Europe/Bucharest", "EET", 7200, "RON", "Romanian Leu", "RON", true}
}

// townOf gives an ordinary address a town that depends on nothing else.
func townOf(a netip.Addr) town {
	h := fnv.New32a()
	b := a.As16()
	_, _ = h.Write(b[:]) // a hash never fails
	switch h.Sum32() % 6 {
	case 0:
		return american("CA", "California", "Los Angeles", "90012", 34.061, -118.239, "America/Los_Angeles", "PST", -28800)
	case 1:
		return american("IL", "Illinois", "Chicago", "60601", 41.886, -87.622, "America/Chicago", "CST", -21600)
	case 2:
		return american("TX", "Texas", "Houston", "77002", 29.756, -95.365, "America/Chicago", "CST", -21600)
	case 3:
		return american("PA", "Pennsylvania", "Philadelphia", "19103", 39.953, -75.174, "America/New_York", "EST", -18000)
	case 4:
		return american("NJ", "New Jersey", "Newark", "07102", 40.736, -74.173, "America/New_York", "EST", -18000)
	}
	return newYork()
}

// describe makes the answer about an address that has one.
func describe(a netip.Addr, withSecurity, withHostname bool) any {
	kind := part(a)
	out := map[string]any{"ip": a.String(), "type": family(a)}
	if withHostname {
		out["hostname"] = a.String()
	}
	if kind == unplaced {
		return nothingKnown(out)
	}
	t := townOf(a)
	switch kind {
	case ordinary:
	case abroad:
		t = bucharest()
	default:
		t = newYork()
	}
	t.place(out)
	t.network(out, kind)
	if withSecurity && kind != bare {
		out["security"] = security(kind)
	}
	return out
}

func family(a netip.Addr) string {
	if a.Is4() {
		return "ipv4"
	}
	return "ipv6"
}

func nothingKnown(out map[string]any) any {
	for _, name := range []string{"continent_code", "continent_name", "country_code", "country_name", "region_code",
		"region_name", "city", "zip", "latitude", "longitude"} {
		out[name] = nil
	}
	out["location"] = map[string]any{"geoname_id": nil, "capital": nil, "languages": nil, "country_flag": nil,
		"country_flag_emoji": nil, "country_flag_emoji_unicode": nil, "calling_code": nil, "is_eu": false}
	return out
}

// place writes where the address is.
func (t town) place(out map[string]any) {
	out["continent_code"], out["continent_name"] = t.continent, t.continentName
	out["country_code"], out["country_name"] = t.country, t.countryName
	out["region_code"], out["region_name"] = t.region, t.regionName
	out["city"], out["zip"] = t.city, t.zip
	out["latitude"], out["longitude"] = t.lat, t.lon
	out["msa"], out["dma"] = nil, nil
	out["radius"] = "8.04672" // a text, as the newer answers have it
	out["ip_routing_type"], out["connection_type"] = "fixed", "cable"
	out["location"] = map[string]any{
		"geoname_id": nil, "capital": t.capital,
		"languages":    []any{map[string]any{"code": "en", "name": "English", "native": "English"}},
		"country_flag": nil, "country_flag_emoji": nil, "country_flag_emoji_unicode": nil,
		"calling_code": t.calling, "is_eu": t.eu,
	}
	out["time_zone"] = map[string]any{"id": t.zone, "current_time": nil, "gmt_offset": t.offset, "code": t.zoneCode, "is_daylight_saving": false}
	out["currency"] = map[string]any{"code": t.currency, "name": t.currencyName, "plural": t.currencyName + "s", "symbol": t.symbol, "symbol_native": t.symbol}
}

// network writes who runs the line; the numbers are from the range that is
// reserved for documentation.
func (t town) network(out map[string]any, kind role) {
	isp, home, organization := "Sample Cable", true, "Internet Service Provider"
	if kind == proxy || kind == tor || kind == crawler {
		isp, home, organization = "Sample Hosting", false, "Internet Hosting Services"
	}
	out["connection"] = map[string]any{"asn": 64496, "isp": isp, "sld": nil, "tld": nil, "carrier": nil, "home": home,
		"organization_type": organization, "isic_code": nil, "naics_code": nil}
}

// security writes the module that the larger plans have.
func security(kind role) map[string]any {
	s := map[string]any{"is_proxy": false, "proxy_type": nil, "is_crawler": false, "crawler_name": nil, "crawler_type": nil,
		"is_tor": false, "threat_level": "low", "threat_types": nil, "proxy_last_detected": nil, "proxy_level": nil,
		"vpn_service": nil, "anonymizer_status": nil, "hosting_facility": false}
	set := func(pairs ...any) {
		for i := 0; i+1 < len(pairs); i += 2 {
			s[pairs[i].(string)] = pairs[i+1]
		}
	}
	switch kind {
	case proxy:
		set("is_proxy", true, "proxy_type", "vpn", "vpn_service", "Sample VPN", "proxy_last_detected", "2026-11-01",
			"proxy_level", "elite", "anonymizer_status", "active", "hosting_facility", true)
	case tor:
		set("is_tor", true, "threat_types", []string{"tor"}, "hosting_facility", true)
	case crawler:
		set("is_crawler", true, "crawler_name", "Sample Bot", "crawler_type", "search_engine_bot", "hosting_facility", true)
	case medium:
		set("threat_level", "medium", "threat_types", []string{"web_scraper"})
	case high:
		set("threat_level", "high", "threat_types", []string{"attack_source", "attack_source_http"})
	}
	return s
}
