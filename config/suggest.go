package config

import "strings"

// closest gives the candidate that name is most likely a misspelling of, or "".
func closest(name string, candidates []string) string {
	best, least := "", 1+min(3, max(1, len(name)/3)) // longer names may have more typing errors
	for _, c := range candidates {
		if bare(name) == bare(c) {
			return c
		}
		if d := distance(name, c); d < least {
			best, least = c, d
		}
	}
	return best
}

// bare is a name without case and joints: maxTTL, max-ttl and max_ttl are one.
func bare(name string) string {
	return strings.ToLower(strings.NewReplacer("_", "", "-", "").Replace(name))
}

// distance is the number of letters to insert, delete, replace or swap with their neighbour
// (optimal string alignment) that turns a into b.
func distance(a, b string) int {
	if len(a) > 100 {
		return len(a) // no key is that long, and the table below would be
	}
	d := make([][]int, len(a)+1)
	for i := range d {
		d[i] = make([]int, len(b)+1)
		d[i][0] = i
	}
	for j := range d[0] {
		d[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d[i][j] = min(d[i-1][j]+1, d[i][j-1]+1, d[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d[i][j] = min(d[i][j], d[i-2][j-2]+1)
			}
		}
	}
	return d[len(a)][len(b)]
}
