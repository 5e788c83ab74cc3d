package store

// flushShare is what part of the memtable's size is written before it is flushed. Entries take about twice of what they
// have in a batch there, and more come before the flush begins. It also bounds the log to be read after a crash.
const flushShare = 4

// flusher has what was written put into tables well before Pebble would do so by itself, so that it is known up to
// which commit everything is in tables.
//
// A look-up in Pebble's memtable is dear: a walk through a list of hundreds of thousands of entries, none of them in
// the processor's cache. Most look-ups find nothing, in the memtable or anywhere, and those in tables have bloom
// filters. So when the window knows that nothing was written under a prefix since the last flush, the look-up goes to
// the tables alone.
type flusher struct {
	pending int             // bytes applied since the last flush began
	latest  int64           // time of the latest commit applied
	done    <-chan struct{} // closed when the flush has ended; nil if none is under way
	upTo    int64           // what that flush puts into tables
}

// flushWhenDue looks after a batch of that many bytes that was just applied, for the commit of that time, if it is one.
// The caller has applyMu.
func (s *Store) flushWhenDue(bytes int, ts int64) {
	f := &s.flusher
	f.pending += bytes
	f.latest = max(f.latest, ts)
	if f.done != nil {
		select {
		case <-f.done:
			f.done = nil
			s.tabled.Store(f.upTo)
		default:
			return
		}
	}
	if f.pending < s.flushAt {
		return
	}
	// An error is that of a disk that has failed, which the next commit meets too.
	if done, err := s.db.AsyncFlush(); err == nil {
		f.done, f.upTo, f.pending = done, f.latest, 0
	}
}
