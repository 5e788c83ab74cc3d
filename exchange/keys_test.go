package exchange_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// keysEnv is one tenant with one issuer whose key set a test can change, on a clock that
// only the test moves.
type keysEnv struct {
	*testing.T
	clock  *fakeClock
	server *jwksServer
	issuer string
	config exchange.VerifierConfig
	log    *bytes.Buffer // complete once the verifier is closed
}

const jwksPath = "/t/.well-known/jwks.json"

func newKeysEnv(t *testing.T) *keysEnv {
	e := &keysEnv{T: t, clock: newClock(), server: newJWKSServer(t), log: new(bytes.Buffer)}
	e.issuer = e.server.URL + "/t/"
	e.publish("k1")
	e.config = exchange.VerifierConfig{
		Tenants: []exchange.Tenant{{Name: "t", Issuers: []string{e.issuer}, Audience: []string{ours}}},
		Now:     e.clock.Now,
		Log:     slog.New(slog.NewTextHandler(e.log, nil)),
	}
	return e
}

// publish makes the server answer with the keys of these ids.
func (e *keysEnv) publish(kids ...string) {
	var list []m
	for _, kid := range kids {
		list = append(list, jwkOf(kid, &keys().k1.PublicKey, nil))
	}
	e.server.answer(jwksPath, keySet(list...))
}

func (e *keysEnv) down() {
	e.server.answer(jwksPath, body(http.StatusInternalServerError, "application/json", jwks()))
}

// verifier has fetched nothing yet.
func (e *keysEnv) verifier() *exchange.Verifier {
	v := newVerifier(e.T, e.config)
	v.SetAfter(e.clock.After)
	return v
}

// started has made its first fetch, however it went.
func (e *keysEnv) started() *exchange.Verifier {
	v := e.verifier()
	v.Start()
	e.clock.Idle(1)
	return v
}

// advance moves the clock and waits until the refresher, if that woke it, is idle again.
func (e *keysEnv) advance(d time.Duration) {
	e.clock.Advance(d)
	e.clock.Idle(1)
}

func (e *keysEnv) token(kid string) string {
	now := e.clock.Now().Unix()
	claims := m{"iss": e.issuer, "sub": "auth0|1", "aud": ours, "iat": now, "exp": now + 3600}
	return sign(with(goodHeader, m{"kid": kid}), claims, keys().k1)
}

// expect verifies a token of that kid, and the number of fetches so far.
func (e *keysEnv) expect(v *exchange.Verifier, kid string, want exchange.Reason, fetches int64) {
	e.Helper()
	_, err := v.Verify(e.Context(), e.token(kid), exchange.PurposeExchange)
	if got := reasonOf(e.T, err); got != want {
		e.Errorf("kid %s: reason %q, want %q (%v)", kid, got, want, err)
	}
	if got := e.server.hits.Load(); got != fetches {
		e.Errorf("kid %s: %d fetches so far, want %d", kid, got, fetches)
	}
	var refusal *exchange.Refusal
	if want == exchange.ReasonKeysUnavailable && errors.As(err, &refusal) {
		if refusal.Kind != exchange.Unavailable || refusal.RetryAfter < time.Second || refusal.RetryAfter%time.Second != 0 {
			e.Errorf("kid %s: kind %v, retry after %v", kid, refusal.Kind, refusal.RetryAfter)
		}
	}
}

const (
	unknown     = exchange.ReasonKeyUnknown
	unavailable = exchange.ReasonKeysUnavailable
)

