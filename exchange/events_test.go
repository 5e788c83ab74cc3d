package exchange_test

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/fqlx"
)

var eventIDs atomic.Int64

// eventOf is an event of Auth0's stream about a user; members of extra replace its own.
func (s *service) eventOf(kind, sub string, at time.Time, object m, extra m) m {
	return with(m{
		"specversion": "1.0", "id": "evt_" + strconv.FormatInt(eventIDs.Add(1), 10), "source": "urn:auth0:tenant.auth0app.com",
		"type": kind, "time": at.UTC().Format("2006-01-02T15:04:05.000Z"), "a0tenant": "tenant", "a0stream": "est_1",
		"data": m{"object": with(m{"user_id": sub, "email": "ada@example.com", "updated_at": "2026-11-20T12:00:00.000Z"}, object), "context": m{}},
	}, extra)
}

func (s *service) updated(sub string, at time.Time, blocked bool) m {
	return s.eventOf("user.updated", sub, at, m{"blocked": blocked}, nil)
}

func (s *service) deleted(sub string, at time.Time) m {
	return s.eventOf("user.deleted", sub, at, m{"deleted_at": "2026-11-20T12:00:00.000Z"}, nil)
}

// event is POST /auth0/events.
func (s *service) event(token string, event any) answer {
	s.tb.Helper()
	return s.do(s.request("POST", "/auth0/events", text(event), "Content-Type: application/json", "Authorization: Bearer "+token))
}

func (s *service) mustEvent(event any) {
	s.tb.Helper()
	if a := s.event(mainEvents, event); a.status != 204 || a.body != "" {
		s.tb.Fatalf("an event is answered %d %s", a.status, a.body)
	}
}

// Case 238: Auth0 blocks or deletes a user; its JWTs are still valid.
func TestEventBlocks(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	a, again, another := s.mustLogin(token), s.mustLogin(s.withClaims(m{"iat": s.in(-4)})), s.mustLogin(s.withClaims(m{"sub": "auth0|another"}))
	s.clock.advance(time.Minute)
	s.mustEvent(s.updated(user, s.clock.now(), true))
	s.checkDead(a.Secret, again.Secret)
	s.checkAlive(another.Secret)
	for _, token := range []string{token, s.withClaims(m{"iat": s.in(0)}), s.withClaims(m{"iat": s.in(20)})} { // known, never seen, later
		checkRefusal(t, s.login(token), exchange.AccessDenied)
	}
	if got := s.query(s.root, `User.byAuth0("main", "`+user+`").first() { blocked, auth0_blocked, auth0_event_at }`); got !=
		`{"blocked":false,"auth0_blocked":true,"auth0_event_at":"2026-11-20T12:01:00Z"}` {
		t.Errorf("the user is %s", got)
	}
	if audit := s.audit.String(); strings.Count(audit, `"operation":"event","decision":"ended","tenant":"main","sub":"`+user+`"`) != 2 {
		t.Errorf("the audit says %s", audit)
	}
	// Unblocked: the old JWTs stay denied, a new one is good.
	s.clock.advance(time.Minute)
	s.mustEvent(s.updated(user, s.clock.now(), false))
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	s.clock.advance(time.Minute)
	s.mustLogin(s.withClaims(m{"iat": s.in(0)}))
	if text := s.log.String() + s.audit.String(); strings.Contains(text, "ada@example.com") || strings.Contains(text, mainEvents) {
		t.Error("a claim or a bearer was written down")
	}
}

