package store

// scratch is memory that a transaction works in, and that a later one gets when it has ended: for an exchange some 5 KB
// that would be twenty pieces of garbage.
type scratch struct {
	points []uint64 // hashes of prefixes read, or asked for, as a whole
	spans  []*span  // parts of ranges read
	writes []*write // by name
	empty  [][]byte // prefixes that were read and had no entries, length in front
	key    []byte   // of the look-up under way

	bytes slab[byte]  // names and values of writes, bounds of scans
	room  slab[write] // of writes
}

const (
	byteChunk  = 4 << 10
	writeChunk = 16
	// maxScratch is from where on a transaction was an unusual one, whose memory is not kept.
	maxScratch = 256
)

func (s *Store) takeScratch() *scratch {
	if x, ok := s.scratches.Get().(*scratch); ok {
		return x
	}
	return &scratch{
		points: make([]uint64, 0, 32),
		spans:  make([]*span, 0, 8),
		writes: make([]*write, 0, writeChunk),
	}
}

// giveBack takes the memory of a transaction that has ended.
func (s *Store) giveBack(x *scratch) {
	if cap(x.points)+cap(x.spans)+cap(x.writes) > maxScratch || cap(x.key) > byteChunk {
		return
	}
	clear(x.spans[:cap(x.spans)]) // First takes some back
	clear(x.writes[:cap(x.writes)])
	clear(x.empty[:cap(x.empty)])
	clear(x.room.chunk) // they may have long values
	x.points, x.spans, x.writes, x.empty = x.points[:0], x.spans[:0], x.writes[:0], x.empty[:0]
	x.bytes.reset()
	x.room.reset()
	s.scratches.Put(x)
}

// slab cuts pieces out of a larger piece of memory, which is theirs until it is reset. What is in them is left over.
type slab[T any] struct{ chunk, rest []T }

// take returns room for n elements out of chunks of the given size.
func (s *slab[T]) take(n, size int) []T {
	if n > size/4 {
		return make([]T, n)
	}
	if n > len(s.rest) {
		s.chunk = make([]T, size)
		s.rest = s.chunk
	}
	piece := s.rest[:n:n]
	s.rest = s.rest[n:]
	return piece
}

func (s *slab[T]) reset() { s.rest = s.chunk }
