package exchange_test

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

func newRefreshService(tb testing.TB) *service {
	return newModeService(tb, exchange.ModeRefresh, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.MaxTTL = time.Minute })
}

// refreshed is a refresh that must succeed, and its cookie.
func (s *service) refreshed(cookie string) (answer, string) {
	s.tb.Helper()
	a := s.refresh(cookie)
	if a.status != 200 || a.Secret == "" {
		s.tb.Fatalf("refresh: %d %s", a.status, a.body)
	}
	if got := s.query(a.Secret, "1"); got != "1" {
		s.tb.Fatalf("the new secret answers %s", got)
	}
	return a, s.cookieOf(a)
}

// checkRefused wants the one answer that a handle gets which does not count, and the true
// reason in the log.
func (s *service) checkRefused(cookie string, reason exchange.Reason) {
	s.tb.Helper()
	before := len(s.log.String())
	a := s.refresh(cookie)
	if a.status != 401 || a.Error != "invalid_token" || a.Secret != "" {
		s.tb.Fatalf("refresh: %d %s", a.status, a.body)
	}
	want := `{"error":"invalid_token","error_description":"There is no refresh cookie, or none that counts. Exchange an Auth0 token.","request_id":"…"}` + "\n"
	if got := strings.ReplaceAll(a.body, a.RequestID, "…"); got != want {
		s.tb.Errorf("body %s", got)
	}
	checkDropped(s.tb, a, handleCookie, cookie)
	if !strings.Contains(s.log.String()[before:], fmt.Sprintf(`"reason":%q`, reason)) {
		s.tb.Errorf("the log does not say %s", reason)
	}
}

func TestRefresh(t *testing.T) {
	s := newRefreshService(t)
	first, cookie := s.loggedIn(s.short(600))
	for generation := 1; generation <= 3; generation++ {
		s.clock.advance(20 * time.Second)
		requests := s.fauna.n.Load()
		a, next := s.refreshed(cookie)
		if n := s.fauna.n.Load() - requests; n != 1 {
			t.Errorf("%d requests to Fauna", n)
		}
		if next == cookie || a.Secret == first.Secret || a.Session != first.Session || a.User != first.User {
			t.Errorf("generation %d: %s, cookie %s", generation, a.body, next)
		}
		if _, attributes := cookieOf(t, a); attributes != fmt.Sprintf("Path=/; Max-Age=%d; HttpOnly; Secure; SameSite=Strict", 600-20*generation) {
			t.Errorf("generation %d: %s", generation, attributes)
		}
		if a.ExpiresIn != 60 || !a.IssuedAt.Equal(s.clock.now()) {
			t.Errorf("generation %d: %s", generation, a.body)
		}
		handle, ok := exchange.NewRing(ringKey(1)).ReadHandle(value(next))
		if want := (exchange.Handle{SessionID: first.Session.ID, UserID: first.User.ID, Generation: generation}); !ok || handle != want {
			t.Errorf("handle %v, want %v", handle, want)
		}
		cookie = next
	}
	if log := s.log.String() + s.audit.String(); strings.Contains(log, value(cookie)) || strings.Contains(log, first.Secret) {
		t.Error("a handle or a secret is in the log")
	}
	if !strings.Contains(s.audit.String(), `"operation":"refresh","decision":"issued","tenant":"main"`) {
		t.Errorf("audit: %s", s.audit)
	}
}

// The answer to the last refresh got lost, or another tab got it: the handle before is good for
// ten seconds, and answered with the one that counts.
func TestRefreshAgain(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	_, current := s.refreshed(cookie)
	s.clock.advance(10 * time.Second)
	if _, again := s.refreshed(cookie); again != current {
		t.Errorf("the handle before is answered with %s, want the current one %s", again, current)
	}
	if _, next := s.refreshed(current); next == current {
		t.Error("no rotation")
	}
	// Posting the JWT again, in a tab without a handle, is no theft either.
	_, shared := s.loggedIn(s.short(600))
	s.refreshed(shared)
}

