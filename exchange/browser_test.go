package exchange_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// The cookies' names over https.
const (
	secretCookie = "__Host-Http-fauna_login"
	handleCookie = "__Host-Http-fauna_login_refresh"
)

// ringKey is the nth key of a ring.
func ringKey(n byte) (k exchange.Key) { k[31] = n; return k }

// newModeService is a service in a mode, with ringKey(1) alone in its ring.
func newModeService(tb testing.TB, mode exchange.Mode, change func(*exchange.Config, *exchange.VerifierConfig)) *service {
	tb.Helper()
	return newService(tb, func(c *exchange.Config, v *exchange.VerifierConfig) {
		c.Mode, c.Keys = mode, []exchange.Key{ringKey(1)}
		if change != nil {
			change(c, v)
		}
	})
}

// page sends a request as a script of our own page does.
func (s *service) page(method, path, cookie, body string, headers ...string) answer {
	s.tb.Helper()
	return s.pageOf("1", method, path, cookie, body, headers...)
}

// pageOf is page, of a page that believes it works for a user.
func (s *service) pageOf(user, method, path, cookie, body string, headers ...string) answer {
	s.tb.Helper()
	headers = append([]string{"X-Fauna-Login: " + user, "Sec-Fetch-Site: same-origin", "Origin: " + s.url}, headers...)
	if cookie != "" {
		headers = append(headers, "Cookie: "+cookie)
	}
	if body != "" {
		headers = append(headers, "Content-Type: application/json")
	}
	return s.do(s.request(method, path, body, headers...))
}

func (s *service) refresh(cookie string) answer {
	s.tb.Helper()
	return s.page("POST", "/fauna-login/refresh", cookie, "")
}

// cookieQuery is a query with the cookie of mode cookie.
func (s *service) cookieQuery(cookie, fql string) answer {
	s.tb.Helper()
	body, _ := json.Marshal(map[string]string{"query": fql})
	return s.page("POST", "/query/1", cookie, string(body))
}

// cookieOf is the one cookie that an answer sets, name=value, and its attributes.
func cookieOf(tb testing.TB, a answer) (pair, attributes string) {
	tb.Helper()
	all := a.header.Values("Set-Cookie")
	if len(all) != 1 {
		tb.Fatalf("%d %s sets %d cookies: %q", a.status, a.body, len(all), all)
	}
	pair, attributes, _ = strings.Cut(all[0], "; ")
	return pair, attributes
}

const clearing = "Path=/; Max-Age=0; HttpOnly; Secure; SameSite=Strict"

func checkCleared(tb testing.TB, a answer, name string) {
	tb.Helper()
	if pair, attributes := cookieOf(tb, a); pair != name+"=" || attributes != clearing {
		tb.Errorf("%d %s: Set-Cookie %s; %s, want it cleared", a.status, a.body, pair, attributes)
	}
}

// checkDropped wants the cookie cleared if it came in the request, once. Without one there is
// nothing to clear but what another tab may have got in the meantime.
func checkDropped(tb testing.TB, a answer, name, sent string) {
	tb.Helper()
	if strings.Count("; "+sent, "; "+name+"=") == 1 {
		checkCleared(tb, a, name)
	} else if set := a.header.Values("Set-Cookie"); set != nil {
		tb.Errorf("the request's cookies are %q, the answer's %q", sent, set)
	}
}

// loggedIn is a login that must succeed, and its cookie.
func (s *service) loggedIn(token string) (answer, string) {
	s.tb.Helper()
	a := s.login(token)
	if a.status != 200 {
		s.tb.Fatalf("%d %s", a.status, a.body)
	}
	return a, s.cookieOf(a)
}

// cookieOf is the cookie that an answer sets. A secret sealed in it may be written nowhere.
func (s *service) cookieOf(a answer) string {
	s.tb.Helper()
	pair, _ := cookieOf(s.tb, a)
	if held, ok := exchange.NewRing(ringKey(1)).Open(value(pair)); ok {
		s.watch.Secret(held.Secret)
	}
	return pair
}

// value is that of a name=value.
func value(pair string) string {
	_, value, _ := strings.Cut(pair, "=")
	return value
}

// short is the good token with a life of so many seconds.
func (s *service) short(seconds int64) string { return s.withClaims(m{"exp": s.in(seconds)}) }

