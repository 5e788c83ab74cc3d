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
	floor   starter  // taken turns with, if set
}

// sample is what an experiment gave.
type sample struct {
	perSecond float64
	cpu       time.Duration // of the server, for each answer
	p50, p99  time.Duration
	disk      float64 // bytes for each answer
	rss       float64 // bytes at the end
	floor     *ratio  // if the floor took turns
}

// ratio is an exchange in units of the floor.
type ratio struct{ perSecond, cpu float64 }

// run measures e, with the disk settled before and after: a start writes the log's content out
// to tables.
func (e experiment) run(b *testing.B) {
	b.StopTimer()
	load := newLoad(e.clients)
	defer load.close()
	server := e.start(b)
	load.post(b, server.url, e.before)
	server.stop(b)
	server = e.start(b)
	empty := dirSize(b, server.dir)
	var floor *measured
	if e.floor != nil {
		floor = e.floor(b)
	}
	s := e.takeTurns(b, load, server, floor)
	if floor != nil {
		floor.stop(b)
	}
	server.stop(b)
	e.start(b).stop(b)
	s.disk = float64(dirSize(b, server.dir)-empty) / float64(len(e.tokens))
	lab.add(b, e.name, s)
}

// takeTurns posts the tokens. The floor gets the same ones in between, so that what else the
// machine does falls on both; only the server's time is the benchmark's.
func (e experiment) takeTurns(b *testing.B, load *load, server, floor *measured) (s sample) {
	const turns = 10
	var latencies []time.Duration
	var floorTime, floorCPU time.Duration
	before := server.usage(b)
	if floor != nil {
		floorCPU = -floor.usage(b).cpu
	}
	b.ResetTimer()
	for tokens := range slices.Chunk(e.tokens, (len(e.tokens)+turns-1)/turns) {
		if floor != nil {
			begin := time.Now()
			load.post(b, floor.url, tokens)
			floorTime += time.Since(begin)
		}
		b.StartTimer()
		latencies = append(latencies, load.post(b, server.url, tokens)...)
		b.StopTimer()
	}
	after := server.usage(b)
	n := time.Duration(len(latencies))
	s = sample{
		perSecond: float64(n) / b.Elapsed().Seconds(),
		cpu:       (after.cpu - before.cpu) / n,
		p50:       quantile(latencies, 0.5),
		p99:       quantile(latencies, 0.99),
		rss:       float64(after.rss),
	}
	if floor != nil {
		floorCPU += floor.usage(b).cpu
		s.floor = &ratio{
			perSecond: floorTime.Seconds() / b.Elapsed().Seconds(),
			cpu:       float64(after.cpu-before.cpu) / float64(max(floorCPU, time.Millisecond)),
		}
	}
	return s
}

// load is a number of clients that keep their connections.
type load struct {
	clients   int
	client    *http.Client
	transport *http.Transport
}

func newLoad(clients int) *load {
	t := &http.Transport{MaxIdleConns: 2 * clients, MaxIdleConnsPerHost: clients, DisableCompression: true}
	return &load{clients: clients, client: &http.Client{Transport: t, Timeout: 30 * time.Second}, transport: t}
}

func (l *load) close() { l.transport.CloseIdleConnections() }

// post sends each token once, from all clients, and returns how long each answer took. Every
// answer has to be a secret.
func (l *load) post(b *testing.B, url string, tokens []string) []time.Duration {
	b.Helper()
	latencies := make([]time.Duration, len(tokens))
	var next atomic.Int64
	group, ctx := errgroup.WithContext(context.Background())
	for range l.clients {
		group.Go(func() error {
			var answer bytes.Buffer
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= len(tokens) {
					return nil
				}
				begin := time.Now()
				if err := exchangeOnce(ctx, l.client, url, tokens[i], &answer); err != nil {
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
