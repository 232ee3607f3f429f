package ipstack

import (
	"crypto/sha256"
	"encoding/hex"
	"net/netip"
	"time"
)

// keyHash stands for a key in memory, so that no table holds the key itself.
func keyHash(key string) string {
	sum := sha256.Sum256([]byte("ipstack pause|" + key))
	return hex.EncodeToString(sum[:8])
}

func (c *Client) pauseKey(key string, addr netip.Addr) pauseKey {
	k := pauseKey{key: keyHash(key)}
	if c.cfg.QuotaPerAddress {
		k.addr = addr
	}
	return k
}

// paused reports whether the key (or the address) must not be asked now.
func (c *Client) paused(key string, addr netip.Addr) bool {
	k := c.pauseKey(key, addr)
	c.mu.Lock()
	defer c.mu.Unlock()
	until, there := c.pause[k]
	if there && c.cfg.Now() >= until {
		delete(c.pause, k)
		return false
	}
	return there
}

// learn opens the circuit on an exhausted quota and alerts once about whatever
// only a person can mend; a good answer clears both.
func (c *Client) learn(key string, addr netip.Addr, p *Problem) {
	if p == nil {
		c.clear(key, addr)
		return
	}
	var until int64
	switch p.Failure {
	case UsageLimit:
		until = c.untilNextQuota()
	case RateLimited:
		until = c.cfg.Now() + shortPause.Microseconds()
	case MissingKey, InvalidKey, InactiveUser, FunctionDenied, HTTPSDenied, InvalidFields, TLS, DNS, Redirected, NotIpstack:
	default:
		return
	}
	c.mu.Lock()
	if until > 0 && len(c.pause) < maxPauses {
		c.pause[c.pauseKey(key, addr)] = until
	}
	mark := keyHash(key) + p.Failure
	first := !c.warned[mark]
	c.warned[mark] = true
	c.mu.Unlock()
	if first && c.cfg.Alert != nil && p.Failure != RateLimited {
		words := p.Words()
		if c.cfg.QuotaPerAddress && p.Failure == UsageLimit {
			// Nothing is paused but this one address: no date may say otherwise.
			words, until = words+oneAddressOnly, 0
		}
		c.cfg.Alert(p.Failure, words, until)
	}
}

// oneAddressOnly is what a pause of one address adds to the alert.
const oneAddressOnly = " Only the address that met this is not asked about any more; all others are."

// clear forgets the pause and the alerts of a key that works again.
func (c *Client) clear(key string, addr netip.Addr) {
	hash := keyHash(key)
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pause, c.pauseKey(key, addr))
	if c.cfg.QuotaPerAddress {
		return // another address may still be out of quota: keep its alert quiet
	}
	for mark := range c.warned {
		if len(mark) > len(hash) && mark[:len(hash)] == hash {
			delete(c.warned, mark)
		}
	}
}

// untilNextQuota gives the end of the pause in unix microseconds.
func (c *Client) untilNextQuota() int64 {
	now := c.cfg.Now()
	if c.cfg.QuotaPause > 0 {
		return now + c.cfg.QuotaPause.Microseconds()
	}
	t := time.UnixMicro(now).UTC()
	return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC).UnixMicro()
}
