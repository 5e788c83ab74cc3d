package exchange_test

import (
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// BenchmarkProxy compares a query through mode cookie's proxy with the same one sent as in mode
// bearer, over HTTP both, taking turns: the ratio of the medians. Embedded, mode bearer's go to
// the same listener. As a cluster the engine has a listener of its own, so that the proxy costs a
// second hop, which only a query of some length can hide.
func BenchmarkProxy(b *testing.B) {
	const (
		user = "Query.identity()!.user"
		list = "Set.sequence(0, 200).map(n => { n: n, text: 'note ' + n.toString() }).toArray()"
		work = "Set.sequence(0, 5000).map(n => n * 2).fold(0, (a, b) => a + b)" // some 3 ms, as a cluster takes
	)
	for _, c := range []struct{ backend, name, fql string }{
		{"embedded", "user", user}, {"embedded", "list", list}, {"cluster", "user", user}, {"cluster", "work", work},
	} {
		b.Run(c.backend+"/"+c.name, func(b *testing.B) { benchmarkProxy(b, c.backend, c.fql) })
	}
}

func benchmarkProxy(b *testing.B, backend, fql string) {
	s := newModeService(b, exchange.ModeCookie, func(c *exchange.Config, _ *exchange.VerifierConfig) {
		c.Log = slog.New(slog.NewJSONHandler(io.Discard, nil)) // a line for each request, as serve writes
	})
	config := s.built.Config
	config.Mode = exchange.ModeBearer
	handler := must(exchange.New(config)).Handler()
	if backend == "cluster" {
		handler = s.engine.PublicHandler()
	}
	direct := httptest.NewServer(handler)
	b.Cleanup(direct.Close)
	if backend == "cluster" {
		config := s.built.Config
		config.Query, config.Upstream = nil, direct.URL
		s.serve(must(exchange.New(config)))
	}
	_, pair := s.loggedIn(s.good())
	body, _ := json.Marshal(map[string]string{"query": fql})
	turn := func(url, name, value string) time.Duration {
		req, _ := http.NewRequest(http.MethodPost, url+"/query/1", strings.NewReader(string(body)))
		req.Header = http.Header{"Content-Type": {"application/json"}, "X-Fauna-Login": {"1"}, "X-Format": {"tagged"}, name: {value}}
		start := time.Now()
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			b.Fatal(err)
		}
		answer, err := io.ReadAll(res.Body)
		res.Body.Close()
		if err != nil || res.StatusCode != http.StatusOK {
			b.Fatalf("%s %s %v", res.Status, answer, err)
		}
		return time.Since(start)
	}
	secret := secretIn(b, pair)
	var straight, proxied []time.Duration
	for b.Loop() {
		straight = append(straight, turn(direct.URL, "Authorization", "Bearer "+secret))
		proxied = append(proxied, turn(s.url, "Cookie", pair))
	}
	b.ReportMetric(0, "ns/op") // of two requests: says nothing
	b.ReportMetric(float64(median(straight).Nanoseconds())/1e3, "direct-µs")
	b.ReportMetric(float64(median(proxied).Nanoseconds())/1e3, "proxied-µs")
	b.ReportMetric(float64(median(proxied))/float64(median(straight)), "proxied/direct")
}

func median(all []time.Duration) time.Duration {
	slices.Sort(all)
	return all[len(all)/2]
}
