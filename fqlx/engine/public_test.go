package engine_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/engine"
	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

const roles = `
role token_exchange { privileges hello { call } }
role member { membership User; privileges hello { call } }
role custom { privileges hello { call } }
function hello() { "hello" }
`

// TestPublicSecrets: what belongs on a server is unknown on the public port, judged by the
// key itself.
func TestPublicSecrets(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos, roles)
	key := func(role string) string { return s.Query(`Key.create({ role: "` + role + `" }).secret`).(string) }
	doc := s.Query(`User.create({}).id`).(string)
	admin, server, readonly, client := key("admin"), key("server"), key("server-readonly"), key("client")
	exchange, custom := key("token_exchange"), key("custom")
	token := s.Query(`Token.create({ document: User.byId("` + doc + `") }).secret`).(string)
	tests := []struct {
		name, secret string
		wire, public int // status of calling hello()
	}{
		{"root", s.Secret, 200, 401},
		{"root as client", s.Secret + ":client", 400, 401},
		{"root as a role", s.Secret + ":@role/custom", 200, 401},
		{"root as a document", s.Secret + ":@doc/User/" + doc, 200, 401},
		{"admin", admin, 200, 401},
		{"admin as client", admin + ":client", 400, 401},
		{"admin as a role", admin + ":@role/custom", 200, 401},
		{"admin as a document", admin + ":@doc/User/" + doc, 200, 401},
		{"server", server, 200, 401},
		{"server as a document", server + ":@doc/User/" + doc, 200, 401},
		{"server-readonly", readonly, 400, 401},
		{"token_exchange", exchange, 200, 401},
		{"token_exchange with a suffix", exchange + ":client", 401, 401},
		{"client", client, 400, 400}, // permission_denied: it may be here
		{"custom role", custom, 200, 200},
		{"token", token, 200, 200},
		{"token with a suffix", token + ":admin", 200, 200}, // Fauna ignores it
		{"none", "", 401, 401},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request{secret: tt.secret, body: fql("hello()")}
			if got := do(t, s.URL, r); got.status != tt.wire {
				t.Errorf("wire port: %d %s, want %d", got.status, got.body, tt.wire)
			}
			got := do(t, s.PublicURL, r)
			if got.status != tt.public {
				t.Errorf("public port: %d %s, want %d", got.status, got.body, tt.public)
			}
			if got.status == 401 && got.body != `{"error":{"code":"unauthorized","message":"Access token required"}}` {
				t.Errorf("public port: %s", got.body)
			}
		})
	}
}

func TestPublicRoutes(t *testing.T) {
	s := enginetest.New(t)
	for _, path := range []string{"/", "/schema/1/files", "/schema/1/update", "/ping", "/authorized", "/stream/1", "/feed/1", "/query/1/", "/query/2"} {
		for _, method := range []string{"GET", "POST", "OPTIONS"} {
			if got := do(t, s.PublicURL, request{method: method, path: path, secret: s.Secret}); got.status != 404 {
				t.Errorf("%s %s: %d", method, path, got.status)
			}
		}
	}
	if got := do(t, s.PublicURL, request{method: "GET"}); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("GET /query/1: %d %v", got.status, got.header)
	}
}

func TestPublicCORS(t *testing.T) {
	const good, bad = "https://app.example", "https://app.example.evil"
	s := enginetest.New(t, func(o *engine.Options) {
		o.AllowOrigin = func(origin string) bool { return origin == good }
	})
	tests := []struct {
		method, origin string
		status         int
		allow          string
	}{
		{"OPTIONS", good, 204, good},
		{"OPTIONS", bad, 204, ""},
		{"OPTIONS", "null", 204, ""},
		{"OPTIONS", "", 204, ""},
		{"POST", good, 401, good},
		{"POST", bad, 401, ""},
		{"POST", "", 401, ""},
	}
	for _, tt := range tests {
		r := request{method: tt.method, body: fql("1")}
		if tt.origin != "" {
			r.header = map[string]string{"Origin": tt.origin}
		}
		got := do(t, s.PublicURL, r)
		h := got.header
		if got.status != tt.status || h.Get("Access-Control-Allow-Origin") != tt.allow || h.Get("Vary") != "Origin" {
			t.Errorf("%s from %q: %d %v", tt.method, tt.origin, got.status, h)
		}
		if h.Get("Access-Control-Allow-Credentials") != "" {
			t.Error("credentials are allowed")
		}
		exposed := strings.Contains(h.Get("Access-Control-Expose-Headers"), "www-authenticate")
		if exposed != (tt.allow != "") {
			t.Errorf("%s from %q: exposed = %v", tt.method, tt.origin, exposed)
		}
		preflight := h.Get("Access-Control-Allow-Methods") == "POST" && h.Get("Access-Control-Max-Age") != ""
		for _, name := range []string{"authorization", "content-type", "traceparent", "x-driver", "x-driver-env", "x-format",
			"x-last-txn-ts", "x-linearized", "x-max-contention-retries", "x-query-tags", "x-query-timeout-ms", "x-typecheck"} {
			preflight = preflight && strings.Contains(h.Get("Access-Control-Allow-Headers")+",", name+",")
		}
		if want := tt.method == "OPTIONS" && tt.allow != ""; preflight != want {
			t.Errorf("%s from %q: preflight = %v: %v", tt.method, tt.origin, preflight, h)
		}
	}
}

// TestPublicTimeout: a longer timeout is cut, not refused.
func TestPublicTimeout(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos, roles)
	secret := s.Query(`Token.create({ document: User.create({}) }).secret`).(string)
	for ms, want := range map[string]int{"60000": 200, "0": 400} {
		got := do(t, s.PublicURL, request{secret: secret, body: fql("1"), header: map[string]string{"X-Query-Timeout-Ms": ms}})
		if got.status != want {
			t.Errorf("%s ms: %d %s", ms, got.status, got.body)
		}
	}
}

// TestClosedEngine: a request that comes too late gets an answer.
func TestClosedEngine(t *testing.T) {
	e, err := engine.Open(engine.Options{Memory: true, RootSecret: "x", Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	client := http.Client{Transport: e.Transport()}
	req, _ := http.NewRequest("POST", "http://engine/query/1", strings.NewReader(fql("1")))
	req.Header.Set("Authorization", "Bearer x")
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("status %d", res.StatusCode)
	}
}
