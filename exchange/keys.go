package exchange

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// KeyConfig says how key sets are kept. The zero value of a duration is its default.
type KeyConfig struct {
	Refresh  time.Duration // between fetches in the background; 10 min. How long a revoked key lives on
	Cooldown time.Duration // least time between fetches that tokens cause; 30 s
	MaxStale time.Duration // how long after its fetch a set may be used; 24 h
	Timeout  time.Duration // of one fetch, and the longest a token waits for one; 5 s
	CacheDir string        // where sets survive a restart; empty: nowhere
}

func (c KeyConfig) withDefaults() KeyConfig {
	c.Refresh = cmp.Or(c.Refresh, 10*time.Minute)
	c.Cooldown = cmp.Or(c.Cooldown, 30*time.Second)
	c.MaxStale = cmp.Or(c.MaxStale, 24*time.Hour)
	c.Timeout = cmp.Or(c.Timeout, 5*time.Second)
	// A set has to be refreshed before it is stale, with room for one failure.
	c.Refresh = min(c.Refresh, c.MaxStale/2)
	return c
}

const maxJWKSBytes = 256 << 10

var (
	errNoKeys      = errors.New("no key set, or one too old to use")
	errKeyUnknown  = errors.New("no key of that kid")
	errKeyUnusable = errors.New("the key of that kid is not used")
)

// keySource keeps the key set of one issuer, or of several that share a JWKS URL. Reading
// is lock-free; the mutex guards the fetching.
type keySource struct {
	issuer     string // the first one: names the cache file
	url        string
	algorithms []string
	config     KeyConfig
	client     *http.Client
	now        func() time.Time
	log        *slog.Logger

	lifetime context.Context // ends with Verifier.Close; fetches outlive the request that caused them
	running  *sync.WaitGroup

	set atomic.Pointer[keySet] // nil until the first good fetch

	mu       sync.Mutex
	flight   *keyFetch // under way, or nil
	demanded time.Time // when a token last caused a fetch
	lastErr  error     // of the latest fetch
	fetches  uint64
	failures uint64
}

// keyFetch is a fetch under way; done is closed once its result is in the source, within
// the time-out.
type keyFetch struct{ done chan struct{} }

// key finds the key for a token. A kid that is not in the set, or a set that is too old,
// causes a fetch, at most one per cool-down however many tokens ask, and waits for it.
func (s *keySource) key(ctx context.Context, alg, kid string) (any, *Refusal) {
	key, err := s.lookup(alg, kid)
	if errors.Is(err, errKeyUnknown) || errors.Is(err, errNoKeys) {
		if fetch := s.demand(); fetch != nil {
			select {
			case <-fetch.done: // within the time-out, which began before this wait
			case <-ctx.Done():
			}
			key, err = s.lookup(alg, kid)
		}
	}
	switch {
	case err == nil:
		return key, nil
	case errors.Is(err, errKeyUnusable):
		return nil, invalid(ReasonKeyUnusable, err.Error())
	}
	retry, failed := s.outage()
	switch {
	case errors.Is(err, errNoKeys):
		return nil, unavailable(err, retry)
	case ctx.Err() != nil: // the fetch may bring the key
		return nil, unavailable(fmt.Errorf("%w, and the wait for the key set ended: %w", err, ctx.Err()), retry)
	case failed != nil: // the key may exist: a 401 would log the user out
		return nil, unavailable(fmt.Errorf("%w, and the key set cannot be fetched: %w", err, failed), retry)
	default:
		return nil, invalid(ReasonKeyUnknown, err.Error())
	}
}

func unavailable(err error, retry time.Duration) *Refusal {
	return &Refusal{Kind: Unavailable, Reason: ReasonKeysUnavailable, Detail: err.Error(), RetryAfter: retry}
}

func (s *keySource) lookup(alg, kid string) (any, error) {
	set := s.set.Load()
	if set == nil || s.stale(set) {
		return nil, errNoKeys
	}
	return set.key(alg, kid)
}

func (s *keySource) stale(set *keySet) bool {
	return s.now().Sub(set.fetched) > s.config.MaxStale
}

// demand returns the fetch a token may wait for: the one under way, else a new one unless
// the last one it caused is within the cool-down, else nil. Nobody waits for the cool-down.
func (s *keySource) demand() *keyFetch {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flight == nil && s.cooldownLeft() <= 0 {
		s.demanded = s.now()
		s.start()
	}
	return s.flight
}

// cooldownLeft is how long tokens cause no fetch. Background fetches do not count: a key
// published just after one must not wait for the next.
func (s *keySource) cooldownLeft() time.Duration {
	since := s.now().Sub(s.demanded)
	if since < 0 { // the clock was set back
		return 0
	}
	return s.config.Cooldown - since
}

// outage says why the source may lack a key that exists, and when to ask again.
func (s *keySource) outage() (retry time.Duration, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	err = s.lastErr
	if s.flight != nil {
		err = errors.New("still fetching")
	}
	left := max(s.cooldownLeft(), time.Second)
	return (left + time.Second - 1).Truncate(time.Second), err
}