func TestKeys(t *testing.T) {
	for name, test := range map[string]func(*keysEnv){
		"218_next_key_needs_no_fetch":                 nextKeyNeedsNoFetch,
		"219_unknown_kid_fetches_once":                unknownKidFetchesOnce,
		"220_rate_limits_unknown_kid_flood":           rateLimitsUnknownKidFlood,
		"221_survives_outage":                         survivesOutage,
		"221_serves_stale_until_max_stale":            servesStaleUntilMaxStale,
		"222_cold_start_during_outage":                coldStartDuringOutage,
		"217_unknown_issuer_causes_no_fetch":          unknownIssuerCausesNoFetch,
		"224_revoked_key_dropped":                     revokedKeyDropped,
		"first_token_before_start_fetches":            firstTokenBeforeStartFetches,
		"joins_fetch_in_flight":                       joinsFetchInFlight,
		"joins_background_fetch":                      joinsBackgroundFetch,
		"waiter_honors_own_context":                   waiterHonorsOwnContext,
		"joins_no_longer_than_timeout":                joinsNoLongerThanTimeout,
		"start_does_not_wait_for_auth0":               startDoesNotWaitForAuth0,
		"failures_back_off":                           failuresBackOff,
		"refreshes_before_stale":                      refreshesBeforeStale,
		"rotation_never_shows_an_empty_set":           rotationNeverShowsAnEmptySet,
		"issuers_share_a_jwks_url":                    issuersShareAJWKSURL,
		"status_tells_how_keys_stand":                 statusTellsHowKeysStand,
		"close_ends_a_fetch":                          closeEndsAFetch,
		"clock_set_back_does_not_lengthen_cooldown":   clockSetBack,
		"restart_during_outage_uses_cache":            restartDuringOutageUsesCache,
		"cache_max_stale_counts_from_the_fetch":       cacheMaxStaleCountsFromTheFetch,
		"cache_dropped_when_url_changed":              cacheDroppedWhenURLChanged,
		"cache_dropped_when_not_of_the_issuer":        cacheDroppedWhenNotOfTheIssuer,
		"cache_validated_again":                       cacheValidatedAgain,
		"cache_from_the_future_dropped":               cacheFromTheFutureDropped,
		"cache_is_private":                            cacheIsPrivate,
		"cache_that_cannot_be_written_is_only_logged": cacheThatCannotBeWritten,
	} {
		t.Run(name, func(t *testing.T) { test(newKeysEnv(t)) })
	}
}

func nextKeyNeedsNoFetch(e *keysEnv) {
	e.publish("k1", "next")
	v := e.started()
	e.expect(v, "k1", accepted, 1)
	e.expect(v, "next", accepted, 1)
}

func unknownKidFetchesOnce(e *keysEnv) {
	v := e.started()
	e.publish("k1", "new")
	e.expect(v, "new", accepted, 2)
	e.expect(v, "new", accepted, 2)
}

func rateLimitsUnknownKidFlood(e *keysEnv) {
	v := e.started()
	for i := range 300 {
		e.expect(v, fmt.Sprintf("forged-%d", i), unknown, 2)
	}
	// A key published right behind the flood is refused until the cool-down has passed,
	// and no longer.
	e.publish("k1", "new")
	e.expect(v, "new", unknown, 2)
	e.advance(29 * time.Second)
	e.expect(v, "new", unknown, 2)
	e.advance(time.Second)
	e.expect(v, "new", accepted, 3)
}

func survivesOutage(e *keysEnv) {
	v := e.started()
	e.down()
	e.advance(10 * time.Minute)
	e.expect(v, "k1", accepted, 2)
	e.expect(v, "new", unavailable, 3) // it may exist: 503, never 401
	e.expect(v, "new", unavailable, 3)
	e.publish("k1", "new")
	e.advance(30 * time.Second) // the refresher is back first
	e.expect(v, "k1", accepted, 4)
	e.expect(v, "new", accepted, 4)
	e.expect(v, "forged", unknown, 5)
}

func servesStaleUntilMaxStale(e *keysEnv) {
	e.config.Keys.MaxStale = time.Hour
	v := e.verifier()
	e.expect(v, "k1", accepted, 1) // not started: only tokens fetch
	e.down()
	e.clock.Advance(time.Hour)
	e.expect(v, "k1", accepted, 1)
	e.clock.Advance(time.Second)
	e.expect(v, "k1", unavailable, 2)
	if status := v.KeyStatus()[0]; !status.Stale || status.Ready() {
		e.Errorf("stale keys are reported as %+v", status)
	}
	e.publish("k1")
	e.expect(v, "k1", unavailable, 2) // cool-down
	e.clock.Advance(30 * time.Second)
	e.expect(v, "k1", accepted, 3)
}

func coldStartDuringOutage(e *keysEnv) {
	e.down()
	v := e.started()
	if v.KeyStatus()[0].Ready() {
		e.Error("ready without keys")
	}
	e.expect(v, "k1", unavailable, 2)
	e.expect(v, "k1", unavailable, 2)
	e.publish("k1")
	e.advance(30 * time.Second) // recovers alone
	if !v.KeyStatus()[0].Ready() {
		e.Error("not ready with keys")
	}
	e.expect(v, "k1", accepted, 3)
}

