// Package rate holds callers to their rates: addresses before anything is looked
// up, then tenants, keys, site keys and users once they are known.
//
// It counts in the memory of one node, bounded in size; it knows no call and no
// person, only their names.
package rate

import (
	"net/netip"
	"strconv"
	"time"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/httpserve"
)

// Limits are calls a minute (and bursts) for each sort of caller; a zero value
// means the default.
type Limits struct {
	AddressPerMinute, KeyPerMinute, UserPerMinute, TenantPerMinute int
	Burst                                                          int // calls at once before the rate counts
	// PortalPerMinute and PortalBurst hold one address on hosted forms: whoever
	// applies needs a few calls, and each may cost a call to a provider.
	PortalPerMinute, PortalBurst int
}

// withDefaults fills what the configuration left open: generous for people at
// work, small against guessing.
func (l Limits) withDefaults() Limits {
	set := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	set(&l.AddressPerMinute, 6000)
	set(&l.KeyPerMinute, 6000)
	set(&l.UserPerMinute, 3000)
	set(&l.TenantPerMinute, 120000)
	set(&l.Burst, 600)
	set(&l.PortalPerMinute, 60)
	set(&l.PortalBurst, 120)
	return l
}

// limiterKeys bounds the memory of the rate limits: callers remembered at once.
const limiterKeys = 50_000

// Rates counts the calls of one program.
type Rates struct {
	limits  Limits
	limiter *httpserve.Limiter
}

// New makes the counters; zero limits are filled with the defaults.
func New(l Limits, now func() time.Time) *Rates {
	return &Rates{limits: l.withDefaults(), limiter: httpserve.NewLimiter(func() int64 { return now().UnixMicro() }, limiterKeys)}
}

func (r *Rates) hold(key string, perMinute, burst int) *fault.Error {
	ok, wait := r.limiter.Allow(key, perMinute, burst)
	if ok {
		return nil
	}
	seconds := max(1, int(wait/time.Second))
	f := fault.New(fault.TooMany, "too_many_calls", "Too many calls; try again in "+strconv.Itoa(seconds)+" s.")
	f.RetryAfter = time.Duration(seconds) * time.Second
	return f
}

// Address counts a call from an address (IPv4 /32, IPv6 /64); portal says that
// it comes from a hosted form, which needs fewer.
func (r *Rates) Address(a netip.Addr, portal bool) *fault.Error {
	if f := r.hold("a:"+httpserve.PrefixKey(a), r.limits.AddressPerMinute, r.limits.Burst); f != nil || !portal {
		return f
	}
	return r.hold("p:"+httpserve.PrefixKey(a), r.limits.PortalPerMinute, r.limits.PortalBurst)
}

// Caller counts a call of a tenant's key, site key or user: the first of them
// that is named.
func (r *Rates) Caller(tenant, key, site, user string) *fault.Error {
	if f := r.hold("t:"+tenant, r.limits.TenantPerMinute, r.limits.Burst); f != nil {
		return f
	}
	switch {
	case key != "":
		return r.hold("k:"+key, r.limits.KeyPerMinute, r.limits.Burst)
	case site != "":
		return r.hold("s:"+site, r.limits.KeyPerMinute, r.limits.Burst)
	}
	return r.hold("u:"+user, r.limits.UserPerMinute, r.limits.Burst)
}
