// Package enginetest starts a Fauna-compatible engine in memory for a test: the real one,
// behind a real HTTP listener, with a clock that stands still until the test moves it.
//
//	s := enginetest.New(t)
//	s.Push(`collection Todo { title: String }`)
//	s.Query(`Todo.create({ title: "sleep" })`)
//	client := fauna.NewClient(s.Secret, fauna.DefaultTimeouts(), fauna.URL(s.URL))
//	s.Advance(time.Hour)
//
// An error that the engine logs fails the test.
package enginetest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/engine"
)

// Secret is the root secret of every Server.
const Secret = "secret"

// Server is a running engine. It ends with its test.
type Server struct {
	URL       string // of the whole wire port, without a slash at the end
	PublicURL string // of the port for single-page apps, which any origin may call
	Secret    string // the root secret
	Engine    *engine.Engine

	tb    testing.TB
	clock *clock
}

// New starts an engine for tb. Its clock starts at the present second. change may adapt the
// options before the engine is opened.
func New(tb testing.TB, change ...func(*engine.Options)) *Server {
	tb.Helper()
	c := &clock{now: time.Now().UTC().Truncate(time.Second)}
	o := engine.Options{
		Memory:      true,
		RootSecret:  Secret,
		Now:         c.Now,
		Log:         slog.New(failing{tb}),
		AllowOrigin: func(string) bool { return true },
	}
	for _, f := range change {
		f(&o)
	}
	e, err := engine.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := e.Close(); err != nil {
			tb.Errorf("closing the engine: %v", err)
		}
	})
	return &Server{
		URL:       listen(tb, e.Handler()),
		PublicURL: listen(tb, e.PublicHandler()),
		Secret:    o.RootSecret,
		Engine:    e,
		tb:        tb,
		clock:     c,
	}
}

func listen(tb testing.TB, h http.Handler) string {
	s := httptest.NewServer(h)
	tb.Cleanup(s.Close)
	return s.URL
}

// Now returns the time of the engine's clock.
func (s *Server) Now() time.Time { return s.clock.Now() }

// Advance moves the clock forward.
func (s *Server) Advance(d time.Duration) { s.clock.advance(d) }

// Push makes FSL texts part of the schema, in place of those that were pushed before.
func (s *Server) Push(fsl ...string) {
	s.tb.Helper()
	files := make([]engine.File, len(fsl))
	for i, text := range fsl {
		files[i] = engine.File{Name: fmt.Sprintf("test%d.fsl", i), Content: text}
	}
	if _, err := s.Engine.Push(context.Background(), files...); err != nil {
		s.tb.Fatalf("pushing the schema: %v", err)
	}
}

// Answer is the response to a query, in the simple format.
type Answer struct {
	Status int
	Data   any // of a success
	Error  struct{ Code, Message string }
	// Summary is Fauna's text for people: the place of an error, or what was logged.
	Summary string
}

// As runs a query with a secret and returns whatever comes of it. Numbers are [json.Number].
func (s *Server) As(secret, fql string) Answer {
	s.tb.Helper()
	return s.post(s.URL, secret, fql)
}

// Public is As by way of the public port.
func (s *Server) Public(secret, fql string) Answer {
	s.tb.Helper()
	return s.post(s.PublicURL, secret, fql)
}

// Query runs a query with the root secret and returns its data. A query that fails ends the test.
func (s *Server) Query(fql string) any {
	s.tb.Helper()
	a := s.As(s.Secret, fql)
	if a.Status != http.StatusOK {
		s.tb.Fatalf("query failed with %d %s: %s\n%s\n%s", a.Status, a.Error.Code, a.Error.Message, fql, a.Summary)
	}
	return a.Data
}

func (s *Server) post(url, secret, fql string) Answer {
	s.tb.Helper()
	body, err := json.Marshal(map[string]string{"query": fql})
	if err != nil {
		s.tb.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, url+"/query/1", bytes.NewReader(body))
	if err != nil {
		s.tb.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	req.Header.Set("X-Format", "simple")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		s.tb.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		s.tb.Fatal(err)
	}
	a := Answer{Status: res.StatusCode}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	if err := d.Decode(&a); err != nil {
		s.tb.Fatalf("the answer is not JSON: %v\n%s", err, text)
	}
	return a
}

// Dump returns every document there is, one to a line, by collection and id: what a failing
// test wants to print, and what tells that nothing was written.
func (s *Server) Dump() string {
	s.tb.Helper()
	var b strings.Builder
	names := s.Query(`Collection.all().toArray().map(c => c.name)`).([]any)
	for _, name := range append(names, "Key", "Token") {
		for _, doc := range s.Query(fmt.Sprintf("%s.all().toArray()", name)).([]any) {
			line, err := json.Marshal(doc)
			if err != nil {
				s.tb.Fatal(err)
			}
			fmt.Fprintf(&b, "%s %s\n", name, line)
		}
	}
	return b.String()
}

// clock is a clock that stands still.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// failing is a log in which an error fails the test. The rest is not kept.
type failing struct{ tb testing.TB }

func (h failing) Enabled(_ context.Context, l slog.Level) bool { return l >= slog.LevelError }
func (h failing) WithAttrs([]slog.Attr) slog.Handler           { return h }
func (h failing) WithGroup(string) slog.Handler                { return h }

func (h failing) Handle(_ context.Context, r slog.Record) error {
	var b strings.Builder
	r.Attrs(func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%v", a.Key, a.Value)
		return true
	})
	h.tb.Errorf("the engine logged: %s%s", r.Message, b.String())
	return nil
}
