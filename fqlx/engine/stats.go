package engine

import (
	"context"
	"strconv"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/eval"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Stats describe an engine, for metrics. The numbers are of different moments.
type Stats struct {
	// Documents maps the name of a collection to its live documents, as a sweep in the
	// background last counted them, at CountedAt: every few minutes, and not before the first.
	Documents   map[string]int64
	CountedAt   time.Time
	DiskBytes   uint64
	CacheHits   int64 // of the block cache
	CacheMisses int64
	Running     int   // transactions
	Commits     int64 // since opening
	Conflicts   int64 // evaluations that were repeated, since opening
}

// Stats returns the state of the engine.
func (e *Engine) Stats() Stats {
	st := e.store.Stats()
	out := Stats{
		Documents:   make(map[string]int64, len(st.Live)),
		CountedAt:   st.LiveAt,
		DiskBytes:   st.DiskBytes,
		CacheHits:   st.CacheHits,
		CacheMisses: st.CacheMisses,
		Running:     st.Transactions,
		Commits:     st.Commits,
		Conflicts:   st.Conflicts,
	}
	s, err := e.db.Schema(context.Background())
	if err != nil {
		return out // closed: nothing has a name any more
	}
	for kind, n := range st.Live {
		number, err := strconv.ParseUint(kind, 10, 32)
		if err != nil {
			continue
		}
		if name, ok := s.CollectionName(value.CollID(number)); ok {
			out.Documents[name] = n
		}
	}
	return out
}

// classify names an entry of the store by the number of its collection, if it is a document.
func classify(prefix []byte) string {
	if id, ok := eval.CollectionOf(prefix); ok {
		return strconv.FormatUint(uint64(id), 10)
	}
	return ""
}
