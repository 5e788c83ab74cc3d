package exchange_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/exchange"
)

const listed = "https://app.example.com" // in Config.Origins

// pageRequest is a request with a cookie, as anybody may make a browser send it.
type pageRequest struct {
	contentType, body    string
	header, site, origin string // X-Fauna-Login, Sec-Fetch-Site, Origin; "" is none
	cookie               bool
}

// allowed says in plain words what may pass.
func (r pageRequest) allowed(own string) bool {
	if r.header != "1" { // or a user's id: TestPageHeader
		return false // no script of an allowed page has sent it
	}
	json := r.contentType == "application/json" || r.contentType == "application/json; charset=utf-8"
	if !json && !(r.contentType == "" && r.body == "") {
		return false // a form can send it, or nobody's client does
	}
	if r.origin == "null" {
		return false // a sandboxed frame
	}
	if r.origin == listed {
		return true
	}
	if r.site == "same-origin" || r.site == "none" {
		return true
	}
	// An old browser, or none.
	return r.site == "" && (r.origin == "" || r.origin == own)
}

func pageRequests(own string, body string) (all []pageRequest) {
	form := "application/x-www-form-urlencoded"
	for _, content := range [][2]string{
		{"", ""}, {"", body}, {"application/json", body}, {"application/json; charset=utf-8", body},
		{"text/plain", body}, {"text/plain", ""}, {form, "a=b"}, {"multipart/form-data; boundary=x", "--x--"}, {"application/jsonp", body},
	} {
		for _, header := range []string{"1", "", "true"} {
			for _, site := range []string{"", "same-origin", "same-site", "cross-site", "none", "Same-Origin"} {
				for _, origin := range []string{
					"", own, listed, "null", "https://evil.example", "https://sibling.example.com", "https://app.example.com.evil.example",
					"https://APP.example.com", listed + "/", listed + ":443", "http://app.example.com",
				} {
					for _, cookie := range []bool{true, false} {
						all = append(all, pageRequest{content[0], content[1], header, site, origin, cookie})
					}
				}
			}
		}
	}
	return all
}

func (r pageRequest) headers(pair string) []string {
	var headers []string
	for name, value := range map[string]string{
		"Content-Type": r.contentType, "X-Fauna-Login": r.header, "Sec-Fetch-Site": r.site, "Origin": r.origin,
	} {
		if value != "" {
			headers = append(headers, name+": "+value)
		}
	}
	if r.cookie {
		headers = append(headers, "Cookie: "+pair)
	}
	return headers
}

// Case 247: every route that a cookie authenticates takes what a page of ours sends, and nothing
// else that a browser could be made to send.
func TestCSRF(t *testing.T) {
	query := `{"query":"1"}`
	for _, route := range []struct {
		mode               exchange.Mode
		method, path, body string
		ok, without        int // status with a good cookie, and without one
	}{
		{exchange.ModeRefresh, "POST", "/fauna-login/refresh", "{}", 200, 401},
		{exchange.ModeRefresh, "DELETE", "/fauna-login", "{}", 204, 204},
		{exchange.ModeCookie, "DELETE", "/fauna-login", "{}", 204, 204},
		{exchange.ModeCookie, "POST", "/query/1", query, 200, 401},
		{exchange.ModeCookie, "POST", "/stream/1", query, 404, 401}, // the engine has none yet
		{exchange.ModeCookie, "POST", "/feed/1", query, 404, 401},
	} {
		t.Run(string(route.mode)+" "+route.method+" "+route.path, func(t *testing.T) {
			s := newModeService(t, route.mode, nil)
			_, pair := s.loggedIn(s.good())
			before, passed, refused := s.written(), 0, 0
			for _, r := range pageRequests(s.url, route.body) {
				a := s.do(s.request(route.method, route.path, r.body, r.headers(pair)...))
				switch {
				case !r.allowed(s.url):
					refused++
					checkCSRF(t, r, a, strings.HasPrefix(route.path, "/fauna-login"))
				case !r.cookie:
					if a.status != route.without {
						t.Errorf("%+v: %d, want %d", r, a.status, route.without)
					}
				default:
					passed++
					// An empty body is for Fauna to refuse.
					if a.status != route.ok && !(a.status == 400 && r.body == "" && route.body == query) {
						t.Errorf("%+v: %d, want %d", r, a.status, route.ok)
					}
					if set := a.header.Values("Set-Cookie"); len(set) > 0 {
						_, pair = s.loggedIn(s.withClaims(m{"jti": fmt.Sprint(passed)})) // that one was used up
					}
					before = s.written()
				}
			}
			if after := s.written(); after != before {
				t.Errorf("what was refused has written: %s, before %s", after, before)
			}
			if passed < 30 || refused < 3000 {
				t.Errorf("%d passed, %d refused", passed, refused)
			}
			if want := `"reason":"csrf"`; !strings.Contains(s.log.String(), want) || !strings.Contains(s.audit.String(), want) {
				t.Errorf("not in log and audit: %s", want)
			}
		})
	}
}

