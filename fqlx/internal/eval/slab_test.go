package eval

import "testing"

func TestSlab(t *testing.T) {
	var s slab[int]
	var taken [][]int
	for _, n := range []int{0, 1, 4, 3, 5, 2, 1, 4, 4, 4, 100} {
		piece := s.take(n, 16)
		if len(piece) != n || cap(piece) != n {
			t.Fatalf("take(%d): length %d, capacity %d", n, len(piece), cap(piece))
		}
		for i := range piece {
			if piece[i] != 0 {
				t.Fatalf("take(%d) gave what was taken before", n)
			}
			piece[i] = len(taken) + 1
		}
		taken = append(taken, piece)
	}
	for i, piece := range taken {
		for _, v := range piece {
			if v != i+1 {
				t.Errorf("piece %d was overwritten by %d", i+1, v)
			}
		}
	}
}
