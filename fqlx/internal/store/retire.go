package store

// Retire names entries that nobody can ask for any more: from now on sweeps remove them with all their versions. gone
// is called from the background with the prefix of an entry, not to be kept, and the time (µs since the epoch) that
// no snapshot in use, now or later, lies before.
func (s *Store) Retire(gone func(prefix []byte, cutoff int64) bool) { s.gone.Store(&gone) }

// retired reports whether the sweep may remove the entry.
func (p *pass) retired(name []byte) bool {
	gone := p.s.gone.Load()
	return gone != nil && (*gone)(splitName(name).Prefix, p.cutoff)
}
