package origination

import (
	"context"
	"math"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/origination/docket"
	"github.com/lendkeep/lendkeep/platform/internal/origination/network"
)

// LocationOut is where the address is, as far as the sources say.
type LocationOut struct {
	Country    string   `json:"country" class:"public"`
	Region     string   `json:"region" class:"public"`
	City       string   `json:"city" class:"public"`
	PostalCode string   `json:"postal_code" class:"public"`
	DistanceKM *float64 `json:"distance_km" class:"public" doc:"From the declared place to the edge of the area where the address is; null where it is not known."`
}

// FactsOut is what the sources found.
type FactsOut struct {
	Proxy          string      `json:"proxy" class:"public" enum:"detected,not_detected,unknown"`
	Tor            string      `json:"tor" class:"public" enum:"detected,not_detected,unknown"`
	Crawler        string      `json:"crawler" class:"public" enum:"detected,not_detected,unknown"`
	ThreatLevel    string      `json:"threat_level" class:"public" enum:"low,medium,high,unknown"`
	Location       LocationOut `json:"location"`
	ProxyType      string      `json:"proxy_type,omitempty" class:"public"`
	CrawlerName    string      `json:"crawler_name,omitempty" class:"public"`
	ConnectionType string      `json:"connection_type,omitempty" class:"public"`
	ISP            string      `json:"isp,omitempty" class:"public"`
}

// LocationMatchOut is the comparison of the place at every level.
type LocationMatchOut struct {
	Country    string `json:"country" class:"public" enum:"match,mismatch,unknown,not_assessed"`
	Region     string `json:"region" class:"public" enum:"match,mismatch,unknown,not_assessed"`
	City       string `json:"city" class:"public" enum:"match,mismatch,unknown,not_assessed"`
	PostalCode string `json:"postal_code" class:"public" enum:"match,mismatch,unknown,not_assessed"`
}

// LevelOut is one level of the comparison with both sides, for an underwriter.
type LevelOut struct {
	Level    string `json:"level" class:"public" enum:"country,region,city,postal_code"`
	Verdict  string `json:"verdict" class:"public" enum:"match,mismatch,unknown,not_assessed"`
	Declared string `json:"declared" class:"public"`
	Found    string `json:"found" class:"public"`
	How      string `json:"how" class:"public"`
}

// SourceOut is one source's part.
type SourceOut struct {
	Name        string `json:"name" class:"public"`
	Version     string `json:"version" class:"public"`
	AgeSeconds  int64  `json:"age_seconds" class:"public" doc:"How long ago it answered."`
	DecisionUse string `json:"decision_use" class:"public" enum:"allowed,display_only,unknown"`
}

// FailureOut is why there are no facts.
type FailureOut struct {
	Code  string `json:"code" class:"public"`
	Words string `json:"words" class:"public"`
}

// NetworkCheckOut is the network check of an application as it stands.
type NetworkCheckOut struct {
	State         string           `json:"state" class:"public" enum:"done,pending,unavailable,not_applicable"`
	ClientAddress string           `json:"client_address" class:"public" doc:"Of the applicant; for whoever may view the application."`
	ChosenBy      string           `json:"client_address_reason" class:"public" doc:"Why this address was taken for the applicant's."`
	Peer          string           `json:"peer_address" class:"public" doc:"The other end of the connection."`
	CheckedAt     string           `json:"checked_at,omitempty" class:"public"`
	Facts         FactsOut         `json:"facts"`
	LocationMatch LocationMatchOut `json:"location_match"`
	Comparison    []LevelOut       `json:"comparison"`
	DistanceHow   string           `json:"distance_how,omitempty" class:"public"`
	Warning       bool             `json:"location_warning" class:"public"`
	Sources       []SourceOut      `json:"sources"`
	Failure       *FailureOut      `json:"failure,omitempty"`
	RawHash       string           `json:"raw_hash,omitempty" class:"public" doc:"SHA-256 of the provider's raw answer."`
}

// checkOf reads the check that is shown, and who was asked about.
func (d *Desk) checkOf(ctx context.Context, c *gate.Call, a *docket.Application) (*NetworkCheckOut, error) {
	k, err := docket.CheckByID(ctx, c.Tx, c.Persons(), a.Check)
	if err != nil {
		return nil, err
	}
	client := k.Client
	if k.Asked != k.ID {
		asked, err := docket.CheckByID(ctx, c.Tx, c.Persons(), k.Asked)
		if err != nil {
			return nil, err
		}
		client = asked.Client
	}
	out := &NetworkCheckOut{State: a.CheckState, ClientAddress: client.Address, ChosenBy: client.Chosen, Peer: client.Peer, RawHash: k.RawHash,
		Facts: factsOut(k.Facts), LocationMatch: matchOut(k.Facts.Match), Comparison: comparison(k.Facts.Match), DistanceHow: k.Facts.Match.DistanceHow, Warning: k.Facts.Match.Warn(),
		Sources: make([]SourceOut, 0, len(k.Sources))}
	if k.State == docket.Done || k.State == docket.Unavailable {
		out.CheckedAt = docket.Instant(k.At)
	}
	for _, s := range k.Sources {
		out.Sources = append(out.Sources, SourceOut{s.Name, s.Version, max(0, (c.At-s.At)/1_000_000), s.Use.String()})
	}
	if k.Failure != "" {
		out.Failure = &FailureOut{Code: k.Failure, Words: failureWords(k)}
	}
	return out, nil
}

// neverCame is the failure of a check that had no answer in time.
const neverCame = "no_answer"

func failureWords(k *docket.Check) string {
	for _, r := range k.Facts.Results {
		if r.Failure == k.Failure && r.FailureWords != "" {
			return r.FailureWords
		}
	}
	if k.Failure == neverCame {
		return "The network check did not come to an end in time."
	}
	return "The network check could not be completed."
}

func factsOut(k docket.Facts) FactsOut {
	f := k.Merged.Shown
	out := FactsOut{Proxy: f.Proxy.String(), Tor: f.Tor.String(), Crawler: f.Crawler.String(), ThreatLevel: f.Threat.String(),
		ProxyType: f.ProxyType, CrawlerName: f.CrawlerName, ConnectionType: f.ConnectionType, ISP: f.ISP,
		Location: LocationOut{Country: f.Location.Country, Region: f.Location.Region, City: f.Location.City, PostalCode: f.Location.Postal}}
	if k.Match.HasDistance {
		km := math.Round(k.Match.DistanceKM*10) / 10
		out.Location.DistanceKM = &km
	}
	return out
}

func matchOut(m network.Match) LocationMatchOut {
	return LocationMatchOut{m.Country.Verdict.String(), m.Region.Verdict.String(), m.City.Verdict.String(), m.Postal.Verdict.String()}
}

func comparison(m network.Match) []LevelOut {
	of := func(name string, l network.Level) LevelOut {
		return LevelOut{name, l.Verdict.String(), l.Declared, l.Found, l.How}
	}
	return []LevelOut{of("country", m.Country), of("region", m.Region), of("city", m.City), of("postal_code", m.Postal)}
}

// declared is the applicant's address as the comparison takes it.
func declared(a *docket.Application) network.Declared {
	return network.Declared{Country: a.Country, Region: a.Region, City: a.City, Postal: a.PostalCode}
}

// compare places the facts against the declared address; nothing is compared
// where no source has answered.
func (d *Desk) compare(a *docket.Application, m geo.Merged) network.Match {
	if m.Answered == 0 {
		return network.Match{}
	}
	return network.Compare(declared(a), m.Shown.Location, network.ClassOf(m.Shown), d.config.Gazetteer)
}
