package fqlx

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// fakeFauna answers every request with the next of its answers, the last one for ever. The
// faults of a Fauna are what is tested here; a real one is in the other tests.
type fakeFauna struct {
	mu       sync.Mutex
	answers  []answer
	requests atomic.Int32
	bodies   []string
}

type answer struct {
	status int
	body   string
}

func (f *fakeFauna) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.requests.Add(1)
	body, _ := io.ReadAll(r.Body)
	f.mu.Lock()
	f.bodies = append(f.bodies, string(body))
	next := f.answers[0]
	if len(f.answers) > 1 {
		f.answers = f.answers[1:]
	}
	f.mu.Unlock()
	w.WriteHeader(next.status)
	_, _ = io.WriteString(w, next.body)
}

func newFake(t *testing.T, answers ...answer) (*fakeFauna, *Client) {
	t.Helper()
	fake := &fakeFauna{answers: answers}
	server := httptest.NewServer(fake)
	t.Cleanup(server.Close)
	client := New(Config{Endpoint: server.URL, Secret: "fnTest", Timeout: 2 * time.Second})
	client.pause = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	return fake, client
}

const stats = `"stats":{"compute_ops":1},"txn_ts":1,"schema_version":1,"summary":""`

var (
	good       = answer{200, `{"data":{"secret":"fnE1","user":"1","session":"2","issued_at":"100","expires_at":"160"},` + stats + `}`}
	contended  = answer{409, `{"error":{"code":"contended_transaction","message":"Transaction was aborted"},` + stats + `}`}
	busy       = answer{503, `{"error":{"code":"time_out","message":"Read timed out"}}`}
	uniqueRace = answer{400, `{"error":{"code":"constraint_failure","message":"Failed unique constraint.","constraint_failures":[{"paths":[["a"]],"message":"Failed unique constraint"}]},` + stats + `}`}
)

func aborted(code string) answer {
	return answer{400, `{"error":{"code":"abort","message":"Query aborted.","abort":"` + code + `"},` + stats + `}`}
}

var request = ExchangeRequest{
	Tenant: "main", Issuer: "https://t/", Subject: `auth0|a"b\c`, Hash: "00",
	Scope: []string{"openid", "x"}, IssuedAt: time.Unix(1, 0), ExpiresAt: time.Unix(9_999_999_999, 0),
	UserClaims: `{"email":"a@b"}`, MaxTTL: time.Hour, MinTTL: 10 * time.Second, MaxSecrets: 20,
}

func TestExchangeAnswers(t *testing.T) {
	tests := []struct {
		name     string
		answers  []answer
		want     error
		requests int32
	}{
		{"success", []answer{good}, nil, 1},
		{"contention clears", []answer{contended, contended, good}, nil, 3},
		{"contention does not clear", []answer{contended}, ErrContended, maxAttempts},
		{"503 clears", []answer{busy, good}, nil, 2},
		{"503 stays", []answer{busy}, ErrUnavailable, maxAttempts},
		{"two first logins raced", []answer{uniqueRace, good}, nil, 2},
		{"other constraint failure", []answer{{400, `{"error":{"code":"constraint_failure","message":"m","constraint_failures":[{"message":"Missing required field"}]},` + stats + `}`}}, ErrFunction, 1},
		{"denied", []answer{aborted("denied")}, ErrRefused, 1},
		{"429 is not repeated", []answer{{429, `{"error":{"code":"limit_exceeded","message":"Rate limit exceeded"}}`}}, ErrUnavailable, 1},
		{"500", []answer{{500, `{"error":{"code":"internal_error","message":"m"}}`}}, ErrUnavailable, 1},
		{"401", []answer{{401, `{"error":{"code":"unauthorized","message":"Access token required"}}`}}, ErrUnauthorized, 1},
		{"403", []answer{{403, `{"error":{"code":"forbidden","message":"Access denied"}}`}}, ErrUnauthorized, 1},
		{"410", []answer{{410, `{"error":{"code":"forbidden","message":"disabled"}}`}}, ErrUnauthorized, 1},
		{"440", []answer{{440, `{"error":{"code":"time_out","message":"m"}}`}}, ErrUnavailable, 1},
		{"unknown function", []answer{{400, `{"error":{"code":"invalid_query","message":"m"},"summary":"s"}`}}, ErrInvalid, 1},
		{"permission denied", []answer{{400, `{"error":{"code":"permission_denied","message":"m"},"summary":"s"}`}}, ErrInvalid, 1},
		{"400 without an error object", []answer{{400, `{}`}}, ErrUnavailable, 1},
		{"502 of a proxy", []answer{{502, `<html>Bad Gateway</html>`}}, ErrUnavailable, 1},
		{"503 of a proxy", []answer{{503, `<html>Unavailable</html>`}}, ErrUnavailable, 1},
		{"404", []answer{{404, `{"error":{"code":"not_found","message":"m"}}`}}, ErrUnavailable, 1},
		{"200 HTML", []answer{{200, `<html>welcome</html>`}}, ErrUnavailable, 1},
		{"200 without stats", []answer{{200, `{"data":1}`}}, ErrUnavailable, 1},
		{"200 without data", []answer{{200, `{` + stats + `}`}}, ErrUnavailable, 1},
		{"200 truncated", []answer{{200, good.body[:40]}}, ErrUnavailable, 1},
		{"200 empty", []answer{{200, ``}}, ErrUnavailable, 1},
		{"200 null", []answer{{200, `null`}}, ErrUnavailable, 1},
		{"200 malformed tags", []answer{{200, `{"data":1,"query_tags":"x",` + stats + `}`}}, ErrUnavailable, 1},
		{"302", []answer{{302, ``}}, ErrUnavailable, 1},
		{"200 of another shape", []answer{{200, `{"data":"hello",` + stats + `}`}}, ErrInvalid, 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			fake, client := newFake(t, tt.answers...)
			session, err := client.Exchange(context.Background(), request)
			if !errors.Is(err, tt.want) {
				t.Fatalf("got error %v, want %v", err, tt.want)
			}
			if tt.want == nil {
				want := Session{Secret: "fnE1", UserID: "1", SessionID: "2", IssuedAt: time.Unix(100, 0).UTC(), ExpiresAt: time.Unix(160, 0).UTC()}
				if session != want {
					t.Errorf("got %+v, want %+v", session, want)
				}
			} else if session != (Session{}) {
				t.Errorf("an error came with a session: %+v", session)
			}
			if got := fake.requests.Load(); got != tt.requests {
				t.Errorf("%d requests, want %d", got, tt.requests)
			}
		})
	}
}

