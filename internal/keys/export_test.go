package keys

// Cached tells tests how many opened keys are held.
func (s *Store) Cached() int {
	s.cache.mu.Lock()
	defer s.cache.mu.Unlock()
	return len(s.cache.byName)
}