func TestRefreshTheft(t *testing.T) {
	for _, c := range []struct {
		name string
		late time.Duration // after the theft
		then int           // refreshes between
	}{
		{"the generation before, after ten seconds", 10*time.Second + time.Millisecond, 1},
		{"two generations before, at once", 0, 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newRefreshService(t)
			token := s.short(600)
			first, stolen := s.loggedIn(token)
			cookie, secrets := stolen, []string{first.Secret}
			for range c.then {
				a, next := s.refreshed(cookie)
				cookie, secrets = next, append(secrets, a.Secret)
			}
			s.clock.advance(c.late)
			s.checkRefused(stolen, exchange.ReasonHandleReused)
			s.checkRefused(cookie, exchange.ReasonEnded) // dead for both
			s.checkDead(secrets...)
			for _, line := range []string{
				`"operation":"refresh","decision":"refused","reason":"handle_reused"`,
				`"operation":"refresh","decision":"ended"`,
			} {
				if !strings.Contains(s.audit.String(), line) {
					t.Errorf("the audit lacks %s:\n%s", line, s.audit)
				}
			}
			if a := s.login(token); a.status != 401 {
				t.Errorf("the JWT of a stolen session is exchanged again: %d", a.status)
			}
		})
	}
}

func TestRefreshForged(t *testing.T) {
	s := newRefreshService(t)
	a, cookie := s.loggedIn(s.short(600))
	ring, handle := exchange.NewRing(ringKey(1)), handleOf(a)
	for name, forged := range map[string]string{
		"none":          "",
		"empty":         handleCookie + "=",
		"truncated":     cookie[:len(cookie)-1],
		"longer":        cookie + "A",
		"changed":       handleCookie + "=" + flip(value(cookie), 12),
		"version 1":     handleCookie + "=" + macOf(t, "fauna-login/v1/refresh", oldHandle(t, a)),
		"a purpose ago": handleCookie + "=" + macOf(t, "fauna-login/v1/refresh", value(cookie)),
		"without user":  handleCookie + "=" + macOf(t, "fauna-login/v2/refresh", oldHandle(t, a)),
		"other key":     handleCookie + "=" + must(exchange.NewRing(ringKey(2)).SignHandle(handle)),
		"other mode":    handleCookie + "=" + must(ring.Seal(exchange.Sealed{SessionID: a.Session.ID, UserID: a.User.ID, Expires: s.clock.now().Add(time.Minute), Secret: a.Secret})),
		"other name":    secretCookie + "=" + value(cookie),
		"without names": "fauna_login_refresh=" + value(cookie),
		"the secret":    handleCookie + "=" + a.Secret,
		"twice":         cookie + "; " + cookie,
	} {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			requests := s.fauna.n.Load()
			s.checkRefused(forged, exchange.ReasonHandle)
			if n := s.fauna.n.Load() - requests; n != 0 {
				t.Errorf("%d requests to Fauna", n)
			}
		})
	}
	s.tb = t
	s.refreshed(cookie) // none of this did any harm
}

// macOf is a handle with the data of another, under ringKey(1) and a purpose.
func macOf(t *testing.T, purpose, text string) string {
	t.Helper()
	b := must(base64.RawURLEncoding.DecodeString(text))
	data, key := b[:len(b)-sha256.Size], ringKey(1)
	mac := hmac.New(sha256.New, must(hkdf.Key(sha256.New, key[:], nil, purpose, 32)))
	mac.Write(data)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(data))
}

// oldHandle is one of version 1, which named no user, before its MAC.
func oldHandle(t *testing.T, a answer) string {
	t.Helper()
	b := binary.BigEndian.AppendUint64(nil, must(strconv.ParseUint(a.Session.ID, 10, 64)))
	return base64.RawURLEncoding.EncodeToString(append(b, make([]byte, 4+sha256.Size)...))
}

// A genuine handle of what never was, as after a restored backup, ends what there is.
func TestRefreshUnknown(t *testing.T) {
	s := newRefreshService(t)
	a, _ := s.loggedIn(s.short(600))
	ring := exchange.NewRing(ringKey(1))
	s.checkRefused(handleCookie+"="+must(ring.SignHandle(exchange.Handle{SessionID: "413", UserID: a.User.ID})), exchange.ReasonEnded)
	s.checkRefused(handleCookie+"="+must(ring.SignHandle(exchange.Handle{SessionID: a.Session.ID, UserID: a.User.ID, Generation: 9})), exchange.ReasonHandleReused)
	s.checkDead(a.Secret)
}

