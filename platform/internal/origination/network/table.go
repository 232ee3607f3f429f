package network

import (
	"strings"

	"github.com/lendkeep/lendkeep/internal/geo/gazetteer"
)

// countryNames gives the alpha-2 code of a folded name or other code. It holds
// the countries that applicants of our lenders write out; a code needs no row.
var countryNames = map[string]string{
	"united states": "US", "united states of america": "US", "usa": "US", "america": "US", "canada": "CA", "can": "CA",
	"mexico": "MX", "mex": "MX", "united kingdom": "GB", "uk": "GB", "gbr": "GB", "great britain": "GB", "england": "GB",
	"scotland": "GB", "wales": "GB", "northern ireland": "GB", "ireland": "IE", "irl": "IE", "france": "FR", "fra": "FR",
	"germany": "DE", "deu": "DE", "deutschland": "DE", "spain": "ES", "esp": "ES", "portugal": "PT", "prt": "PT", "italy": "IT",
	"ita": "IT", "netherlands": "NL", "the netherlands": "NL", "nld": "NL", "holland": "NL", "belgium": "BE", "bel": "BE",
	"luxembourg": "LU", "lux": "LU", "switzerland": "CH", "che": "CH", "austria": "AT", "aut": "AT", "poland": "PL", "pol": "PL",
	"czech republic": "CZ", "czechia": "CZ", "cze": "CZ", "slovakia": "SK", "svk": "SK", "hungary": "HU", "hun": "HU",
	"romania": "RO", "rou": "RO", "bulgaria": "BG", "bgr": "BG", "greece": "GR", "el": "GR", "grc": "GR", "turkey": "TR",
	"turkiye": "TR", "tur": "TR", "sweden": "SE", "swe": "SE", "norway": "NO", "nor": "NO", "denmark": "DK", "dnk": "DK",
	"finland": "FI", "fin": "FI", "estonia": "EE", "latvia": "LV", "lithuania": "LT", "ukraine": "UA", "russia": "RU",
	"russian federation": "RU", "rus": "RU", "china": "CN", "chn": "CN", "japan": "JP", "jpn": "JP", "south korea": "KR",
	"kor": "KR", "india": "IN", "ind": "IN", "pakistan": "PK", "bangladesh": "BD", "sri lanka": "LK", "philippines": "PH",
	"phl": "PH", "indonesia": "ID", "malaysia": "MY", "mys": "MY", "singapore": "SG", "sgp": "SG", "thailand": "TH", "vietnam": "VN",
	"viet nam": "VN", "australia": "AU", "aus": "AU", "new zealand": "NZ", "nzl": "NZ", "south africa": "ZA", "zaf": "ZA",
	"nigeria": "NG", "nga": "NG", "kenya": "KE", "ghana": "GH", "egypt": "EG", "morocco": "MA", "israel": "IL", "isr": "IL",
	"united arab emirates": "AE", "uae": "AE", "saudi arabia": "SA", "brazil": "BR", "brasil": "BR", "bra": "BR", "argentina": "AR",
	"arg": "AR", "chile": "CL", "colombia": "CO", "peru": "PE", "venezuela": "VE", "ecuador": "EC", "puerto rico": "PR",
	"dominican republic": "DO", "jamaica": "JM", "guatemala": "GT", "honduras": "HN", "el salvador": "SV", "costa rica": "CR",
	"panama": "PA",
}