func TestSetCookie(t *testing.T) {
	for _, c := range []struct {
		mode       exchange.Mode
		insecure   bool
		name       string
		attributes string
	}{
		{exchange.ModeRefresh, false, handleCookie, "Path=/; Max-Age=1800; HttpOnly; Secure; SameSite=Strict"},
		{exchange.ModeRefresh, true, "fauna_login_refresh", "Path=/; Max-Age=1800; HttpOnly; SameSite=Strict"},
		{exchange.ModeCookie, false, secretCookie, "Path=/; Max-Age=60; HttpOnly; Secure; SameSite=Strict"},
		{exchange.ModeCookie, true, "fauna_login", "Path=/; Max-Age=60; HttpOnly; SameSite=Strict"},
	} {
		t.Run(fmt.Sprintf("%s insecure=%v", c.mode, c.insecure), func(t *testing.T) {
			s := newModeService(t, c.mode, func(config *exchange.Config, _ *exchange.VerifierConfig) {
				config.Insecure, config.MaxTTL = c.insecure, time.Minute
			})
			a := s.login(s.short(1800))
			pair, attributes := cookieOf(t, a)
			if name, _, _ := strings.Cut(pair, "="); name != c.name || attributes != c.attributes {
				t.Errorf("%s; %s, want %s=…; %s", pair, attributes, c.name, c.attributes)
			}
			if len(pair) > 300 {
				t.Errorf("the cookie has %d bytes", len(pair))
			}
			if a.ExpiresIn != 60 || a.User.ID == "" || a.Session.ID == "" {
				t.Errorf("answer %s", a.body)
			}
		})
	}
	t.Run("bearer", func(t *testing.T) {
		s := newService(t, nil)
		a := s.login(s.good())
		if a.status != 200 || a.header.Values("Set-Cookie") != nil {
			t.Errorf("%d, cookies %q", a.status, a.header.Values("Set-Cookie"))
		}
		if a := s.page("POST", "/fauna-login/refresh", "", ""); a.status != 404 {
			t.Errorf("refresh answers %d", a.status)
		}
	})
}