func checkCSRF(t *testing.T, r pageRequest, a answer, oauth bool) {
	t.Helper()
	const text = "A request with a cookie must be made by a script of an allowed page: X-Fauna-Login: 1, and application/json or no body."
	want, _ := json.Marshal(map[string]any{"error": "access_denied", "error_description": text, "request_id": a.RequestID})
	if !oauth {
		want, _ = json.Marshal(map[string]any{"error": map[string]string{"code": "forbidden", "message": text}, "request_id": a.RequestID})
	}
	if a.status != 403 || strings.TrimSpace(a.body) != string(want) || a.RequestID == "" {
		t.Errorf("%+v: %d %s", r, a.status, a.body)
	}
	vary := strings.Join(a.header.Values("Vary"), ", ")
	if vary != "Origin, Sec-Fetch-Site, Cookie" || a.header.Values("Set-Cookie") != nil {
		t.Errorf("%+v: Vary %s, Set-Cookie %s", r, vary, a.header.Values("Set-Cookie"))
	}
	if (a.header.Get("Access-Control-Allow-Origin") != "") != (r.origin == listed) {
		t.Errorf("%+v: Access-Control-Allow-Origin %q", r, a.header.Get("Access-Control-Allow-Origin"))
	}
}

// Two headers where a browser sends one.
func TestCSRFTwice(t *testing.T) {
	s := newRefreshService(t)
	_, pair := s.loggedIn(s.good())
	for _, twice := range []string{"Origin: " + listed, "Sec-Fetch-Site: cross-site", "X-Fauna-Login: 1", "Content-Type: text/plain"} {
		headers := []string{"X-Fauna-Login: 1", "Sec-Fetch-Site: same-origin", "Origin: " + s.url, "Content-Type: application/json", "Cookie: " + pair, twice}
		if a := s.do(s.request("POST", "/fauna-login/refresh", "{}", headers...)); a.status != 403 {
			t.Errorf("%s twice: %d %s", twice, a.status, a.body)
		}
	}
}

// The header is 1 or has the form of a document's id, and nothing else.
func TestPageHeader(t *testing.T) {
	for _, c := range []struct {
		mode       exchange.Mode
		path, body string
	}{
		{exchange.ModeCookie, "/query/1", `{"query":"1"}`},
		{exchange.ModeRefresh, "/fauna-login/refresh", ""},
	} {
		s := newModeService(t, c.mode, nil)
		ada, pair := s.loggedIn(s.good())
		for header, status := range map[string]int{
			"1": 200, ada.User.ID: 200,
			"0": 401, "2": 401, "01": 401, "18446744073709551616": 401, "99999999999999999999": 401, // of nobody
			"": 403, "true": 403, "111111111111111111111": 403, "-1": 403, "+1": 403, "1.0": 403, "1e3": 403, "0x1": 403, "1,1": 403, "1 1": 403,
			"1_000": 403, "\u0661": 403, "User:" + ada.User.ID: 403, ada.User.ID + ";": 403,
		} {
			a := s.pageOf(header, "POST", c.path, pair, c.body)
			if a.status != status {
				t.Errorf("%s: %q: %d %s", c.mode, header, a.status, a.body)
			}
			if status == 200 && c.mode == exchange.ModeRefresh {
				pair = s.cookieOf(a)
			} else if set := a.header.Values("Set-Cookie"); set != nil {
				t.Errorf("%s: %q: cookies %q", c.mode, header, set)
			}
		}
	}
}

