package keys

import (
	"container/list"
	"sync"
)

// cache holds recently opened person keys, at most CacheSize of them, each for
// at most CacheFor. The zero cache is ready for use.
type cache struct {
	mu     sync.Mutex // guards everything below
	byName map[string]*list.Element
	order  *list.List // front: used last
	epoch  uint64     // moves at every forget, so that a read begun before it is not kept
}

type cached struct {
	key    *PersonKey
	opened int64 // unix microseconds
}

func (c *cache) get(person string, now int64) *PersonKey {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byName[person]
	if !ok {
		return nil
	}
	held := e.Value.(cached)
	if now-held.opened > CacheFor.Microseconds() {
		c.drop(e)
		return nil
	}
	c.order.MoveToFront(e)
	return held.key
}

// now gives the epoch to hand to put.
func (c *cache) now() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.epoch
}

// put keeps a key that was read since epoch, unless any key was forgotten meanwhile.
func (c *cache) put(k *PersonKey, opened int64, epoch uint64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if epoch != c.epoch {
		return
	}
	if c.byName == nil {
		c.byName, c.order = map[string]*list.Element{}, list.New()
	}
	if e, ok := c.byName[k.person]; ok {
		c.drop(e)
	}
	c.byName[k.person] = c.order.PushFront(cached{key: k, opened: opened})
	if c.order.Len() > CacheSize {
		c.drop(c.order.Back())
	}
}

func (c *cache) forget(person string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.epoch++
	if e, ok := c.byName[person]; ok {
		c.drop(e)
	}
}

func (c *cache) drop(e *list.Element) {
	delete(c.byName, e.Value.(cached).key.person)
	c.order.Remove(e)
}
