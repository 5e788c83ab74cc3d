package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// experiment is one server under one load.
type experiment struct {
	name    string // of its results
	clients int    // that post at the same time
	start   starter
	before  []string // tokens posted before the clock runs
	tokens  []string // tokens posted under the clock
}

// sample is what an experiment gave.
type sample struct {
	perSecond float64
	cpu       time.Duration // of the server, for each answer
	p50, p99  time.Duration
	disk      float64 // bytes for each answer
	rss       float64 // bytes at the end
}

// run measures e, with the disk settled before and after: a start writes the log's content out
// to tables.
func (e experiment) run(b *testing.B) {
	b.StopTimer()
	server := e.start(b)
	post(b, server.url, e.clients, e.before)
	server.stop(b)
	server = e.start(b)
	empty := dirSize(b, server.dir)

	before := server.usage(b)
	b.ResetTimer()
	b.StartTimer()
	latencies := post(b, server.url, e.clients, e.tokens)
	b.StopTimer()
	after := server.usage(b)

	server.stop(b)
	e.start(b).stop(b)
	n := len(latencies)
	lab.add(b, e, sample{
		perSecond: float64(n) / b.Elapsed().Seconds(),
		cpu:       (after.cpu - before.cpu) / time.Duration(n),
		p50:       quantile(latencies, 0.5),
		p99:       quantile(latencies, 0.99),
		disk:      float64(dirSize(b, server.dir)-empty) / float64(n),
		rss:       float64(after.rss),
	})
}

// post sends each token once, from that many clients over connections that are kept, and returns
// how long each answer took. Every answer has to be a secret.
func post(b *testing.B, url string, clients int, tokens []string) []time.Duration {
	b.Helper()
	transport := &http.Transport{MaxIdleConns: clients, MaxIdleConnsPerHost: clients, DisableCompression: true}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport, Timeout: 30 * time.Second}
	latencies := make([]time.Duration, len(tokens))
	var next atomic.Int64
	group, ctx := errgroup.WithContext(context.Background())
	for range clients {
		group.Go(func() error {
			var answer bytes.Buffer
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tokens) {
					return nil
				}
				begin := time.Now()
				if err := exchangeOnce(ctx, client, url, tokens[i], &answer); err != nil {
					return err
				}
				latencies[i] = time.Since(begin)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	return latencies
}

func exchangeOnce(ctx context.Context, client *http.Client, url, token string, answer *bytes.Buffer) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/fauna-login", nil)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer.Reset()
	if _, err := io.Copy(answer, res.Body); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK || !bytes.HasPrefix(answer.Bytes(), []byte(`{"secret":"`)) {
		return fmt.Errorf("POST /fauna-login: %s %s", res.Status, answer)
	}
	return nil
}

// quantile is the latency that a share q of the answers stayed within.
func quantile(latencies []time.Duration, q float64) time.Duration {
	sorted := slices.Sorted(slices.Values(latencies))
	return sorted[min(int(q*float64(len(sorted))), len(sorted)-1)]
}