func TestRefusedCarriesTheCode(t *testing.T) {
	_, client := newFake(t, aborted("blocked"))
	_, err := client.Exchange(context.Background(), request)
	var refused *Refused
	if !errors.As(err, &refused) || refused.Code != "blocked" {
		t.Fatalf("got %v", err)
	}
}

func TestUnreachable(t *testing.T) {
	client := New(Config{Endpoint: "http://127.0.0.1:1", Secret: "fnTest", Timeout: time.Second})
	if _, err := client.Exchange(context.Background(), request); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestSlowFaunaEndsWithTheDeadline(t *testing.T) {
	release := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-release }))
	defer server.Close()
	defer close(release)
	client := New(Config{Endpoint: server.URL, Secret: "fnTest", Timeout: 50 * time.Millisecond})
	if _, err := client.Exchange(context.Background(), request); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
}

func TestRetriesStopWithTheContext(t *testing.T) {
	fake, client := newFake(t, contended)
	ctx, cancel := context.WithCancel(context.Background())
	client.pause = func(context.Context, time.Duration) error { cancel(); return ctx.Err() }
	if _, err := client.Exchange(ctx, request); !errors.Is(err, ErrContended) {
		t.Fatalf("got %v", err)
	}
	if got := fake.requests.Load(); got != 1 {
		t.Errorf("%d requests after the context ended, want 1", got)
	}
}

// The secret must not follow a redirect to another host.
func TestRedirectIsNotFollowed(t *testing.T) {
	var seen atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { seen.Store(true) }))
	defer other.Close()
	server := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	defer server.Close()
	client := New(Config{Endpoint: server.URL, Secret: "fnTest"})
	if _, err := client.Exchange(context.Background(), request); !errors.Is(err, ErrUnavailable) {
		t.Fatalf("got %v", err)
	}
	if seen.Load() {
		t.Error("the redirect was followed")
	}
}

// The driver's first concurrent use is a data race; the race detector watches this.
func TestFirstUseIsConcurrent(t *testing.T) {
	_, client := newFake(t, good)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if _, err := client.Exchange(context.Background(), request); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestArgumentIsData(t *testing.T) {
	fake, client := newFake(t, good)
	r := request
	r.UserClaims = `{"a":{"@object":{"@int":"not a number"}}}`
	if _, err := client.Exchange(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	got := fake.bodies[0]
	for _, want := range []string{
		`{"fql":["exchangeAuth0Jwt(",{"value":{`,
		`"sub":"auth0|a\"b\\c"`,
		`"user":{"a":{"@object":{"@int":"not a number"}}}`,
		`"claims":{}`, `"client_id":null`, `"scope":["openid","x"]`, `"permissions":[]`,
		`"issued_at":{"@time":"1970-01-01T00:00:01Z"}`, `"max_ttl":{"@int":"3600"}`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the request lacks %s:\n%s", want, got)
		}
	}
}

func TestSchemaIsWrittenForTheUserCollection(t *testing.T) {
	own, app := Schema("Member")
	if own.Name != OwnFile || app.Name != AppFile {
		t.Fatalf("names %q, %q", own.Name, app.Name)
	}
	if userName.MatchString(own.Content) || userName.MatchString(app.Content) {
		t.Error("the name User is left")
	}
	if !strings.Contains(own.Content, "user: Ref<Member>") || !strings.Contains(app.Content, "collection Member {") {
		t.Error("the name Member is missing")
	}
	cut := withoutCollection(app)
	if strings.Contains(cut.Content, "collection Member") || !strings.Contains(cut.Content, "function upsertAuth0User") {
		t.Errorf("withoutCollection left:\n%s", cut.Content)
	}
}