// A handle comes alone. With a bearer token beside it, which decides elsewhere, the request is
// refused, whoever has sent it, and the cookie stays.
func TestRefreshWithAuthorization(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	requests := s.fauna.n.Load()
	for _, authorization := range []string{"Bearer x", "bearer " + s.good(), "Bearer", "Bearer x y"} {
		for _, c := range []struct {
			name    string
			headers []string
		}{
			{"our page", []string{"X-Fauna-Login: 1", "Sec-Fetch-Site: same-origin"}},
			{"another site's", []string{"X-Fauna-Login: 1", "Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}},
			{"no header", nil},
		} {
			a := s.do(s.request("POST", "/fauna-login/refresh", "", append(c.headers, "Cookie: "+cookie, "Authorization: "+authorization)...))
			if a.status != 400 || a.Error != "invalid_request" || a.header.Values("Set-Cookie") != nil {
				t.Errorf("%s of %s: %d %s, cookies %q", authorization, c.name, a.status, a.body, a.header.Values("Set-Cookie"))
			}
		}
	}
	if n := s.fauna.n.Load() - requests; n != 0 {
		t.Errorf("%d requests to Fauna", n)
	}
	// That of another scheme the browser may have added by itself.
	for _, authorization := range []string{"Basic eDp5", "Digest x", "", "Bearerx y"} {
		a := s.page("POST", "/fauna-login/refresh", cookie, "", "Authorization: "+authorization)
		if a.status != 200 {
			t.Fatalf("%s: %d %s", authorization, a.status, a.body)
		}
		cookie = s.cookieOf(a)
		a = s.do(s.request("POST", "/fauna-login/refresh", "", "Cookie: "+cookie, "Authorization: "+authorization))
		if a.status != 403 || a.header.Values("Set-Cookie") != nil {
			t.Errorf("%s, and no header of ours: %d %s", authorization, a.status, a.body)
		}
	}
	s.refreshed(cookie)
}

// The browser has one cookie, its tabs may have two users: the other's page gets nothing with it,
// and uses nothing up.
func TestRefreshOfAnotherUser(t *testing.T) {
	s := newRefreshService(t)
	ada, _ := s.loggedIn(s.good())
	grace, cookie := s.loggedIn(s.withClaims(m{"sub": "auth0|grace"}))
	none := s.refresh("")
	requests := s.fauna.n.Load()
	for range 3 { // were one of them to rotate the handle, the next would be a theft
		for _, user := range []string{ada.User.ID, "0", "413", "0" + grace.User.ID, "99999999999999999999"} {
			s.clock.advance(11 * time.Second)
			logged, recorded := len(s.log.String()), len(s.audit.String())
			a := s.pageOf(user, "POST", "/fauna-login/refresh", cookie, "")
			if a.status != 401 || a.header.Values("Set-Cookie") != nil {
				t.Errorf("of %s: %d %s, cookies %q", user, a.status, a.body, a.header.Values("Set-Cookie"))
			}
			if strings.ReplaceAll(a.body, a.RequestID, "") != strings.ReplaceAll(none.body, none.RequestID, "") {
				t.Errorf("of %s: %s, without a cookie %s", user, a.body, none.body)
			}
			for text, from := range map[string]int{s.log.String(): logged, s.audit.String(): recorded} {
				if line := text[from:]; !strings.Contains(line, `"reason":"cookie_user"`) || !strings.Contains(line, grace.Session.ID) {
					t.Errorf("log or audit: %s", line)
				}
			}
		}
	}
	if n := s.fauna.n.Load() - requests; n != 0 {
		t.Errorf("%d requests to Fauna", n)
	}
	for _, user := range []string{grace.User.ID, "1", grace.User.ID} {
		a := s.pageOf(user, "POST", "/fauna-login/refresh", cookie, "")
		if a.status != 200 || a.User != grace.User {
			t.Fatalf("her own: %d %s", a.status, a.body)
		}
		cookie = s.cookieOf(a)
	}
}

// The session of a tenant that was taken out of the configuration ends where it is to be renewed.
func TestRefreshTenantGone(t *testing.T) {
	s := newRefreshService(t)
	token := s.short(600)
	first, cookie := s.loggedIn(token)
	before, without := s.built, s.caseEnv.config()
	without.Tenants = slices.DeleteFunc(slices.Clone(without.Tenants), func(t exchange.Tenant) bool { return t.Name == "main" })
	config := before.Config
	config.Verifier = newVerifier(t, without)
	s.serve(must(exchange.New(config)))

	// Not ended is not refused.
	s.fauna.set(func(r *http.Request) (*http.Response, error) {
		body, err := io.ReadAll(r.Body)
		if err != nil || strings.Contains(string(body), "endAuth0SessionById") {
			return nil, fmt.Errorf("down")
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		return nil, nil
	})
	if a := s.refresh(cookie); a.status != 503 || a.header.Values("Set-Cookie") != nil || a.Secret != "" {
		t.Errorf("%d %s %v", a.status, a.body, a.header)
	}
	s.fauna.set(nil)

	recorded := len(s.audit.String())
	s.checkRefused(cookie, exchange.ReasonTenant)
	for _, line := range []string{
		`"operation":"refresh","decision":"ended","tenant":"main"`,
		`"operation":"refresh","decision":"refused","reason":"tenant_unknown","tenant":"main"`,
	} {
		if !strings.Contains(s.audit.String()[recorded:], line) {
			t.Errorf("the audit lacks %s:\n%s", line, s.audit.String()[recorded:])
		}
	}
	s.checkDead(first.Secret)
	if got := s.query(s.root, "[auth0_jwt.all().count(), Token.all().count()]"); got != "[0,0]" {
		t.Errorf("sessions and secrets left: %s", got)
	}
	s.serve(before) // back in the configuration: a new login is needed all the same
	s.checkRefused(cookie, exchange.ReasonEnded)
	if a := s.login(token); a.status != 401 {
		t.Errorf("the JWT is exchanged again: %d", a.status)
	}
}

func TestRefreshKeyRotation(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	for _, step := range []struct {
		keys []exchange.Key
		ok   bool
	}{
		{[]exchange.Key{ringKey(2), ringKey(1)}, true}, // old opens, new seals
		{[]exchange.Key{ringKey(2)}, true},
		{[]exchange.Key{ringKey(3)}, false},
	} {
		config := s.built.Config
		config.Keys = step.keys
		built, err := exchange.New(config)
		if err != nil {
			t.Fatal(err)
		}
		s.serve(built)
		if !step.ok {
			s.checkRefused(cookie, exchange.ReasonHandle)
			return
		}
		_, cookie = s.refreshed(cookie)
		if _, ok := exchange.NewRing(step.keys[0]).ReadHandle(value(cookie)); !ok {
			t.Error("the new handle is not the first key's")
		}
	}
}

func TestRefreshEnds(t *testing.T) {
	t.Run("never beyond the JWT", func(t *testing.T) {
		s := newRefreshService(t)
		_, cookie := s.loggedIn(s.short(100))
		s.clock.advance(70 * time.Second)
		a, cookie := s.refreshed(cookie)
		_, attributes := cookieOf(t, a)
		if a.ExpiresIn != 30 || !strings.Contains(attributes, "Max-Age=30;") {
			t.Errorf("%s, cookie %s", a.body, attributes)
		}
		s.clock.advance(21 * time.Second) // less than min_ttl is left
		s.checkRefused(cookie, exchange.ReasonTimeLeft)
		s.clock.advance(9 * time.Second)
		s.checkRefused(cookie, exchange.ReasonEnded)
	})
	t.Run("blocked", func(t *testing.T) {
		s := newRefreshService(t)
		_, cookie := s.loggedIn(s.short(600))
		s.query(s.root, "User.all().first()!.update({ blocked: true })")
		a := s.refresh(cookie)
		checkRefusal(t, a, exchange.AccessDenied)
		if a.header.Values("Set-Cookie") != nil {
			t.Error("a block that may be lifted takes the cookie away")
		}
		s.query(s.root, "User.all().first()!.update({ blocked: false })")
		s.refreshed(cookie)
	})
	t.Run("logged out with the secret", func(t *testing.T) {
		s := newRefreshService(t)
		a, cookie := s.loggedIn(s.short(600))
		if got := s.logout(a.Secret); got.status != 204 {
			t.Fatalf("%d %s", got.status, got.body)
		}
		s.checkRefused(cookie, exchange.ReasonEnded)
	})
	t.Run("user gone", func(t *testing.T) {
		s := newRefreshService(t)
		_, cookie := s.loggedIn(s.short(600))
		s.query(s.root, "User.all().first()!.delete()")
		s.checkRefused(cookie, exchange.ReasonEnded)
	})
}

// A failure that will pass keeps the cookie.
func TestRefreshUnavailable(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	s.fauna.set(func(*http.Request) (*http.Response, error) { return nil, fmt.Errorf("down") })
	a := s.refresh(cookie)
	if a.status != 503 || a.header.Get("Retry-After") == "" || a.header.Values("Set-Cookie") != nil {
		t.Errorf("%d %v", a.status, a.header)
	}
	if a := s.page("DELETE", "/fauna-login", cookie, ""); a.status != 503 || a.header.Values("Set-Cookie") != nil {
		t.Errorf("logout: %d %v", a.status, a.header)
	}
	s.fauna.set(nil)
	s.refreshed(cookie)
}

// Twenty tabs at once: all get secrets that work, and nobody is taken for a thief.
func TestRefreshParallel(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	for range 3 {
		answers := make([]answer, 20)
		var group sync.WaitGroup
		for i := range answers {
			group.Go(func() { answers[i] = s.refresh(cookie) })
		}
		group.Wait()
		seen := map[string]bool{}
		for _, a := range answers {
			if a.status != 200 {
				t.Fatalf("%d %s", a.status, a.body)
			}
			if got := s.query(a.Secret, "1"); got != "1" {
				t.Errorf("a secret answers %s", got)
			}
			cookie, _ = cookieOf(t, a)
			seen[cookie] = true
		}
		if len(seen) != 1 {
			t.Errorf("%d different handles", len(seen))
		}
	}
}

// Refreshes of a session are answered in the order in which they came; who gives up makes room.
func TestRefreshTurns(t *testing.T) {
	turns := exchange.NewTurns()
	done, err := turns.Take(t.Context(), "1")
	if err != nil {
		t.Fatal(err)
	}
	if other, err := turns.Take(t.Context(), "2"); err != nil {
		t.Errorf("another session waits: %v", err)
	} else {
		other()
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	if _, err := turns.Take(gone, "1"); !errors.Is(err, context.Canceled) {
		t.Errorf("a client that went away: %v", err)
	}
	second := make(chan func(), 1)
	go func() {
		next, _ := turns.Take(t.Context(), "1")
		second <- next
	}()
	select {
	case <-second:
		t.Fatal("two at a time")
	default:
	}
	done()
	(<-second)()
}

func TestRefreshLimits(t *testing.T) {
	s := newModeService(t, exchange.ModeRefresh, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerSubject = 2 })
	_, cookie := s.loggedIn(s.short(600))
	_, other := s.loggedIn(s.withClaims(m{"exp": s.in(601)}))
	for range 2 {
		_, cookie = s.refreshed(cookie)
	}
	if a := s.refresh(cookie); a.status != 429 || a.header.Get("Retry-After") == "" || a.header.Values("Set-Cookie") != nil {
		t.Errorf("%d %v", a.status, a.header)
	}
	s.refreshed(other)

	s = newModeService(t, exchange.ModeRefresh, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP = 1 })
	_, cookie = s.loggedIn(s.short(600))
	if a := s.refresh(cookie); a.status != 429 {
		t.Errorf("the limit of an address: %d", a.status)
	}
}

func TestRefreshBody(t *testing.T) {
	s := newRefreshService(t)
	_, cookie := s.loggedIn(s.short(600))
	if a := s.page("POST", "/fauna-login/refresh", cookie, "{}"); a.status != 200 {
		t.Errorf("{}: %d %s", a.status, a.body)
	}
	if a := s.page("POST", "/fauna-login/refresh", cookie, `{"a":1}`); a.status != 400 {
		t.Errorf("a member: %d %s", a.status, a.body)
	}
	if a := s.page("GET", "/fauna-login/refresh", cookie, ""); a.status != 405 {
		t.Errorf("GET: %d", a.status)
	}
}
