package exchange

import (
	"strconv"
	"testing"
	"time"
)

func TestReplays(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	token := func(issuer, id string) Verdict {
		return Verdict{Issuer: issuer, TokenID: id, ExpiresAt: now.Add(2 * time.Minute)}
	}
	full := func() *replays {
		r := newReplays(func() time.Time { return now })
		for n := range maxReplays {
			if !r.reserve(token("a", strconv.Itoa(n))) {
				t.Fatalf("token %d is a replay", n)
			}
		}
		return r
	}
	r := full()
	if r.reserve(token("a", "7")) {
		t.Error("a replay is none")
	}
	if r.release(token("a", "7")); !r.reserve(token("a", "7")) {
		t.Error("a released token is a replay")
	}
	// Another issuer's is another token, and in a flood there is room for it.
	if !r.reserve(token("b", "7")) || r.reserve(token("b", "7")) {
		t.Error("the issuer does not count")
	}
	if len(r.until) != maxReplays/2 {
		t.Errorf("%d are remembered of a flood, want %d", len(r.until), maxReplays/2)
	}
	// What has expired goes first.
	r, now = full(), now.Add(2*time.Minute)
	if !r.reserve(token("a", "7")) || len(r.until) != 1 {
		t.Errorf("%d are remembered, want 1", len(r.until))
	}
}