func TestEventDeletes(t *testing.T) {
	s := newEndingService(t, nil)
	token := s.good()
	a := s.mustLogin(token)
	s.mustEvent(s.deleted(user, s.clock.now()))
	s.checkDead(a.Secret)
	checkRefusal(t, s.login(token), exchange.InvalidToken)
	checkRefusal(t, s.login(s.withClaims(m{"iat": s.in(0)})), exchange.InvalidToken)
	if got := s.query(s.root, `auth0_deny.all().map(d => [d.kind, d.value, d.deleted]).toArray()`); got != `[["user","`+user+`",true]]` {
		t.Errorf("marks %s", got)
	}
	t.Run("for as long as a JWT of a time to come may live", func(t *testing.T) {
		s := newEndingService(t, nil)
		s.mustEvent(s.deleted(user, s.clock.now().Add(5*time.Minute)))
		s.clock.advance(720*time.Hour + 5*time.Minute)
		if got := s.query(s.root, "auth0_deny.all().count()"); got != "1" {
			t.Errorf("%s marks", got)
		}
		s.clock.advance(31 * time.Second) // the leeway is on top
		if got := s.query(s.root, "auth0_deny.all().count()"); got != "0" {
			t.Errorf("%s marks afterwards", got)
		}
	})
	// The subject may come back: a social login keeps its id.
	s.clock.advance(time.Minute)
	s.mustLogin(s.withClaims(m{"iat": s.in(0)}))
	s.mustEvent(s.updated(user, s.clock.now(), false))
	if got := s.query(s.root, `auth0_deny.all().map(.deleted).toArray()`); got != "[false]" {
		t.Errorf("the mark says deleted: %s", got)
	}
}

// Users never seen here: what Auth0 says of them is believed before they come.
func TestEventOfUnknownUser(t *testing.T) {
	s := newEndingService(t, nil)
	s.mustEvent(s.updated("auth0|blocked", s.clock.now(), true))
	checkRefusal(t, s.login(s.withClaims(m{"sub": "auth0|blocked"})), exchange.AccessDenied)
	if got := s.query(s.root, `User.all().map(u => [u.auth0_tenant, u.auth0_sub, u.blocked, u.auth0_blocked]).toArray()`); got != `[["main","auth0|blocked",false,true]]` {
		t.Errorf("users %s", got)
	}
	s.mustEvent(s.deleted("auth0|deleted", s.clock.now()))
	checkRefusal(t, s.login(s.withClaims(m{"sub": "auth0|deleted"})), exchange.InvalidToken)
	if got := s.query(s.root, `User.all().count()`); got != "1" {
		t.Errorf("%s users, want only the one who is blocked", got)
	}
	// The order of events holds, also when the user came in between.
	s.mustEvent(s.updated("auth0|late", s.clock.now(), false))
	s.mustLogin(s.withClaims(m{"sub": "auth0|late"}))
	s.mustEvent(s.updated("auth0|late", s.clock.now().Add(-time.Minute), true))
	s.mustLogin(s.withClaims(m{"sub": "auth0|late"}))
}

// What Auth0 says never touches the administrator's flag, and the other way round.
func TestEventKeepsAdministratorsBlock(t *testing.T) {
	s := newEndingService(t, nil)
	s.mustLogin(s.good())
	flag := func(blocked bool) {
		s.query(s.root, fmt.Sprintf(`User.all().first()!.update({ blocked: %t })`, blocked))
	}
	fresh := func() answer {
		s.clock.advance(time.Minute)
		return s.login(s.withClaims(m{"iat": s.in(0)}))
	}
	flag(true)
	s.mustEvent(s.updated(user, s.clock.now(), false))
	checkRefusal(t, fresh(), exchange.AccessDenied)
	s.mustEvent(s.updated(user, s.clock.now(), true))
	flag(false)
	checkRefusal(t, fresh(), exchange.AccessDenied)
	s.mustEvent(s.updated(user, s.clock.now(), false))
	if a := fresh(); a.status != 200 {
		t.Errorf("lifted by both: %d %s", a.status, a.body)
	}
}

