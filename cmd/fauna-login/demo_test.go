package main

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/exchange/web"
	"github.com/fauna-login/fauna-login/fqlx"
)

// Nobody waits for a stream when dev stops. The engine has none yet: this one is the test's.
func TestDemoEndsStreams(t *testing.T) {
	var written syncBuffer
	log := slog.New(slog.NewTextHandler(&written, nil))
	engine, err := openEmbedded(t.Context(), embeddedConfig{userCollection: "User", origins: anyOrigin, now: time.Now, log: log})
	if err != nil {
		t.Fatal(err)
	}
	defer closeEngine(engine, log)
	tenant := auth0test.New(t)
	verifier, err := devVerifier(tenant, time.Now, log)
	if err != nil {
		t.Fatal(err)
	}
	defer verifier.Close()
	run := &servers{log: log}
	defer run.close()
	public, err := run.listen("the exchange", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	site := http.NewServeMux()
	err = addDemo(public, site, exchange.Config{
		Verifier: verifier, Fauna: fqlx.New(engine.client(engine.service, log)), Endpoint: public.url(), PublicURL: public.url(),
		MinTTL: 10 * time.Second, MaxSecrets: 20, MaxTokenBytes: 16384, Log: log, Now: time.Now,
		Query: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			io.WriteString(w, "{}\n")
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}),
	}, web.DemoConfig{URL: public.url(), Auth0: tenant.URL})
	if err != nil {
		t.Fatal(err)
	}
	public.http.Handler = site
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	stopped := make(chan error, 1)
	go func() { stopped <- run.run(ctx) }()

	post := func(path, body string, headers map[string]string) *http.Response {
		req, err := http.NewRequest(http.MethodPost, public.url()+"/cookie"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil || res.StatusCode != http.StatusOK {
			t.Fatalf("%s: %v %v", path, res, err)
		}
		t.Cleanup(func() { res.Body.Close() })
		return res
	}
	login := post("/fauna-login", "", map[string]string{"Authorization": "Bearer " + tenant.Mint()})
	cookie, _, _ := strings.Cut(login.Header.Get("Set-Cookie"), ";")
	stream := post("/stream/1", "{}", map[string]string{"Cookie": cookie, "X-Fauna-Login": "1", "Content-Type": "application/json"})
	if _, err := io.ReadFull(stream.Body, make([]byte, 3)); err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if strings.Contains(written.String(), "cut off") {
		t.Errorf("stopping waited for the stream:\n%s", written.String())
	}
}