// regionNames gives, per country, the region's code of a folded name. Where a
// source knows only the larger part (England), the smaller names lead to it. A
// country without a table is compared by equality alone.
var regionNames = map[string]map[string]string{
	"US": {
		"alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO", "connecticut": "CT",
		"delaware": "DE", "district of columbia": "DC", "florida": "FL", "georgia": "GA", "hawaii": "HI", "idaho": "ID",
		"illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS", "kentucky": "KY", "louisiana": "LA", "maine": "ME",
		"maryland": "MD", "massachusetts": "MA", "michigan": "MI", "minnesota": "MN", "mississippi": "MS", "missouri": "MO",
		"montana": "MT", "nebraska": "NE", "nevada": "NV", "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM",
		"new york": "NY", "north carolina": "NC", "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR",
		"pennsylvania": "PA", "rhode island": "RI", "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX",
		"utah": "UT", "vermont": "VT", "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
		"puerto rico": "PR", "guam": "GU", "us virgin islands": "VI", "virgin islands": "VI", "american samoa": "AS",
		"northern mariana islands": "MP", "new york state": "NY", "washington state": "WA", "washington dc": "DC",
		"armed forces americas": "AA", "armed forces europe": "AE", "armed forces pacific": "AP",
	},
	"CA": {
		"alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB", "newfoundland and labrador": "NL",
		"newfoundland": "NL", "nova scotia": "NS", "northwest territories": "NT", "nunavut": "NU", "ontario": "ON",
		"prince edward island": "PE", "quebec": "QC", "pq": "QC", "saskatchewan": "SK", "yukon": "YT", "yukon territory": "YT",
	},
	"GB": {
		"england": "ENG", "scotland": "SCT", "wales": "WLS", "cymru": "WLS", "northern ireland": "NIR", "lnd": "ENG", "london": "ENG",
		"greater london": "ENG", "greater manchester": "ENG", "west midlands": "ENG", "west yorkshire": "ENG", "merseyside": "ENG",
		"kent": "ENG", "essex": "ENG", "surrey": "ENG", "hampshire": "ENG", "lancashire": "ENG", "devon": "ENG", "cornwall": "ENG",
		"norfolk": "ENG", "suffolk": "ENG", "oxfordshire": "ENG", "cambridgeshire": "ENG", "man": "ENG", "bir": "ENG", "lds": "ENG",
		"liv": "ENG", "edh": "SCT", "glg": "SCT", "city of edinburgh": "SCT", "glasgow city": "SCT", "crf": "WLS", "cardiff": "WLS",
		"bfs": "NIR", "belfast": "NIR",
	},
	"AU": {
		"new south wales": "NSW", "victoria": "VIC", "queensland": "QLD", "western australia": "WA", "south australia": "SA",
		"tasmania": "TAS", "australian capital territory": "ACT", "northern territory": "NT",
	},
	"DE": {
		"baden wurttemberg": "BW", "bavaria": "BY", "bayern": "BY", "berlin": "BE", "brandenburg": "BB", "bremen": "HB",
		"hamburg": "HH", "hesse": "HE", "hessen": "HE", "mecklenburg western pomerania": "MV", "mecklenburg vorpommern": "MV",
		"lower saxony": "NI", "niedersachsen": "NI", "north rhine westphalia": "NW", "nordrhein westfalen": "NW",
		"rhineland palatinate": "RP", "rheinland pfalz": "RP", "saarland": "SL", "saxony": "SN", "sachsen": "SN", "saxony anhalt": "ST",
		"sachsen anhalt": "ST", "schleswig holstein": "SH", "thuringia": "TH", "thuringen": "TH",
	},
}

// territories of the United States that have a country code of their own.
var territories = map[string]string{"PR": "PR", "GU": "GU", "VI": "VI", "AS": "AS", "MP": "MP"}

// commuting lists pairs of neighbours between which crossing the border is an
// everyday matter; each pair in alphabetical order.
var commuting = map[string]bool{
	"CA-US": true, "MX-US": true, "DE-LU": true, "FR-LU": true, "BE-LU": true, "BE-FR": true, "BE-NL": true,
	"DE-NL": true, "BE-DE": true, "CH-DE": true, "CH-FR": true, "CH-IT": true, "AT-CH": true, "AT-DE": true,
	"CH-LI": true, "AT-LI": true, "DE-FR": true, "DE-PL": true, "CZ-DE": true, "DE-DK": true, "DK-SE": true,
	"AT-HU": true, "AT-SK": true, "AT-CZ": true, "ES-PT": true, "ES-FR": true, "FR-MC": true, "FR-IT": true,
	"GB-IE": true, "MY-SG": true, "CN-HK": true, "NO-SE": true, "FI-SE": true, "HU-SK": true, "EE-FI": true,
	"IT-SM": true, "IT-VA": true, "AT-IT": true, "IT-SI": true,
}

func neighbours(a, b string) bool {
	if a > b {
		a, b = b, a
	}
	return commuting[a+"-"+b]
}

// countryCode brings a country to its alpha-2 code; "" when it is not known.
// Any two letters are taken for a code, because the list of codes grows.
func countryCode(s string) string {
	f := gazetteer.Fold(s)
	if c, ok := countryNames[f]; ok {
		return c
	}
	if c, ok := countryNames[strings.ReplaceAll(f, " ", "")]; ok {
		return c
	}
	if len(f) == 2 && f[0] >= 'a' && f[0] <= 'z' && f[1] >= 'a' && f[1] <= 'z' {
		return strings.ToUpper(f)
	}
	return ""
}

// regionCode brings a folded region to its code: from the country's table, with
// or without the country in front ("US-NY"); "" when it is not known. Where
// there is no table, up to three letters or digits are taken for a code.
func regionCode(country, folded string) string {
	folded = strings.TrimPrefix(folded, strings.ToLower(country)+" ")
	table, there := regionNames[country]
	if !there {
		if folded != "" && len(folded) <= 3 && !strings.Contains(folded, " ") && ascii(folded) {
			return strings.ToUpper(folded)
		}
		return ""
	}
	if c, ok := table[folded]; ok {
		return c
	}
	// "st" was written out as a word of a name; here it is a code.
	code := strings.ToUpper(folded)
	if folded == "saint" || folded == "mount" || folded == "fort" || folded == "port" {
		code = map[string]string{"saint": "ST", "mount": "MT", "fort": "FT", "port": "PT"}[folded]
	}
	for _, c := range table {
		if c == code {
			return c
		}
	}
	return ""
}

func ascii(s string) bool {
	for i := 0; i < len(s); i++ {
		if s[i] >= 0x80 {
			return false
		}
	}
	return true
}