// Events come in any order and twice: the end is that of the last one by Auth0's clock.
func TestEventOrder(t *testing.T) {
	s := newEndingService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) { c.PerIP = 0 })
	kinds := []string{"blocked", "unblocked", "deleted"}
	n := 0
	for _, known := range []bool{true, false} {
		for _, happened := range permutations(kinds) {
			var want string
			for i, arrives := range append([][]string{happened}, permutations(happened)...) {
				at := map[string]time.Time{} // kind → when it happened
				for i, kind := range happened {
					at[kind] = s.clock.now().Add(time.Duration(i+1) * time.Second)
				}
				sub := "auth0|user" + strconv.Itoa(n)
				n++
				if known {
					s.mustLogin(s.withClaims(m{"sub": sub}))
				}
				for _, kind := range append(arrives, arrives[0]) { // one of them twice
					event := s.updated(sub, at[kind], kind == "blocked")
					if kind == "deleted" {
						event = s.deleted(sub, at[kind])
					}
					s.mustEvent(event)
				}
				got := s.query(s.root, fmt.Sprintf(`let u = User.byAuth0("main", "%s").first()
					let mark = auth0_deny.byValue("main", "user", "%s").first()
					[u?.auth0_blocked ?? false, mark?.deleted ?? false]`, sub, sub))
				s.clock.advance(time.Minute)
				got += fmt.Sprint(s.login(s.withClaims(m{"sub": sub, "iat": s.in(0)})).status)
				switch last := happened[2]; {
				case i == 0:
					want = got
					if strings.HasPrefix(got, "[true") != (last == "blocked") || strings.HasSuffix(got, "403") != (last == "blocked") || strings.Contains(got, ",true]") != (last == "deleted") {
						t.Fatalf("%v in order, known %t: %s", happened, known, got)
					}
				case got != want:
					t.Errorf("%v arrive as %v, known %t: %s, in order %s", happened, arrives, known, got, want)
				}
			}
		}
	}
}

func permutations(list []string) (all [][]string) {
	if len(list) <= 1 {
		return [][]string{list}
	}
	for i := range list {
		rest := append(slices.Clone(list[:i]), list[i+1:]...)
		for _, tail := range permutations(rest) {
			all = append(all, append([]string{list[i]}, tail...))
		}
	}
	return all
}

