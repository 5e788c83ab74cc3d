package eval

// slab cuts small pieces out of larger ones: an evaluation needs many, and each would be an
// allocation of its own. A piece is its taker's for good. It keeps its neighbours in memory, so
// the arrays and objects of a program are not taken from here.
type slab[T any] []T

// take returns n zero elements, out of chunks of the given size unless that many are wanted.
func (s *slab[T]) take(n, size int) []T {
	if n > size/4 {
		return make([]T, n)
	}
	if n > len(*s) {
		*s = make([]T, size)
	}
	piece := (*s)[:n:n]
	*s = (*s)[n:]
	return piece
}
