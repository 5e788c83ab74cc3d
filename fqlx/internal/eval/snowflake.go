package eval

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"sync"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// snowflakes makes document ids: milliseconds since 2012 and 20 random bits, so that ids are
// roughly in the order of time, hard to guess and never given twice by one process.
type snowflakes struct {
	now  func() time.Time
	rand io.Reader

	mu   sync.Mutex
	last value.ID
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