// Case 250.
func TestEventRequests(t *testing.T) {
	s := newEndingService(t, nil)
	s.mustLogin(s.good())
	now := s.clock.now()
	const path = "/auth0/events"
	bearer, asJSON := "Authorization: Bearer "+mainEvents, "Content-Type: application/json"
	block := text(s.updated(user, now, true))
	t.Run("250 bearer", func(t *testing.T) {
		s.tb = t
		for _, token := range []string{mainEvents + "x", mainEvents[1:], strings.ToUpper(mainEvents), "x", s.good(), s.root} {
			a := s.refuses(func() answer { return s.event(token, block) }, 401, "invalid_token")
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="fauna-login", error="invalid_token", error_description="The bearer token is none of the event webhook's."` {
				t.Errorf("challenge %s", got)
			}
		}
		for _, headers := range [][]string{{asJSON}, {asJSON, "Authorization: Basic YTpi"}, {asJSON, "X-Token: " + mainEvents}, {asJSON, "Authorization: " + mainEvents}} {
			a := s.refuses(func() answer { return s.do(s.request("POST", path, block, headers...)) }, 401, "")
			if got := a.header.Get("WWW-Authenticate"); got != `Bearer realm="fauna-login"` {
				t.Errorf("challenge %s", got)
			}
			if !strings.Contains(a.body, `"error_description":"One of the event webhook's bearer tokens is needed: Authorization: Bearer <token>."`) {
				t.Errorf("told %s", a.body)
			}
		}
		s.refuses(func() answer { return s.do(s.request("POST", path, block, asJSON, bearer, bearer)) }, 400, "invalid_request")
		s.refuses(func() answer {
			return s.do(s.request("POST", path+"?access_token="+mainEvents, block, asJSON))
		}, 401, "")
	})
	ignored := map[string]any{
		"250 unknown type":           s.eventOf("user.created", user, now, m{"blocked": true}, nil),
		"unknown type, nothing else": m{"specversion": "1.0", "id": "evt_1", "type": "organization.created"},
		"250 a test":                 s.eventOf("user.deleted", user, now, nil, m{"a0purpose": "test"}),
		"250 a test of a block":      s.eventOf("user.updated", user, now, m{"blocked": true}, m{"a0purpose": "test"}),
		"no blocked":                 s.eventOf("user.updated", user, now, nil, nil),
		"no blocked, and the past":   s.eventOf("user.updated", user, now, nil, m{"data": m{"object": m{"user_id": user}, "previous_object": m{"blocked": true}}}),
		"a client":                   s.deleted("spa@clients", now),
		"an anonymous session":       s.deleted("anon@1b9d6bcd", now),
		"no provider":                s.updated("ada", now, true),
		"256 bytes":                  s.updated("auth0|"+strings.Repeat("a", 250), now, true),
	}
	for name, event := range ignored {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			before := s.everything()
			s.mustEvent(event)
			if after := s.everything(); after != before {
				t.Errorf("something was written:\n%s\nbefore:\n%s", after, before)
			}
		})
	}
	// What users may write themselves does not spoil the event that ends their sessions.
	spoilers := map[string]string{
		"deep":                     `{"x":` + strings.Repeat("[", 250_000) + strings.Repeat("]", 250_000) + `}`,
		"large":                    `{"x":"` + strings.Repeat("x", 1000<<10) + `"}`,
		"a lone surrogate":         `{"x":"\ud800"}`,
		"in a name":                `{"\udfff":{}}`,
		"a name twice":             `{"x":1,"x":2}`,
		"names that we read":       `{"user_id":"auth0|x","blocked":false,"id":7,"type":null,"time":"","data":{"object":[]}}`,
		"a number of great length": `{"x":1` + strings.Repeat("0", 5000) + `}`,
	}
	for name, metadata := range spoilers {
		t.Run("user_metadata, "+name, func(t *testing.T) {
			s.tb = t
			sub := "auth0|spoiler of " + name
			secret := s.mustLogin(s.withClaims(m{"sub": sub})).Secret
			s.mustEvent(swap(`"theirs"`, metadata)(text(s.eventOf("user.deleted", sub, now, m{"user_metadata": "theirs"}, nil))))
			s.checkDead(secret)
		})
	}
	object := func(members m) m { return s.eventOf("user.updated", user, now, members, nil) }
	malformed := map[string]any{
		"empty":                   "",
		"no JSON":                 "blocked",
		"an array":                "[" + block + "]",
		"two events":              block + block,
		"cut":                     block[:len(block)-1],
		"two times":               strings.Replace(block, `"time"`, `"time":"2026-11-20T12:00:00Z","time"`, 1),
		"two user ids":            strings.Replace(block, `"user_id"`, `"user_id":"auth0|x","user_id"`, 1),
		"two user ids, escaped":   strings.Replace(block, `"user_id"`, `"user\u005fid":"auth0|x","user_id"`, 1),
		"two of blocked":          strings.Replace(block, `"blocked"`, `"blocked":false,"blocked"`, 1),
		"two objects":             strings.Replace(block, `"object"`, `"object":{},"object"`, 1),
		"two of data":             strings.Replace(block, `"data"`, `"data":{},"data"`, 1),
		"two ids":                 strings.Replace(block, `"id"`, `"id":"evt_0","id"`, 1),
		"a lone surrogate":        strings.Replace(block, `"auth0|`, `"auth0|\ud800`, 1),
		"one in the id":           strings.Replace(block, `"evt_`, `"\ud800evt_`, 1),
		"one in the type":         strings.Replace(block, `"user.updated"`, `"user.updated\udfff"`, 1),
		"not UTF-8":               strings.Replace(block, "ada@", "\xff@", 1),
		"no specversion":          s.eventOf("user.deleted", user, now, nil, m{"specversion": nil}),
		"specversion 0.3":         s.eventOf("user.deleted", user, now, nil, m{"specversion": "0.3"}),
		"specversion a number":    s.eventOf("user.deleted", user, now, nil, m{"specversion": raw("1.0")}),
		"no id":                   s.eventOf("user.deleted", user, now, nil, m{"id": nil}),
		"id empty":                s.eventOf("user.deleted", user, now, nil, m{"id": ""}),
		"no type":                 s.eventOf("user.deleted", user, now, nil, m{"type": nil}),
		"no time":                 s.eventOf("user.deleted", user, now, nil, m{"time": nil}),
		"time in seconds":         s.eventOf("user.deleted", user, now, nil, m{"time": now.Unix()}),
		"time without a zone":     s.eventOf("user.deleted", user, now, nil, m{"time": "2026-11-20T12:00:00"}),
		"time before 1970":        s.eventOf("user.deleted", user, now, nil, m{"time": "0001-01-01T00:00:00Z"}),
		"time in five minutes":    s.deleted(user, now.Add(5*time.Minute+time.Second)),
		"time in the year 9999":   s.eventOf("user.deleted", user, now, nil, m{"time": "9999-12-31T23:59:59Z"}),
		"no data":                 s.eventOf("user.deleted", user, now, nil, m{"data": nil}),
		"data null":               s.eventOf("user.deleted", user, now, nil, m{"data": raw("null")}),
		"no object":               s.eventOf("user.deleted", user, now, nil, m{"data": m{}}),
		"object an array":         s.eventOf("user.deleted", user, now, nil, m{"data": m{"object": []string{user}}}),
		"user_id beside object":   s.eventOf("user.deleted", user, now, nil, m{"data": m{"user_id": user, "object": m{}}}),
		"no user_id":              object(m{"user_id": nil, "blocked": true}),
		"user_id a number":        object(m{"user_id": 7, "blocked": true}),
		"user_id empty":           object(m{"user_id": "", "blocked": true}),
		"blocked a string":        object(m{"blocked": "true"}),
		"blocked a number":        object(m{"blocked": 1}),
		"blocked null":            object(m{"blocked": raw("null")}),
		"in base64 (data_base64)": s.eventOf("user.deleted", user, now, nil, m{"data": nil, "data_base64": "e30="}),
	}
	for name, event := range malformed {
		t.Run("malformed: "+name, func(t *testing.T) {
			s.tb = t
			s.refuses(func() answer { return s.event(mainEvents, event) }, 400, "invalid_request")
		})
	}
	t.Run("250 size and type", func(t *testing.T) {
		s.tb = t
		s.refuses(func() answer { return s.event(mainEvents, strings.Repeat(" ", 4<<20)) }, 413, "invalid_request")
		s.refuses(func() answer { return s.event(mainEvents, block+strings.Repeat(" ", 1<<20-len(block)+1)) }, 413, "invalid_request")
		unblock := text(s.updated("auth0|nobody", now, false))
		s.mustEvent(unblock + strings.Repeat(" ", 1<<20-len(unblock)))
		for _, media := range []string{"text/plain", "application/cloudevents-batch+json", "application/x-www-form-urlencoded"} {
			s.refuses(func() answer { return s.do(s.request("POST", path, block, bearer, "Content-Type: "+media)) }, 415, "invalid_request")
		}
		s.refuses(func() answer { return s.do(s.request("POST", path, block, bearer)) }, 415, "invalid_request")
		s.refuses(func() answer { return s.do(s.request("GET", path, "", bearer)) }, 405, "invalid_request")
	})
	s.tb = t
	for _, media := range []string{"application/cloudevents+json; charset=utf-8", "Application/JSON"} {
		if a := s.do(s.request("POST", path, text(s.updated("auth0|typed", now, true)), bearer, "Content-Type: "+media)); a.status != 204 {
			t.Errorf("%s: %d %s", media, a.status, a.body)
		}
	}
	// 250 replayed id, older time.
	s.mustEvent(block)
	before := s.everything()
	s.mustEvent(block)
	s.mustEvent(s.updated(user, now.Add(-time.Second), false))
	s.mustEvent(s.deleted(user, now.Add(-time.Millisecond)))
	if after := s.everything(); after != before {
		t.Errorf("250 a replayed or older event wrote:\n%s\nbefore:\n%s", after, before)
	}
	s.mustEvent(s.deleted("auth0|soon", now.Add(5*time.Minute))) // Auth0's clock may be ahead
}

// Both bearers of a rotation count, each for its own tenant: an event of one tenant is nothing
// to the users of another.
func TestEventOfAnotherTenant(t *testing.T) {
	s := newEndingService(t, nil)
	ours, theirs := s.mustLogin(s.of(s.main, nil)), s.mustLogin(s.of(s.other, nil))
	if a := s.event(otherEvents, s.deleted(user, s.clock.now())); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.checkAlive(ours.Secret)
	s.checkDead(theirs.Secret)
	if a := s.event(otherEvents, s.updated(user, s.clock.now(), true)); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.mustLogin(s.of(s.main, nil))
	checkRefusal(t, s.login(s.of(s.other, m{"iat": s.in(20)})), exchange.AccessDenied)
	if a := s.event(mainEventsToo, s.deleted(user, s.clock.now())); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	s.checkDead(ours.Secret)
}

func TestEventTokenOfTwoTenants(t *testing.T) {
	e := newCaseEnv(t, noon)
	e.tenants[0].EventTokens, e.tenants[1].EventTokens = []string{"a", "same"}, []string{"same"}
	_, err := exchange.New(exchange.Config{Verifier: newVerifier(t, e.config()), Fauna: fqlx.New(fqlx.Config{Endpoint: "http://127.0.0.1:1"})})
	if err == nil || strings.Contains(err.Error(), "same") {
		t.Errorf("error %v", err)
	}
}

// Auth0 sends an event again after a 503.
func TestEventWithoutFauna(t *testing.T) {
	s := newEndingService(t, nil)
	a := s.mustLogin(s.good())
	block := s.updated(user, s.clock.now(), true)
	faults := map[string]func(*http.Request) (*http.Response, error){
		"unreachable": func(*http.Request) (*http.Response, error) { return nil, errors.New("no route to host") },
		"contended":   respond(409, `{"error":{"code":"contended_transaction","message":"m"}}`),
		"key refused": respond(401, `{"error":{"code":"unauthorized","message":"m"}}`),
		"no schema":   respond(400, `{"error":{"code":"unbound_variable","message":"m"}}`),
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			s.tb = t
			s.fauna.set(fault)
			s.refuses(func() answer { return s.event(mainEvents, block) }, 503, "temporarily_unavailable")
		})
	}
	s.tb = t
	s.fauna.set(nil)
	s.checkAlive(a.Secret)
	s.mustEvent(block)
	s.checkDead(a.Secret)
}

// The app's upsertAuth0User may refuse to make a document for somebody unknown, and its user
// collection what we write. Their JWTs are denied all the same.
func TestEventThatTheAppRefuses(t *testing.T) {
	for name, body := range map[string]string{"aborts": `abort("not invited")`, "fails": `User.create({ auth0_tenant: tenant, auth0_sub: 7 })`} {
		t.Run(name, func(t *testing.T) {
			s := newEndingService(t, nil)
			if _, err := s.engine.Push(t.Context(), pushed(t, s, body)); err != nil {
				t.Fatal(err)
			}
			s.mustEvent(s.updated(user, s.clock.now(), true))
			if got := s.written(); got != "[0,0,0,1]" {
				t.Errorf("left behind: %s", got)
			}
			checkRefusal(t, s.login(s.good()), exchange.InvalidToken)
			s.mustEvent(s.deleted("auth0|another", s.clock.now()))
		})
	}
}