func unknownIssuerCausesNoFetch(e *keysEnv) {
	v := e.verifier()
	e.issuer += "x/"
	e.expect(v, "k1", exchange.ReasonIssuer, 0)
}

func revokedKeyDropped(e *keysEnv) {
	e.publish("k1", "k2")
	v := e.started()
	e.expect(v, "k1", accepted, 1)
	e.publish("k2")
	e.advance(10*time.Minute - time.Second)
	e.expect(v, "k1", accepted, 1)
	e.advance(time.Second)
	e.expect(v, "k1", unknown, 3) // the refresh, and one to make sure
	e.expect(v, "k2", accepted, 3)
}

func firstTokenBeforeStartFetches(e *keysEnv) {
	e.expect(e.verifier(), "k1", accepted, 1)
}

// hold makes the server keep every answer back until release is called; asked is sent to
// once per request.
func (e *keysEnv) hold(then http.HandlerFunc) (asked chan struct{}, release func()) {
	asked, gate := make(chan struct{}, 100), make(chan struct{})
	e.server.answer(jwksPath, func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-gate
		then(w, r)
	})
	release = sync.OnceFunc(func() { close(gate) })
	e.Cleanup(release)
	return asked, release
}

func joinsFetchInFlight(e *keysEnv) {
	v := e.verifier()
	asked, release := e.hold(keySet(jwkOf("k1", &keys().k1.PublicKey, nil)))
	token := e.token("k1")
	var called, done sync.WaitGroup
	errs := make(chan error, 100)
	for range cap(errs) {
		called.Add(1)
		done.Go(func() {
			called.Done()
			_, err := v.Verify(e.Context(), token, exchange.PurposeExchange)
			errs <- err
		})
	}
	called.Wait()
	<-asked
	release()
	done.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			e.Fatal(err)
		}
	}
	if hits := e.server.hits.Load(); hits != 1 {
		e.Errorf("%d fetches for one cold burst", hits)
	}
}

func joinsBackgroundFetch(e *keysEnv) {
	v := e.verifier()
	asked, release := e.hold(keySet(jwkOf("k1", &keys().k1.PublicKey, nil)))
	v.Start()
	<-asked
	ctx, cancel := context.WithCancel(e.Context())
	cancel() // a token that cannot wait still must not fetch beside the refresher
	if _, err := v.Verify(ctx, e.token("k1"), exchange.PurposeExchange); reasonOf(e.T, err) != unavailable {
		e.Errorf("while fetching: %v", err)
	}
	if fetches := v.KeyStatus()[0].Fetches; fetches != 1 {
		e.Errorf("%d fetches at once", fetches)
	}
	release()
	e.clock.Idle(1)
	e.expect(v, "k1", accepted, 1)
}

func waiterHonorsOwnContext(e *keysEnv) {
	v := e.verifier()
	asked, release := e.hold(keySet(jwkOf("k1", &keys().k1.PublicKey, nil)))
	ctx, cancel := context.WithCancel(e.Context())
	go func() { <-asked; cancel() }()
	_, err := v.Verify(ctx, e.token("k1"), exchange.PurposeExchange)
	if got := reasonOf(e.T, err); got != unavailable {
		e.Errorf("reason %q", got)
	}
	release()
	e.expect(v, "k1", accepted, 1) // the fetch outlived the one who caused it
}

func joinsNoLongerThanTimeout(e *keysEnv) {
	e.config.Keys.Timeout = 50 * time.Millisecond
	v := e.verifier()
	_, release := e.hold(keySet())
	e.expect(v, "k1", unavailable, 1)
	release()
}

func startDoesNotWaitForAuth0(e *keysEnv) {
	_, release := e.hold(keySet())
	v := e.verifier()
	v.Start() // would hang
	release()
	e.clock.Idle(1)
}

func failuresBackOff(e *keysEnv) {
	e.down()
	e.started()
	for _, want := range []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 4 * time.Minute, 8 * time.Minute, 10 * time.Minute, 10 * time.Minute} {
		if got := e.clock.lastWait(); got != want {
			e.Errorf("next fetch after %v, want %v", got, want)
		}
		e.advance(want)
	}
	e.publish("k1")
	e.advance(10 * time.Minute)
	e.down()
	e.advance(10 * time.Minute)
	if got := e.clock.lastWait(); got != 30*time.Second {
		e.Errorf("after a success the next failure waits %v", got)
	}
}

