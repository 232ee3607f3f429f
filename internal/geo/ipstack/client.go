// Package ipstack asks ipstack.com, or a server that speaks its protocol, for
// the facts about one internet address.
//
// Invariants: the access key travels only in the query of the one request and
// is in no result, failure text or report; an answer that is not fully
// believable (an error with status 200, another address, a list, HTML, broken
// JSON) gives no fact at all; a single field that is absent, null or of the
// wrong type is unknown and leaves the others alone; one look-up is at most one
// paid call; an address that is not public is never sent.
//
// When the month's quota is used up, the client stops asking for the key until
// the next month (or for Config.QuotaPause) and raises one alert; a new key or a
// successful Test ends the pause.
//
// This package must not know what a fact means for an application.
package ipstack

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"time"

	"github.com/lendkeep/lendkeep/internal/geo"
	"github.com/lendkeep/lendkeep/internal/outbound"
)

// Name is how results of this source are labelled.
const Name = "ipstack"

// DefaultBaseURL is ipstack's own address.
const DefaultBaseURL = "https://api.ipstack.com"

// Getter makes one bounded GET to the outside, as *outbound.Client does: the
// body is complete and of limited size, redirects are answers, and an error
// tells its kind through outbound.KindOf.
type Getter interface {
	Get(ctx context.Context, rawURL string, header http.Header) (*outbound.Answer, error)
}

// Alert tells an administrator once that the check has stopped working: the
// failure's code and words, and until when (unix microseconds; 0 = until
// mended) nothing will be asked.
type Alert func(failure, words string, until int64)

// Config says whom to ask, how, and what the answers may be used for.
type Config struct {
	BaseURL string        // empty = DefaultBaseURL; must have passed CheckBaseURL
	Key     func() string // the access key at this moment; "" = not configured
	Timeout time.Duration // of one call; 0 = 3 s
	Use     geo.Use       // what the contract allows; unknown cannot reject

	Out    Getter                // the only way out
	Now    func() int64          // unix microseconds
	Public func(netip.Addr) bool // whether an address may be asked about
	Alert  Alert                 // may be nil

	// QuotaPause is how long to stop after the quota is used up; 0 = until the
	// first of the next month, UTC.
	QuotaPause time.Duration
	// QuotaPerAddress pauses only the address that met the quota error, for a
	// provider that answers per address, as the demo's stand-in does.
	QuotaPerAddress bool
	// Probe is the public address that Test asks about; zero = the one of
	// ipstack's documentation.
	Probe netip.Addr
}

// Client is a geo.Source. Make it with New; it is safe for concurrent use.
type Client struct {
	cfg  Config
	base *url.URL

	mu     sync.Mutex         // guards pause and warned
	pause  map[pauseKey]int64 // until when (unix microseconds) nothing is asked
	warned map[string]bool    // key hash + failure: alerts already given
}

type pauseKey struct {
	key  string     // hash of the access key
	addr netip.Addr // zero unless Config.QuotaPerAddress
}

const (
	defaultTimeout = 3 * time.Second
	shortPause     = time.Minute
	maxPauses      = 4096
)

// Errors of New: a client that lacks one of these would fail in silence later.
var errConfig = errors.New("ipstack: Key, Out, Now and Public must be set")

// New makes a client. It makes no call.
func New(cfg Config) (*Client, error) {
	if cfg.Key == nil || cfg.Out == nil || cfg.Now == nil || cfg.Public == nil {
		return nil, errConfig
	}
	if cfg.BaseURL == "" {
		cfg.BaseURL = DefaultBaseURL
	}
	if err := CheckBaseURL(cfg.BaseURL, true); err != nil {
		return nil, err
	}
	base, err := url.Parse(cfg.BaseURL)
	if err != nil {
		return nil, errConfig
	}
	if cfg.Timeout <= 0 {
		cfg.Timeout = defaultTimeout
	}
	if !cfg.Probe.IsValid() {
		cfg.Probe = netip.AddrFrom4([4]byte{134, 201, 250, 155})
	}
	return &Client{cfg: cfg, base: base, pause: map[pauseKey]int64{}, warned: map[string]bool{}}, nil
}

// Lookup asks about one address, at most once. See geo.Source.
func (c *Client) Lookup(ctx context.Context, addr netip.Addr) geo.Result {
	key := c.cfg.Key()
	r := c.result()
	if key == "" {
		r.State, r.Failure, r.FailureWords = geo.NotConfigured, NoKey, words[NoKey]
		return r.Result
	}
	addr = addr.Unmap().WithZone("")
	if !addr.IsValid() || !c.cfg.Public(addr) {
		return r.failed(problem(NotPublic)).Result
	}
	if c.paused(key, addr) {
		return r.failed(problem(CircuitOpen)).Result
	}
	r, p := c.ask(ctx, key, addr)
	c.learn(key, addr, p)
	return r.Result
}

// answer is a result on its way, with what only Test wants to know.
type answer struct {
	geo.Result
	hasSecurity bool
	wait        time.Duration
}

func (c *Client) result() answer {
	return answer{Result: geo.Result{Source: Name, Version: c.base.Host, At: c.cfg.Now(), Use: c.cfg.Use}}
}

func (r answer) failed(p *Problem) answer {
	r.State, r.Failure, r.FailureWords, r.Facts = geo.Failed, p.Failure, p.Words(), geo.Facts{}
	return r
}

// ask makes the one call and reads its answer.
func (c *Client) ask(ctx context.Context, key string, addr netip.Addr) (answer, *Problem) {
	ctx, cancel := context.WithTimeout(ctx, c.cfg.Timeout)
	defer cancel()
	got, err := c.cfg.Out.Get(ctx, c.address(key, addr), http.Header{"Accept": {"application/json"}})
	r := c.result()
	if err != nil || got == nil {
		p := fromCall(ctx, err)
		return r.failed(p), p
	}
	sum := sha256.Sum256(got.Body)
	r.RawHash = hex.EncodeToString(sum[:])
	facts, hasSecurity, p := Decode(got.Status, got.Body, addr)
	if p != nil {
		return r.failed(p), p
	}
	r.State, r.Facts, r.hasSecurity = geo.Answered, facts, hasSecurity
	return r, nil
}

// address makes the request's URL. It holds the key and must not leave ask.
func (c *Client) address(key string, addr netip.Addr) string {
	u := c.base.JoinPath(addr.String())
	u.RawQuery = url.Values{"access_key": {key}, "security": {"1"}, "language": {"en"}, "output": {"json"}}.Encode()
	return u.String()
}
