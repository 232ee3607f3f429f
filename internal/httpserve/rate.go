package httpserve

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// DefaultKeys is how many keys a Limiter remembers.
const DefaultKeys = 100_000

// Limiter keeps a token bucket for each key, in bounded memory: when it is full
// the key that was asked for least recently is forgotten, which gives it a full
// bucket again. It is safe for concurrent use.
type Limiter struct {
	now  func() int64 // unix microseconds
	most int

	mu    sync.Mutex // guards keys and order
	keys  map[string]*list.Element
	order *list.List // of *bucket, the most recent first
}

type bucket struct {
	key    string
	tokens float64
	at     int64
}

// NewLimiter makes a Limiter; now gives unix microseconds, most is the number
// of keys (DefaultKeys if 0).
func NewLimiter(now func() int64, most int) *Limiter {
	if most <= 0 {
		most = DefaultKeys
	}
	return &Limiter{now: now, most: most, keys: map[string]*list.Element{}, order: list.New()}
}

// Allow takes one token of the key's bucket, which holds burst tokens (at least
// one) and gains perMinute a minute. If there is none it says how long it takes
// until there is one. A rate of zero allows nothing.
func (l *Limiter) Allow(key string, perMinute, burst int) (ok bool, retryAfter time.Duration) {
	if perMinute <= 0 {
		return false, time.Minute
	}
	full := float64(max(burst, 1))
	perMicro := float64(perMinute) / float64(time.Minute/time.Microsecond)
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	b := l.bucket(key, full, now)
	if passed := now - b.at; passed > 0 { // a clock that steps back gives nothing
		b.tokens += float64(passed) * perMicro
		b.at = now
	} else if now < b.at-int64(time.Minute/time.Microsecond) {
		b.at = now // but must not freeze the key until it has caught up
	}
	b.tokens = min(b.tokens, full)
	if b.tokens >= 1 {
		b.tokens--
		return true, 0
	}
	wait := time.Duration((1 - b.tokens) / perMicro * float64(time.Microsecond))
	return false, max(wait, time.Microsecond)
}

// bucket finds or makes the bucket of a key and moves it to the front.
func (l *Limiter) bucket(key string, full float64, now int64) *bucket {
	if e, ok := l.keys[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket)
	}
	if len(l.keys) >= l.most {
		last := l.order.Back()
		delete(l.keys, last.Value.(*bucket).key)
		l.order.Remove(last)
	}
	b := &bucket{key: key, tokens: full, at: now}
	l.keys[key] = l.order.PushFront(b)
	return b
}

// Len gives the number of keys that are remembered.
func (l *Limiter) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.keys)
}

// PrefixKey gives the key of an address for a Limiter: the address itself for
// IPv4, its /64 for IPv6, since one customer has at least that many.
func PrefixKey(a netip.Addr) string {
	a = a.Unmap().WithZone("")
	switch {
	case a.Is4():
		return netip.PrefixFrom(a, 32).String()
	case a.Is6():
		return netip.PrefixFrom(a, 64).Masked().String()
	}
	return "none"
}