func refreshesBeforeStale(e *keysEnv) {
	e.config.Keys.MaxStale = time.Minute
	v := e.started()
	e.advance(30 * time.Second)
	e.advance(30 * time.Second)
	e.advance(time.Second)
	e.expect(v, "k1", accepted, 3)
}

// Under the race detector: readers never see a time without the key that every set has.
func rotationNeverShowsAnEmptySet(e *keysEnv) {
	v := e.started()
	token := e.token("k1")
	stop := make(chan struct{})
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if _, err := v.Verify(e.Context(), token, exchange.PurposeExchange); err != nil {
					e.Error(err)
					return
				}
			}
		})
	}
	for i := range 20 {
		e.publish("k1", fmt.Sprintf("next-%d", i))
		e.advance(10 * time.Minute / 20) // within the token's life
		e.clock.Advance(0)
		_, _ = v.Verify(e.Context(), e.token(fmt.Sprintf("next-%d", i)), exchange.PurposeExchange)
	}
	close(stop)
	readers.Wait()
	if v.KeyStatus()[0].Fetches < 10 {
		e.Errorf("only %d fetches: nothing was rotated", v.KeyStatus()[0].Fetches)
	}
}

func issuersShareAJWKSURL(e *keysEnv) {
	tenant := &e.config.Tenants[0]
	custom := e.server.URL + "/custom/"
	tenant.Issuers = append(tenant.Issuers, custom)
	tenant.JWKSURL = e.server.URL + jwksPath
	v := e.started()
	e.expect(v, "k1", accepted, 1)
	e.issuer = custom
	e.expect(v, "k1", accepted, 1)
	if status := v.KeyStatus(); len(status) != 2 || status[1].Issuer != custom || !status[1].Ready() {
		e.Errorf("status %+v", status)
	}
}