// start begins a fetch, unless the verifier is closed. The caller holds s.mu and has seen
// that none is under way.
func (s *keySource) start() {
	if s.lifetime.Err() != nil {
		return
	}
	fetch := &keyFetch{done: make(chan struct{})}
	s.flight = fetch
	s.fetches++
	s.running.Go(func() {
		raw, set, err := s.fetch()
		s.finish(err)
		close(fetch.done)
		if err == nil && s.config.CacheDir != "" { // nobody waits for the disk
			if err := s.save(raw, set.fetched); err != nil {
				s.log.Warn("jwks cache write", "issuer", s.issuer, "err", err)
			}
		}
	})
}

func (s *keySource) finish(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flight = nil
	switch {
	case err != nil && s.lifetime.Err() != nil: // the program ends
	case err != nil:
		s.failures++
		s.log.Warn("jwks fetch", "issuer", s.issuer, "url", s.url, "err", err)
	case s.lastErr != nil:
		s.log.Info("jwks fetch works again", "issuer", s.issuer, "url", s.url)
	}
	s.lastErr = err
}

// refresh fetches in the background, joining a fetch under way, and says how it went.
func (s *keySource) refresh() error {
	s.mu.Lock()
	if s.flight == nil {
		s.start()
	}
	fetch := s.flight
	s.mu.Unlock()
	if fetch != nil {
		<-fetch.done
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.lastErr
}

// maintain keeps the set fresh until the verifier is closed: every Refresh while it works,
// and after failures sooner, from Cooldown doubling up to Refresh.
func (s *keySource) maintain(after func(time.Duration) <-chan time.Time) {
	backoff := s.config.Cooldown
	for {
		wait := s.config.Refresh
		if s.refresh() == nil {
			backoff = s.config.Cooldown
		} else {
			wait = min(wait, backoff)
			backoff *= 2
		}
		select {
		case <-s.lifetime.Done():
			return
		case <-after(wait):
		}
	}
}

// fetch replaces the set if what the URL answers is a good one, and returns it, also as it
// came. Whatever else the URL answers, the old set stays.
func (s *keySource) fetch() ([]byte, *keySet, error) {
	ctx, cancel := context.WithTimeout(s.lifetime, s.config.Timeout)
	defer cancel()
	raw, err := s.get(ctx)
	if err != nil {
		return nil, nil, err
	}
	set, err := parseKeySet(raw, s.algorithms, s.now())
	if err != nil {
		return nil, nil, fmt.Errorf("reading the key set: %w", err)
	}
	for kid, why := range set.unusable {
		s.log.Debug("jwks key not used", "issuer", s.issuer, "kid", kid, "why", why)
	}
	s.set.Store(set)
	return raw, set, nil
}

func (s *keySource) get(ctx context.Context) ([]byte, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	resp, err := s.client.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK { // a 429 with a JSON body is no key set
		return nil, fmt.Errorf("answered %s", resp.Status)
	}
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxJWKSBytes+1))
	if err != nil {
		return nil, fmt.Errorf("reading the answer: %w", err)
	}
	if len(raw) > maxJWKSBytes {
		return nil, fmt.Errorf("answered more than %d bytes", maxJWKSBytes)
	}
	return raw, nil
}

// keyClient is base, or a client of our own, with our rule for redirects: few, and to the
// same scheme and host. The set decides who may log in, so nobody else may serve it.
func keyClient(base *http.Client) *http.Client {
	var client http.Client
	if base != nil {
		client = *base
	} else {
		transport := http.DefaultTransport.(*http.Transport).Clone()
		transport.DisableKeepAlives = true // the next fetch is minutes away
		client.Transport = transport
	}
	client.CheckRedirect = func(req *http.Request, via []*http.Request) error {
		if req.URL.Scheme != via[0].URL.Scheme || req.URL.Host != via[0].URL.Host {
			return errors.New("redirected to another scheme or host")
		}
		if len(via) > 3 {
			return errors.New("redirected more than three times")
		}
		return nil
	}
	return &client
}

// KeyStatus is how the keys of one issuer stand, for readiness and metrics.
type KeyStatus struct {
	Tenant, Issuer, URL string

	Keys      int           // usable keys; 0 while there is no set
	Fetched   time.Time     // when the set in use was fetched; zero while there is none
	Age       time.Duration // since then
	Stale     bool          // too old to use
	LastError string        // of the latest fetch; empty when it went well
	Fetches   uint64        // since start
	Failures  uint64        // of these
}

// Ready reports whether tokens of the issuer can be verified.
func (k KeyStatus) Ready() bool { return k.Keys > 0 && !k.Stale }

func (s *keySource) status() KeyStatus {
	status := KeyStatus{URL: s.url}
	if set := s.set.Load(); set != nil {
		status.Keys, status.Fetched = set.size, set.fetched
		status.Age, status.Stale = s.now().Sub(set.fetched), s.stale(set)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	status.Fetches, status.Failures = s.fetches, s.failures
	if s.lastErr != nil {
		status.LastError = s.lastErr.Error()
	}
	return status
}
