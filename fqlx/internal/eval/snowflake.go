package eval

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// snowflakes makes document ids: milliseconds since 2012 and 20 random bits, so that ids are
// roughly in the order of time, hard to guess and never given twice by one process.
type snowflakes struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	last value.ID
	// foreign are the highest ids that did not come from here: those that users gave, and
	// what was there already, above the clock, when the database was opened.
	foreign map[value.CollID]value.ID
}

var snowflakeEpoch = time.Date(2012, 1, 1, 0, 0, 0, 0, time.UTC).UnixMilli()

const snowflakeBits = 20

// next returns an id greater than all before.
func (s *snowflakes) next() (value.ID, error) {
	var random [4]byte
	if _, err := io.ReadFull(s.rand, random[:]); err != nil {
		return 0, fmt.Errorf("making a document id: %w", err)
	}
	r := value.ID(binary.BigEndian.Uint32(random[:]))
	ms := max(s.now().UnixMilli()-snowflakeEpoch, 1)
	id := value.ID(ms)<<snowflakeBits | r&(1<<snowflakeBits-1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if id <= s.last { // within one millisecond, or the clock was set back
		id = s.last + 1 + r>>snowflakeBits&0xFF
	}
	s.last = id
	return id, nil
}

// isNew reports whether no document of the collection can have id, which next has just given:
// it is above all that came from elsewhere. Whoever writes a document with an id of a user's
// says so first, and a commit after that one's conflicts with it.
func (s *snowflakes) isNew(coll value.CollID, id value.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return id > s.foreign[coll]
}

// note says that a document has, or is about to get, an id that did not come from next.
func (s *snowflakes) note(coll value.CollID, id value.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.foreign == nil {
		s.foreign = map[value.CollID]value.ID{}
	}
	s.foreign[coll] = max(s.foreign[coll], id)
}

// noteIDs notes what the database has above the ids to come: users' ids, and those of a clock
// that was ahead.
func (db *Database) noteIDs(tx *store.Tx, p *prepared) error {
	next, err := db.ids.next()
	if err != nil {
		return err
	}
	colls := []value.CollID{schema.CollToken, schema.CollKey, schema.CollCredential}
	for _, c := range p.Collections {
		colls = append(colls, c.ID)
	}
	for _, coll := range colls {
		it := tx.ScanPrefixes(appendDocKey(nil, coll, next), appendDocKey(nil, coll+1, 0), true)
		if it.Next() {
			db.ids.note(coll, entryID(it.Entry().Key.Prefix))
		}
		it.Close()
		if err := it.Err(); err != nil {
			return err
		}
	}
	return nil
}

// asID returns the document id that v is: digits, a number or an ID. It may be negative.
func asID(v value.Value) (value.ID, bool) {
	switch v := v.(type) {
	case value.ID:
		return v, true
	case value.Int, value.Long:
		n, _ := value.AsInt64(v)
		return value.ID(n), true
	case value.String:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return value.ID(n), err == nil
	}
	return 0, false
}
