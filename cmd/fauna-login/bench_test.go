package main

import (
	"flag"
	"fmt"
	"testing"
	"time"
)

// These benchmarks measure the whole program over real sockets. The server is the built binary in
// a process of its own, with a durable engine, so that its CPU time and its memory are told apart
// from the load generator's. The floor is what no durable exchange can avoid, on the same sockets
// under the same load. Ratios to it outlive a change of machine: that is why it takes turns with
// each exchange that is measured. They count from some 20,000 exchanges on (-benchtime 30000x):
// before, nothing has been flushed or compacted yet, on either side.

var (
	mostUsers  = flag.Int("users", 1_000_000, "users that BenchmarkUsers and BenchmarkStart load; 0 leaves these out, as -short does")
	profileDir = flag.String("profiles", "", "directory for the profiles that BenchmarkStages takes; empty keeps none")
)

// BenchmarkFloor is net/http, one RS256 check of a 2048-bit key, and one durable, group-committed
// Pebble batch of 8 random 250-byte entries.
func BenchmarkFloor(b *testing.B) {
	forClients(b, "floor", func(b *testing.B, e experiment) {
		e.start = floorIn(b.TempDir())
		e.tokens = lab.issuer(b).strangers(b, 0, b.N)
		e.run(b)
	})
}

// BenchmarkExchange is POST /fauna-login.
func BenchmarkExchange(b *testing.B) {
	b.Run("new", func(b *testing.B) { // each by a user never seen before
		forClients(b, "exchange/new", func(b *testing.B, e experiment) {
			e.start, e.floor = serveIn(b.TempDir()), floorIn(b.TempDir())
			e.tokens = lab.issuer(b).strangers(b, 0, b.N)
			e.run(b)
		})
	})
	const known = 1000
	b.Run("known", func(b *testing.B) { // a known user with a new JWT
		forClients(b, "exchange/known", func(b *testing.B, e experiment) {
			e.start, e.floor = serveIn(b.TempDir()), floorIn(b.TempDir())
			tokens := lab.issuer(b).known(b, known, 0, known+b.N)
			e.before, e.tokens = tokens[:known], tokens[known:]
			e.run(b)
		})
	})
	b.Run("again", func(b *testing.B) { // the same JWT as before
		forClients(b, "exchange/again", func(b *testing.B, e experiment) {
			e.start, e.floor = serveIn(b.TempDir()), floorIn(b.TempDir())
			e.before = lab.issuer(b).known(b, known, 0, known)
			for i := range b.N {
				e.tokens = append(e.tokens, e.before[i%known])
			}
			e.run(b)
		})
	})
}

// forClients runs f for each number of clients.
func forClients(b *testing.B, name string, f func(*testing.B, experiment)) {
	for _, clients := range []int{1, 8, 64} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			f(b, experiment{name: fmt.Sprintf("%s/%d", name, clients), clients: clients})
		})
	}
}

// BenchmarkStages says what the CPU time of an exchange by a new user goes to, with 64 clients.
func BenchmarkStages(b *testing.B) {
	const exchanges, clients, seconds = 15000, 64, 4 // the profiler looks 100 times a second
	tokens := lab.issuer(b).strangers(b, 0, exchanges)
	load := newLoad(clients)
	defer load.close()
	for b.Loop() {
		b.StopTimer()
		server := serveIn(b.TempDir())(b, adminListener)
		profile := server.profile(b, seconds)
		before := server.usage(b).cpu
		b.StartTimer()
		load.post(b, server.url, tokens)
		b.StopTimer()
		each := (server.usage(b).cpu - before) / exchanges
		shares := stages(b, profile())
		server.stop(b)
		for _, s := range shares {
			b.ReportMetric(s.share*each.Seconds()*1e6, s.name+"-µs")
		}
		lab.explain(each, shares)
		b.StartTimer()
	}
	b.ReportMetric(0, "ns/op") // that of 15000 says nothing
}

// BenchmarkUsers is how the latency of an exchange, one client at a time, grows with the database.
// The two databases take turns, so that what else the machine does falls on both.
func BenchmarkUsers(b *testing.B) {
	const few = 1000
	for _, kind := range []string{"new", "known"} {
		b.Run(kind, func(b *testing.B) {
			g := growth{kind: kind, few: few, many: *mostUsers}
			small, large := lab.town(b, g.few), lab.town(b, g.many)
			p50 := medians(b, kind, small, large)
			g.fewP50, g.manyP50 = p50[0], p50[1]
			lab.grew(b, g)
		})
	}
}

// BenchmarkStart is the time from the start of `serve` to its first answer.
func BenchmarkStart(b *testing.B) {
	start := func(name string, dir func(*testing.B) string) {
		b.Run(name, func(b *testing.B) {
			var total time.Duration
			for b.Loop() {
				b.StopTimer()
				c := serveCommand(b, dir(b))
				b.StartTimer()
				server := launch(b, c)
				b.StopTimer()
				total += server.started
				server.stop(b)
				b.StartTimer()
			}
			lab.took(b, name, total/time.Duration(b.N))
		})
	}
	start("first", func(b *testing.B) string { return b.TempDir() }) // nothing there yet
	start("empty", func(b *testing.B) string { return lab.used(b, 0, (*measured).stop) })
	start("users", func(b *testing.B) string { return lab.town(b, *mostUsers).dir })
	// The log of these exchanges has not all become tables.
	start("stopped", func(b *testing.B) string { return lab.used(b, 10000, (*measured).stop) })
	start("killed", func(b *testing.B) string { return lab.used(b, 10000, (*measured).kill) })
}
