// Package gazetteer turns a postal code or a town into a point on the map, and
// brings the names of places into a form in which they can be compared.
//
// A Gazetteer is built once (Load, Small) and never changes, so it may be
// shared. Its data has the shape of the GeoNames postal code files; the small
// one that comes with the program is of our own making and serves the demo. A
// place that is not in it is simply not found: the caller must then say
// "unknown", never "mismatch".
//
// This package must not know addresses of the internet, applications or rules.
package gazetteer

import (
	"bufio"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// Place is one row: a postal code or town and its middle.
type Place struct {
	Country    string // ISO 3166-1 alpha-2
	Postal     string // as written in the file
	City       string
	Region     string // first-level code ("NY")
	RegionName string
	Lat, Lon   float64 // degrees
}

// Gazetteer answers where a postal code or a town lies. The zero Gazetteer and
// a nil one know no place.
type Gazetteer struct {
	postal map[string]Place // country|postal key
	city   map[string]*middle
	rows   int
}

// middle is the running mean of a town's rows; large towns have many codes.
type middle struct {
	place Place
	n     float64
}

// Errors of Load; they are wrapped with the line number.
var (
	ErrColumns = errors.New("a line needs the 11 or 12 tab-separated columns of a GeoNames postal code file")
	ErrPoint   = errors.New("latitude or longitude is not a number of degrees")
	ErrCountry = errors.New("the first column must be a two-letter country code")
)

const maxLine = 8 << 10

//go:embed small.tsv
var small string

// Small gives the gazetteer of our own making: a few dozen towns, enough for
// the demo. It panics only if the program was built with a broken table, which
// a test rules out.
func Small() *Gazetteer {
	g, err := Load(strings.NewReader(small))
	if err != nil {
		panic("gazetteer: the built-in table: " + err.Error())
	}
	return g
}

// Load reads a GeoNames postal code file: country, postal code, place name,
// three pairs of administrative name and code, latitude, longitude, accuracy,
// separated by tabs. Blank lines and lines that begin with # are skipped. The
// first faulty line ends it with an error that names the line.
func Load(r io.Reader) (*Gazetteer, error) {
	g := &Gazetteer{postal: map[string]Place{}, city: map[string]*middle{}}
	sc := bufio.NewScanner(r)
	sc.Buffer(make([]byte, 0, 1024), maxLine)
	for n := 1; sc.Scan(); n++ {
		line := strings.TrimRight(sc.Text(), "\r")
		if strings.TrimSpace(line) == "" || line[0] == '#' {
			continue
		}
		p, err := parse(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		g.add(p)
	}
	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("reading the gazetteer: %w", err)
	}
	return g, nil
}

func parse(line string) (Place, error) {
	c := strings.Split(line, "\t")
	if len(c) < 11 || len(c) > 12 {
		return Place{}, ErrColumns
	}
	if len(c[0]) != 2 || strings.ToUpper(c[0]) != c[0] {
		return Place{}, ErrCountry
	}
	lat, err1 := strconv.ParseFloat(strings.TrimSpace(c[9]), 64)
	lon, err2 := strconv.ParseFloat(strings.TrimSpace(c[10]), 64)
	if err1 != nil || err2 != nil || !(math.Abs(lat) <= 90) || !(math.Abs(lon) <= 180) {
		return Place{}, ErrPoint
	}
	return Place{Country: c[0], Postal: strings.TrimSpace(c[1]), City: strings.TrimSpace(c[2]),
		RegionName: strings.TrimSpace(c[3]), Region: strings.TrimSpace(c[4]), Lat: lat, Lon: lon}, nil
}

func (g *Gazetteer) add(p Place) {
	g.rows++
	if k := PostalKey(p.Country, p.Postal); k != "" {
		if _, there := g.postal[p.Country+"|"+k]; !there {
			g.postal[p.Country+"|"+k] = p
		}
	}
	name := Canonical(p.City)
	if name == "" {
		return
	}
	for _, k := range []string{p.Country + "|" + p.Region + "|" + name, p.Country + "||" + name} {
		m := g.city[k]
		if m == nil {
			g.city[k] = &middle{place: p, n: 1}
			continue
		}
		if m.place.Region != p.Region {
			// The same name in two regions: without the region it is nobody's.
			m.n = math.Inf(1)
			continue
		}
		m.n++
		m.place.Lat += (p.Lat - m.place.Lat) / m.n
		m.place.Lon += (p.Lon - m.place.Lon) / m.n
	}
}

// Rows gives how many rows were loaded.
func (g *Gazetteer) Rows() int {
	if g == nil {
		return 0
	}
	return g.rows
}

// Postal finds a postal code of a country (alpha-2). The code is brought to
// the part that is mapped: five digits of a ZIP+4, the outward half of a
// British postcode, three characters of a Canadian one.
func (g *Gazetteer) Postal(country, code string) (Place, bool) {
	if g == nil {
		return Place{}, false
	}
	p, ok := g.postal[country+"|"+PostalKey(country, code)]
	return p, ok
}

// City finds a town by name, in a region if region is not empty. A name that
// stands in several regions is found only with its region.
func (g *Gazetteer) City(country, region, city string) (Place, bool) {
	if g == nil {
		return Place{}, false
	}
	m := g.city[country+"|"+region+"|"+Canonical(city)]
	if m == nil || math.IsInf(m.n, 1) {
		return Place{}, false
	}
	return m.place, true
}

const earthKM = 6371.0088 // mean radius

// DistanceKM is the great-circle distance between two points in kilometres.
func DistanceKM(lat1, lon1, lat2, lon2 float64) float64 {
	rad := math.Pi / 180
	dLat, dLon := (lat2-lat1)*rad/2, (lon2-lon1)*rad/2
	h := math.Sin(dLat)*math.Sin(dLat) + math.Cos(lat1*rad)*math.Cos(lat2*rad)*math.Sin(dLon)*math.Sin(dLon)
	return 2 * earthKM * math.Asin(math.Sqrt(min(1, h)))
}