// A service that could not keep its cookies is not built.
func TestNewMode(t *testing.T) {
	s := newService(t, nil)
	for _, c := range []struct {
		name   string
		change func(*exchange.Config)
		ok     bool
	}{
		{"no mode is bearer", func(c *exchange.Config) { c.Mode = "" }, true},
		{"refresh", func(c *exchange.Config) {}, true},
		{"unknown", func(c *exchange.Config) { c.Mode = "bff" }, false},
		{"refresh without keys", func(c *exchange.Config) { c.Keys = nil }, false},
		{"cookie without keys", func(c *exchange.Config) { c.Mode, c.Keys = exchange.ModeCookie, nil }, false},
		{"cookie without an own origin", func(c *exchange.Config) { c.Mode, c.PublicURL = exchange.ModeCookie, "" }, false},
		{"cookie without Fauna", func(c *exchange.Config) { c.Mode, c.Query = exchange.ModeCookie, nil }, false},
		{"cookie with no URL", func(c *exchange.Config) { c.Mode, c.Query, c.Upstream = exchange.ModeCookie, nil, "fauna" }, false},
	} {
		config := s.built.Config
		config.Mode, config.Keys = exchange.ModeRefresh, []exchange.Key{ringKey(1)}
		c.change(&config)
		if _, err := exchange.New(config); (err == nil) != c.ok {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestKey(t *testing.T) {
	text := exchange.NewKey()
	key, err := exchange.ParseKey(text)
	if err != nil || len(text) != 43 || text == exchange.NewKey() {
		t.Errorf("a new key %q: %v", text, err)
	}
	for _, bad := range []string{"", text[1:], text + "A", text + "=", strings.Repeat("+", 43), text[:42] + "B"} {
		if text[:42]+"B" == text {
			continue
		}
		if _, err := exchange.ParseKey(bad); err == nil {
			t.Errorf("%q is a key", bad)
		}
	}
	if got := fmt.Sprintf("%v %x %s %#v", key, key, key, key); got != "[secret] [secret] [secret] [secret]" {
		t.Errorf("prints %s", got)
	}
}

// What one ring has written, and how it reads under another.
func TestRing(t *testing.T) {
	held := exchange.Sealed{SessionID: "18446744073709551615", UserID: "18446744073709551614", Expires: time.Unix(1_900_000_000, 0), Secret: "fnSecret"}
	handle := exchange.Handle{SessionID: "18446744073709551615", UserID: "18446744073709551614", Generation: 1<<32 - 1}
	writer := exchange.NewRing(ringKey(2), ringKey(1))
	sealed := must(writer.Seal(held))
	signed := must(writer.SignHandle(handle))
	if again := must(writer.Seal(held)); again == sealed {
		t.Error("two cookies of one secret are equal")
	}
	for _, c := range []struct {
		name string
		ring []exchange.Key
		ok   bool
	}{
		{"the same", []exchange.Key{ringKey(2), ringKey(1)}, true},
		{"a new key in front", []exchange.Key{ringKey(3), ringKey(2)}, true},
		{"the second key alone", []exchange.Key{ringKey(1)}, false},
		{"another", []exchange.Key{ringKey(4)}, false},
		{"none", nil, false},
	} {
		ring := exchange.NewRing(c.ring...)
		if got, ok := ring.Open(sealed); ok != c.ok || ok && got != held {
			t.Errorf("%s opens: %v %v", c.name, ok, got)
		}
		if got, ok := ring.ReadHandle(signed); ok != c.ok || ok && got != handle {
			t.Errorf("%s reads %v %v", c.name, ok, got)
		}
	}
	if _, ok := writer.ReadHandle(sealed); ok {
		t.Error("a cookie is a handle")
	}
	if _, ok := writer.Open(signed); ok {
		t.Error("a handle is a cookie")
	}
	for i := range sealed {
		if _, ok := writer.Open(flip(sealed, i)); ok {
			t.Errorf("opens with character %d changed", i)
		}
	}
	for i := range signed {
		if _, ok := writer.ReadHandle(flip(signed, i)); ok {
			t.Errorf("reads with character %d changed", i)
		}
	}
	for _, bad := range []exchange.Handle{
		{SessionID: "1"}, {UserID: "1"}, {SessionID: "x", UserID: "1"}, {SessionID: "1", UserID: "ada"}, {SessionID: "-1", UserID: "1"},
		{SessionID: "1", UserID: "2", Generation: -1}, {SessionID: "1", UserID: "2", Generation: 1 << 32},
	} {
		if _, err := writer.SignHandle(bad); err == nil {
			t.Errorf("signs %v", bad)
		}
	}
	for _, bad := range []exchange.Sealed{{SessionID: "1"}, {UserID: "1"}, {SessionID: "1", UserID: "ada"}, {SessionID: "-1", UserID: "1"}} {
		if _, err := writer.Seal(bad); err == nil {
			t.Errorf("seals %v", bad)
		}
	}
}

// flip changes one character of base64url.
func flip(s string, i int) string {
	other := byte('A')
	if s[i] == 'A' {
		other = 'B'
	}
	return s[:i] + string(other) + s[i+1:]
}

// FuzzHandle and FuzzSeal: what reads is what the ring has written.
func FuzzHandle(f *testing.F) {
	ring := exchange.NewRing(ringKey(1), ringKey(2))
	held := exchange.Handle{SessionID: "413", UserID: "414", Generation: 7}
	good := must(ring.SignHandle(held))
	written := []string{good, must(exchange.NewRing(ringKey(2)).SignHandle(held))}
	for _, seed := range append(written, "", "A", good[:69], good+"A", good+"\n", good[:35]+"\r"+good[35:], flip(good, 0), strings.Repeat("A", 70)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if handle, ok := ring.ReadHandle(text); ok && (!slices.Contains(written, text) || handle != held) {
			t.Errorf("%q reads as %v", text, handle)
		}
	})
}

func FuzzSeal(f *testing.F) {
	ring := exchange.NewRing(ringKey(1), ringKey(2))
	held := exchange.Sealed{SessionID: "413", UserID: "414", Expires: time.Unix(1, 0), Secret: "fn"}
	written := []string{must(ring.Seal(held)), must(exchange.NewRing(ringKey(2)).Seal(held))}
	for _, seed := range append(written, "", "A", written[0][:20], written[0]+"A", written[0]+"\n", written[0][:20]+"\r"+written[0][20:], strings.Repeat("A", 38), strings.Repeat("A", 70)) {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, ok := ring.Open(text)
		if ok && (got != held || text != b64.EncodeToString(must(b64.DecodeString(text)))) {
			t.Errorf("%q opens as %v", text, got)
		}
	})
}

// The client is the same for everybody.
func TestAssets(t *testing.T) {
	s := newService(t, nil)
	for path, kind := range map[string]string{
		"/fauna-login.js":   "text/javascript; charset=utf-8",
		"/fauna-login.d.ts": "application/typescript; charset=utf-8",
	} {
		a := s.do(s.request("GET", path, "", "Origin: https://anybody.example"))
		if a.status != 200 || !strings.Contains(a.body, "createFaunaSession") {
			t.Fatalf("%s: %d %.80s", path, a.status, a.body)
		}
		for name, want := range map[string]string{
			"Content-Type": kind, "Cache-Control": "no-cache", "X-Content-Type-Options": "nosniff",
			"Access-Control-Allow-Origin": "*", "Access-Control-Allow-Credentials": "", "Cross-Origin-Resource-Policy": "cross-origin",
		} {
			if got := a.header.Get(name); got != want {
				t.Errorf("%s: %s: %q, want %q", path, name, got, want)
			}
		}
		etag := a.header.Get("ETag")
		if !strings.HasPrefix(etag, `"`) {
			t.Errorf("%s: ETag %s", path, etag)
		}
		for match, status := range map[string]int{etag: 304, `"x", ` + etag: 304, "W/" + etag: 304, "*": 304, `"x"`: 200} {
			again := s.do(s.request("GET", path, "", "If-None-Match: "+match))
			if again.status != status || (status == 304) != (again.body == "") || again.header.Get("ETag") != etag {
				t.Errorf("%s with If-None-Match %s: %d, %d bytes", path, match, again.status, len(again.body))
			}
		}
		if head := s.do(s.request("HEAD", path, "")); head.status != 200 || head.body != "" || head.header.Get("Content-Length") != fmt.Sprint(len(a.body)) {
			t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
		}
		if post := s.do(s.request("POST", path, "")); post.status != http.StatusMethodNotAllowed {
			t.Errorf("POST %s: %d", path, post.status)
		}
	}
}

// handleOf is the first refresh handle of a session.
func handleOf(a answer) exchange.Handle {
	return exchange.Handle{SessionID: a.Session.ID, UserID: a.User.ID}
}
