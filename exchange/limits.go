package exchange

import (
	"context"
	"fmt"
	"maps"
	"net/netip"
	"sync"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"

	"golang.org/x/time/rate"
)

// maxBuckets bounds the memory of a limiter: beyond it the buckets that are full again are
// dropped, and if too few are, any.
const maxBuckets = 100_000

// limiter allows so many requests a minute for each key, all of them at once if need be.
type limiter struct {
	perMinute int
	now       func() time.Time

	mu      sync.Mutex
	buckets map[string]*rate.Limiter // key → its bucket
}

// newLimiter makes a limiter; with 0 a minute it never limits.
func newLimiter(perMinute int, now func() time.Time) *limiter {
	return &limiter{perMinute: perMinute, now: now, buckets: map[string]*rate.Limiter{}}
}

// take uses one request of key's up. It returns 0, or how long to wait before the next.
func (l *limiter) take(key string) time.Duration {
	if l.perMinute == 0 {
		return 0
	}
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	bucket, ok := l.buckets[key]
	if !ok {
		makeRoom(l.buckets, maxBuckets, func(b *rate.Limiter) bool { return b.TokensAt(now) >= float64(l.perMinute) })
		bucket = rate.NewLimiter(rate.Limit(float64(l.perMinute)/60), l.perMinute)
		l.buckets[key] = bucket
	}
	reservation := bucket.ReserveN(now, 1)
	wait := reservation.DelayFrom(now)
	if wait > 0 {
		reservation.CancelAt(now) // a refused request does not count
	}
	return wait
}

// makeRoom keeps a map that remembers something for a while below a size.
func makeRoom[K comparable, V any](m map[K]V, most int, isOver func(V) bool) {
	if len(m) < most {
		return
	}
	maps.DeleteFunc(m, func(_ K, v V) bool { return isOver(v) })
	// Still full: there is that much at this very time. Forgetting any of it is better than refusing
	// newcomers or growing without end.
	for key := range m {
		if len(m) < most/2 {
			break
		}
		delete(m, key)
	}
}

// places bound how many do something at a time: as many as its capacity.
type places chan struct{}

// take waits for a place, in turn, and holds it until done. It is an [fqlx.ErrUnavailable] if ctx
// ends before.
func (p places) take(ctx context.Context) (done func(), err error) {
	select {
	case p <- struct{}{}:
		return func() { <-p }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("%w: too many at once: %w", fqlx.ErrUnavailable, ctx.Err())
	}
}

// ipKey is the address that counts as one client: an IPv4 address, or an IPv6 network of 64
// bits, since one household has all of it.
func ipKey(ip string) string {
	addr, err := netip.ParseAddr(ip)
	if err != nil {
		return ip
	}
	addr = addr.Unmap()
	if addr.Is4() {
		return addr.String()
	}
	prefix, _ := addr.WithZone("").Prefix(64) // 64 bits always fit
	return prefix.String()
}