// Login CSRF: a page of another site must not put its own session's cookie into the browser. What
// a browser sends without a preflight has no bearer token; with one, the token is not even read.
func TestLoginCSRF(t *testing.T) {
	for _, mode := range []exchange.Mode{exchange.ModeRefresh, exchange.ModeCookie} {
		t.Run(string(mode), func(t *testing.T) {
			s := newModeService(t, mode, nil)
			_, pair := s.loggedIn(s.good())
			for _, r := range pageRequests(s.url, "{}") {
				if a := s.do(s.request("POST", "/fauna-login", r.body, r.headers(pair)...)); a.status < 400 || a.header.Values("Set-Cookie") != nil {
					t.Fatalf("%+v without a token: %d %v", r, a.status, a.header)
				}
			}
			token := "Authorization: Bearer " + s.good()
			for _, c := range []struct {
				headers []string
				status  int
			}{
				{nil, 200}, // no browser
				{[]string{"Sec-Fetch-Site: same-origin", "Origin: " + s.url}, 200},
				{[]string{"Sec-Fetch-Site: same-site", "Origin: " + listed}, 200},
				{[]string{"Origin: " + s.url}, 200},
				{[]string{"Sec-Fetch-Site: same-site", "Origin: https://sibling.example.com"}, 403},
				{[]string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example"}, 403},
				{[]string{"Sec-Fetch-Site: cross-site"}, 403},
				{[]string{"Origin: https://evil.example"}, 403},
				{[]string{"Sec-Fetch-Site: same-origin", "Origin: null"}, 403},
			} {
				a := s.do(s.request("POST", "/fauna-login", "", append(c.headers, token)...))
				if a.status != c.status || (len(a.header.Values("Set-Cookie")) == 1) != (c.status == 200) {
					t.Errorf("%q: %d %q", c.headers, a.status, a.header.Values("Set-Cookie"))
				}
			}
		})
	}
}

// A bearer token beside the cookie decides: it needs a preflight, so no other site's page sends
// one. A cookie whose request may not be the page's own doing does not count then.
func TestLogoutWithCookie(t *testing.T) {
	for _, mode := range []exchange.Mode{exchange.ModeRefresh, exchange.ModeCookie} {
		name := map[exchange.Mode]string{exchange.ModeRefresh: handleCookie, exchange.ModeCookie: secretCookie}[mode]
		page := []string{"X-Fauna-Login: 1", "Sec-Fetch-Site: same-origin"}
		for _, c := range []struct {
			name          string
			headers       []string
			token         func(s *service) string
			status        int
			first, second bool // whose sessions end: the cookie's, the token's
		}{
			{"cookie", page, nil, 204, true, false},
			{"cookie and token", page, (*service).second, 204, true, true},
			{"cookie and a token that is none", page, func(s *service) string { return s.withHeader(nil, keys().attacker) }, 401, true, false},
			{"cookie, and what a browser adds by itself", append([]string{"Authorization: Basic eDp5"}, page...), nil, 204, true, false},
			{"that, and a cookie that is not the page's doing", []string{"Authorization: Basic eDp5", "X-Fauna-Login: 1", "Sec-Fetch-Site: cross-site"}, nil, 403, false, false},
			{"token, and a cookie that is not the page's doing", []string{"Sec-Fetch-Site: cross-site"}, (*service).second, 204, false, true},
			{"token, and a cookie without the header", nil, (*service).second, 204, false, true},
		} {
			t.Run(string(mode)+" "+c.name, func(t *testing.T) {
				s := newModeService(t, mode, nil)
				firstSession, pair := s.loggedIn(s.good())
				secondSession, _ := s.loggedIn(s.second())
				headers := append([]string{"Cookie: " + pair}, c.headers...)
				if c.token != nil {
					headers = append(headers, "Authorization: Bearer "+c.token(s))
				}
				a := s.do(s.request(http.MethodDelete, "/fauna-login", "", headers...))
				if a.status != c.status {
					t.Errorf("%d %s", a.status, a.body)
				}
				if c.first {
					checkCleared(t, a, name)
				} else if set := a.header.Values("Set-Cookie"); set != nil {
					t.Errorf("a cookie that does not count is cleared: %q", set)
				}
				for _, session := range []struct {
					id    string
					ended bool
				}{{firstSession.Session.ID, c.first}, {secondSession.Session.ID, c.second}} {
					got := s.query(s.root, `auth0_jwt.byId("`+session.id+`").exists()`)
					if (got == "false") != session.ended {
						t.Errorf("session %s exists: %s, ended: %v", session.id, got, session.ended)
					}
				}
			})
		}
	}
}

// A page that works for another user than the cookie's leaves that one's session and cookie alone.
func TestLogoutOfAnotherUser(t *testing.T) {
	for _, mode := range []exchange.Mode{exchange.ModeRefresh, exchange.ModeCookie} {
		t.Run(string(mode), func(t *testing.T) {
			s := newModeService(t, mode, nil)
			token := s.withClaims(m{"sub": "auth0|grace"})
			ada, _ := s.loggedIn(s.good())
			exists := func(id string) bool { return s.query(s.root, `auth0_jwt.byId("`+id+`").exists()`) == "true" }
			for _, headers := range [][]string{nil, {"Authorization: Bearer " + s.good()}} {
				grace, pair := s.loggedIn(token)
				a := s.pageOf(ada.User.ID, "DELETE", "/fauna-login", pair, "", headers...)
				if a.status != 204 {
					t.Errorf("%d %s", a.status, a.body)
				}
				if set := a.header.Values("Set-Cookie"); set != nil || !s.counts(mode, pair) {
					t.Errorf("the other's cookie: %q", set)
				}
				if !exists(grace.Session.ID) || exists(ada.Session.ID) != (headers == nil) {
					t.Errorf("with %q: the cookie's session is there: %v, the token's: %v", headers, exists(grace.Session.ID), exists(ada.Session.ID))
				}
			}
			grace, pair := s.loggedIn(s.withClaims(m{"sub": "auth0|grace", "exp": s.in(900)}))
			a := s.pageOf(grace.User.ID, "DELETE", "/fauna-login", pair, "")
			if a.status != 204 || exists(grace.Session.ID) {
				t.Errorf("one's own: %d %s", a.status, a.body)
			}
			checkCleared(t, a, map[exchange.Mode]string{exchange.ModeRefresh: handleCookie, exchange.ModeCookie: secretCookie}[mode])
		})
	}
}

// counts reports whether a cookie is good for what its mode has it for.
func (s *service) counts(mode exchange.Mode, pair string) bool {
	s.tb.Helper()
	if mode == exchange.ModeRefresh {
		return s.refresh(pair).status == 200
	}
	return s.cookieQuery(pair, "1").status == 200
}

// second is a good token of another session.
func (s *service) second() string { return s.withClaims(m{"exp": s.in(1800)}) }

// Logging out with what has ended, or was never ours, is as good as with nothing.
func TestLogoutWithDeadCookie(t *testing.T) {
	for _, mode := range []exchange.Mode{exchange.ModeRefresh, exchange.ModeCookie} {
		s := newModeService(t, mode, nil)
		_, pair := s.loggedIn(s.good())
		name, _, _ := strings.Cut(pair, "=")
		for _, cookie := range []string{pair, pair, pair[:len(pair)-4], strings.Replace(pair, "=", "=A", 1), pair + "; " + pair, ""} {
			a := s.page("DELETE", "/fauna-login", cookie, "")
			if a.status != 204 || a.body != "" {
				t.Errorf("%s: %s: %d %s", mode, cookie, a.status, a.body)
			}
			if cookie != "" {
				checkCleared(t, a, name)
			} else if set := a.header.Values("Set-Cookie"); set != nil { // maybe another tab's, by now
				t.Errorf("%s: nothing to clear, but %q", mode, set)
			}
		}
	}
}

// Case 248: pages of exactly the listed origins may read answers, and have cookies count only
// where there are any.
func TestCORSModes(t *testing.T) {
	login := []string{"Authorization", "Content-Type", "X-Requested-With"}
	fauna := []string{"Content-Type", "Traceparent", "X-Driver-Env", "X-Format", "X-Last-Txn-Ts", "X-Linearized",
		"X-Max-Contention-Retries", "X-Performance-Hints", "X-Query-Tags", "X-Query-Timeout-Ms", "X-Typecheck"}
	for _, c := range []struct {
		mode        exchange.Mode
		path        string
		methods     []string
		credentials bool
		headers     []string // allowed
		not         string   // a header that is not
	}{
		{exchange.ModeBearer, "/fauna-login", []string{"POST", "DELETE"}, false, login, "X-Fauna-Login"},
		{exchange.ModeBearer, "/oauth/token", []string{"POST"}, false, login, "X-Fauna-Login"},
		{exchange.ModeRefresh, "/fauna-login", []string{"POST", "DELETE"}, true, append(login, "X-Fauna-Login"), "Cookie"},
		{exchange.ModeRefresh, "/fauna-login/refresh", []string{"POST"}, true, []string{"X-Fauna-Login", "Content-Type"}, "Authorization"},
		{exchange.ModeRefresh, "/oauth/token", []string{"POST"}, false, login, "X-Fauna-Login"},
		{exchange.ModeCookie, "/fauna-login", []string{"POST", "DELETE"}, true, append(login, "X-Fauna-Login"), "Cookie"},
		{exchange.ModeCookie, "/query/1", []string{"POST"}, true, append(fauna, "X-Fauna-Login"), "Authorization"},
		{exchange.ModeCookie, "/stream/1", []string{"POST"}, true, append(fauna, "X-Fauna-Login"), "Authorization"},
		{exchange.ModeCookie, "/feed/1", []string{"POST"}, true, append(fauna, "X-Fauna-Login"), "Authorization"},
	} {
		t.Run(string(c.mode)+" "+c.path, func(t *testing.T) {
			s := newModeService(t, c.mode, nil)
			for origin, allowed := range map[string]bool{
				listed: true, "": false, "null": false, "https://app.example.com.evil.com": false, "https://APP.example.com": false,
				listed + "/": false, listed + ":443": false, "http://app.example.com": false, "https://evil.example": false, "*": false,
			} {
				headers := []string{"Access-Control-Request-Method: POST", "Access-Control-Request-Headers: x-fauna-login"}
				if origin != "" {
					headers = append(headers, "Origin: "+origin)
				}
				preflight := s.do(s.request("OPTIONS", c.path, "", headers...))
				if preflight.status != 204 {
					t.Errorf("preflight from %q: %d", origin, preflight.status)
				}
				checkCORS(t, preflight.header, origin, allowed, c.credentials)
				names := lowerList(preflight.header.Get("Access-Control-Allow-Headers"))
				if methods := preflight.header.Get("Access-Control-Allow-Methods"); allowed {
					for _, method := range c.methods {
						if !strings.Contains(methods, method) {
							t.Errorf("methods %s lack %s", methods, method)
						}
					}
					for _, name := range c.headers {
						if !slices.Contains(names, strings.ToLower(name)) {
							t.Errorf("headers %s lack %s", names, name)
						}
					}
					if slices.Contains(names, strings.ToLower(c.not)) {
						t.Errorf("headers %s have %s", names, c.not)
					}
				} else if methods != "" || len(names) > 0 {
					t.Errorf("from %q: %s %s", origin, methods, names)
				}
				// Errors have the headers too, or a page sees no more than "failed to fetch".
				actual := s.do(s.request("POST", c.path, "", append(headers, "X-Fauna-Login: 1", "Sec-Fetch-Site: cross-site")...))
				if actual.status < 400 {
					t.Errorf("%d %s", actual.status, actual.body)
				}
				checkCORS(t, actual.header, origin, allowed, c.credentials)
				if allowed && !strings.Contains(actual.header.Get("Access-Control-Expose-Headers"), "Retry-After") {
					t.Errorf("exposed: %s", actual.header.Get("Access-Control-Expose-Headers"))
				}
			}
		})
	}
}

func lowerList(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return r == ',' || r == ' ' })
}

func checkCORS(t *testing.T, header http.Header, origin string, allowed, credentials bool) {
	t.Helper()
	want, with := []string(nil), []string(nil)
	if allowed {
		want = []string{origin}
		if credentials {
			with = []string{"true"}
		}
	}
	if got := header.Values("Access-Control-Allow-Origin"); !slices.Equal(got, want) {
		t.Errorf("from %q: Access-Control-Allow-Origin %q", origin, got)
	}
	if got := header.Values("Access-Control-Allow-Credentials"); !slices.Equal(got, with) {
		t.Errorf("from %q: Access-Control-Allow-Credentials %q", origin, got)
	}
	if !strings.Contains(strings.Join(header.Values("Vary"), ","), "Origin") {
		t.Errorf("from %q: Vary %q", origin, header.Values("Vary"))
	}
}