func statusTellsHowKeysStand(e *keysEnv) {
	v := e.started()
	fetched := e.clock.Now()
	e.down()
	e.advance(10 * time.Minute)
	got := v.KeyStatus()[0]
	want := exchange.KeyStatus{
		Tenant: "t", Issuer: e.issuer, URL: e.server.URL + jwksPath, Keys: 1, Fetched: fetched,
		Age: 10 * time.Minute, LastError: "answered 500 Internal Server Error", Fetches: 2, Failures: 1,
	}
	if got != want || !got.Ready() {
		e.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func closeEndsAFetch(e *keysEnv) {
	v := e.verifier()
	asked, _ := e.hold(keySet())
	v.Start()
	<-asked
	v.Close() // would hang until the time-out
	e.expect(v, "k1", unavailable, 1)
	if fetches := v.KeyStatus()[0].Fetches; fetches != 1 {
		e.Errorf("%d fetches, some after Close", fetches)
	}
	v.Close()
}

func clockSetBack(e *keysEnv) {
	v := e.started()
	e.expect(v, "forged", unknown, 2)
	e.clock.Advance(-time.Hour)
	e.publish("k1", "new")
	e.expect(v, "new", accepted, 3)
}

// cached gives the environment a cache directory in which a set has been saved.
func (e *keysEnv) cached() {
	e.config.Keys.CacheDir = filepath.Join(e.TempDir(), "jwks")
	v := e.started()
	e.expect(v, "k1", accepted, 1)
	v.Close()
	e.clock.Advance(time.Hour) // let go of the first verifier's timer
	e.down()
}

func (e *keysEnv) cacheFile() string {
	e.Helper()
	files := must(filepath.Glob(filepath.Join(e.config.Keys.CacheDir, "*.json")))
	if len(files) != 1 {
		e.Fatalf("cache files %v", files)
	}
	return files[0]
}

// editCache changes one member of the cache file.
func (e *keysEnv) editCache(name string, value any) {
	e.Helper()
	var content m
	if err := json.Unmarshal(must(os.ReadFile(e.cacheFile())), &content); err != nil {
		e.Fatal(err)
	}
	if err := os.WriteFile(e.cacheFile(), []byte(text(with(content, m{name: value}))), 0o600); err != nil {
		e.Fatal(err)
	}
}

func restartDuringOutageUsesCache(e *keysEnv) {
	e.cached()
	v := e.started()
	e.expect(v, "k1", accepted, 2)
	if !v.KeyStatus()[0].Ready() {
		e.Error("not ready with cached keys")
	}
	e.expect(v, "new", unavailable, 3)
}

func cacheMaxStaleCountsFromTheFetch(e *keysEnv) {
	e.cached() // an hour ago
	e.clock.Advance(23 * time.Hour)
	e.expect(e.verifier(), "k1", accepted, 1)
	e.clock.Advance(time.Second)
	e.expect(e.verifier(), "k1", unavailable, 2)
}

func cacheDroppedWhenURLChanged(e *keysEnv) {
	e.cached()
	e.config.Tenants[0].JWKSURL = e.server.URL + "/elsewhere"
	e.expect(e.verifier(), "k1", unavailable, 2)
	if !strings.Contains(e.log.String(), "cache dropped") {
		e.Errorf("nothing of it in the log: %s", e.log)
	}
}

func cacheDroppedWhenNotOfTheIssuer(e *keysEnv) {
	e.cached()
	e.editCache("issuer", "https://evil.example/")
	e.expect(e.verifier(), "k1", unavailable, 2)
}

func cacheValidatedAgain(e *keysEnv) {
	e.cached()
	e.editCache("jwks", json.RawMessage(jwks(jwkOf("k1", &keys().weak.PublicKey, nil))))
	e.expect(e.verifier(), "k1", unavailable, 2)
	for _, content := range []string{"", "{", "null", `{"keys":[]}`} {
		if err := os.WriteFile(e.cacheFile(), []byte(content), 0o600); err != nil {
			e.Fatal(err)
		}
		if e.verifier().KeyStatus()[0].Keys != 0 {
			e.Errorf("keys out of %q", content)
		}
	}
	e.editCacheTo(`{"issuer":"x","issuer":` + text(e.issuer) + `}`)
	e.publish("k1")
	e.clock.Advance(time.Minute)
	e.expect(e.verifier(), "k1", accepted, 3) // and a good fetch replaces it
}

func (e *keysEnv) editCacheTo(content string) {
	if err := os.WriteFile(e.cacheFile(), []byte(content), 0o600); err != nil {
		e.Fatal(err)
	}
}

func cacheFromTheFutureDropped(e *keysEnv) {
	e.cached()
	e.editCache("fetched", e.clock.Now().Add(time.Hour))
	e.expect(e.verifier(), "k1", unavailable, 2)
}

func cacheIsPrivate(e *keysEnv) {
	e.cached()
	file, dir := must(os.Stat(e.cacheFile())), must(os.Stat(e.config.Keys.CacheDir))
	if file.Mode().Perm() != 0o600 || dir.Mode().Perm() != 0o700 {
		e.Errorf("modes %v and %v", file.Mode(), dir.Mode())
	}
	if entries := must(os.ReadDir(e.config.Keys.CacheDir)); len(entries) != 1 {
		e.Errorf("left behind: %v", entries)
	}
}

func cacheThatCannotBeWritten(e *keysEnv) {
	blocked := filepath.Join(e.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		e.Fatal(err)
	}
	e.config.Keys.CacheDir = filepath.Join(blocked, "jwks")
	v := e.started()
	e.expect(v, "k1", accepted, 1)
	v.Close()
	if !strings.Contains(e.log.String(), "jwks cache write") {
		e.Errorf("nothing of it in the log: %s", e.log)
	}
}

// Case 223: whatever the URL answers but a good set, the last good one stays, the error is
// counted, and what came along is not believed.
func TestKeysFaults(t *testing.T) {
	elsewhere := newJWKSServer(t)
	elsewhere.answer("/jwks", keySet(jwkOf("evil", &keys().k1.PublicKey, nil)))
	evil := func() []byte { return jwks(jwkOf("evil", &keys().k1.PublicKey, nil)) }
	const ok = http.StatusOK
	drip := func(w http.ResponseWriter, r *http.Request) {
		for {
			if _, err := w.Write([]byte(" ")); err != nil {
				return
			}
			w.(http.Flusher).Flush()
			select {
			case <-r.Context().Done():
				return
			case <-time.After(5 * time.Millisecond):
			}
		}
	}
	toHTTPS := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "https://"+r.Host+r.URL.Path, http.StatusFound)
	}
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		want   string
	}{
		"429_with_json_body":       {body(429, "application/json", evil()), "429"},
		"500_with_json_body":       {body(500, "application/json", evil()), "500"},
		"304":                      {body(304, "application/json", nil), "304"},
		"html":                     {body(ok, "text/html", []byte("<!doctype html><p>Back soon")), "not a JSON object"},
		"nothing":                  {body(ok, "application/json", nil), "not a JSON object"},
		"empty_object":             {body(ok, "application/json", []byte("{}")), "not a JWK Set"},
		"empty_set":                {body(ok, "application/json", jwks()), "no usable key"},
		"keys_null":                {body(ok, "application/json", []byte(`{"keys":null}`)), "not a JWK Set"},
		"keys_object":              {body(ok, "application/json", []byte(`{"keys":{}}`)), "not a JWK Set"},
		"array":                    {body(ok, "application/json", []byte(`[`+string(evil())+`]`)), "not a JSON object"},
		"two_keys_members":         {body(ok, "application/json", append(append([]byte(`{"keys":[],`), evil()[1:len(evil())-1]...), '}')), "two members"},
		"only_unusable":            {keySet(jwkOf("evil", &keys().k1.PublicKey, m{"use": "enc"})), "no usable key among 1"},
		"truncated":                {body(ok, "application/json", evil()[:100]), "at byte"},
		"huge":                     {body(ok, "application/json", append(evil(), bytes.Repeat([]byte(" "), 256<<10)...)), "more than 262144 bytes"},
		"slow":                     {func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "deadline"},
		"slow_drip":                {drip, "deadline"},
		"redirect_cross_host":      {http.RedirectHandler(elsewhere.URL+"/jwks", http.StatusFound).ServeHTTP, "another scheme or host"},
		"redirect_to_other_scheme": {toHTTPS, "another scheme or host"},
		"redirect_for_ever":        {http.RedirectHandler(jwksPath, http.StatusFound).ServeHTTP, "more than three times"},
		"hang_up":                  {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "EOF"},
	} {
		t.Run(name, func(t *testing.T) {
			e := newKeysEnv(t)
			e.config.Keys.Timeout = 100 * time.Millisecond
			v := e.started()
			e.server.answer(jwksPath, c.answer)
			e.advance(10 * time.Minute)
			status := v.KeyStatus()[0]
			if status.Failures != 1 || !strings.Contains(status.LastError, c.want) || !status.Ready() {
				t.Errorf("status %+v, want an error with %q", status, c.want)
			}
			hits := e.server.hits.Load()
			e.expect(v, "k1", accepted, hits)
			if _, err := v.Verify(t.Context(), e.token("evil"), exchange.PurposeExchange); reasonOf(t, err) != unavailable {
				t.Errorf("a key that came with the fault: %v", err)
			}
			e.publish("k1", "new")
			e.advance(30 * time.Second) // recovers alone
			if _, err := v.Verify(t.Context(), e.token("new"), exchange.PurposeExchange); err != nil {
				t.Errorf("after the fault: %v", err)
			}
		})
	}
}

// A redirect may go to another path of the same host, not from https to http.
func TestKeysRedirects(t *testing.T) {
	e := newKeysEnv(t)
	e.server.answer("/moved", keySet(jwkOf("k1", &keys().k1.PublicKey, nil)))
	e.server.answer(jwksPath, http.RedirectHandler("/moved", http.StatusFound).ServeHTTP)
	e.expect(e.verifier(), "k1", accepted, 2)

	var plain *httptest.Server
	secure := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, plain.URL+r.URL.Path, http.StatusFound)
	}))
	defer secure.Close()
	plain = httptest.NewServer(keySet(jwkOf("k1", &keys().k1.PublicKey, nil)))
	defer plain.Close()
	e.issuer = secure.URL + "/t/"
	e.config.Tenants[0].Issuers = []string{e.issuer}
	e.config.HTTP = secure.Client()
	v := e.verifier()
	e.expect(v, "k1", unavailable, 2)
	if last := v.KeyStatus()[0].LastError; !strings.Contains(last, "another scheme or host") {
		t.Errorf("a downgrade ended with %q", last)
	}
}
