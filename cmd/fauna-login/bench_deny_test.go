package main

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
)

// BenchmarkDenyMarks is what deny marks cost an exchange by a new user: one that looks for its JWT,
// its user and its Auth0 session among a hundred thousand of them, against one that does not look.
// The two servers take turns, so that what else the machine does falls on both.
func BenchmarkDenyMarks(b *testing.B) {
	const marks, warm, turn = 100_000, 500, 100
	for _, clients := range []int{1, 8} {
		b.Run(fmt.Sprint(clients), func(b *testing.B) {
			b.StopTimer()
			load := newLoad(clients)
			defer load.close()
			dirs := []string{b.TempDir(), b.TempDir()}
			for _, dir := range dirs { // in both: what a database of some size costs is no matter here
				denied(b, dir, marks)
			}
			// Any text claim may hold the session's id; these tokens have a sub.
			withSessions := func(_ *testing.B, c *command) { c.env = append(c.env, "FAUNA_LOGIN_AUTH0_SESSION_ID_CLAIM=/sub") }
			var careless command
			servers := []*measured{
				serveIn(dirs[0])(b, withSessions, wirePort, func(_ *testing.B, c *command) { careless = *c }),
				serveIn(dirs[1])(b, withSessions),
			}
			looksForNoMarks(b, careless.fauna)
			tokens := lab.issuer(b).strangers(b, 0, warm+b.N)
			var cpu [2]time.Duration
			var took [2]time.Duration
			var latencies [2][]time.Duration
			for i, server := range servers {
				load.post(b, server.url, tokens[:warm])
				cpu[i] = -server.usage(b).cpu
			}
			b.ResetTimer()
			b.StartTimer()
			first := 0
			for some := range slices.Chunk(tokens[warm:], turn) {
				for range servers {
					begin := time.Now()
					latencies[first] = append(latencies[first], load.post(b, servers[first].url, some)...)
					took[first] += time.Since(begin)
					first = 1 - first
				}
				first = 1 - first // who comes first changes too
			}
			b.StopTimer()
			for i, server := range servers {
				cpu[i] += server.usage(b).cpu
				server.stop(b)
			}
			cost := func(with, without time.Duration) float64 { return 100 * (float64(with)/float64(max(without, 1)) - 1) }
			b.ReportMetric(0, "ns/op") // that of both
			b.ReportMetric(float64(quantile(latencies[0], 0.5).Microseconds()), "without-p50-µs")
			b.ReportMetric(float64(quantile(latencies[1], 0.5).Microseconds()), "with-p50-µs")
			b.ReportMetric(cost(took[1], took[0]), "time-%")
			b.ReportMetric(cost(cpu[1], cpu[0]), "cpu-%")
		})
	}
}

// looksForNoMarks pushes a schema in which an exchange does not look for marks.
func looksForNoMarks(b *testing.B, fauna string) {
	own, _ := fqlx.Schema("User")
	before, rest, found := strings.Cut(own.Content, "function auth0Denied(jwt) {")
	_, after, ends := strings.Cut(rest, "\n}\n")
	if !found || !ends {
		b.Fatal("the schema has no auth0Denied")
	}
	own.Content = before + "function auth0Denied(jwt) {\n  false\n}\n" + after
	admin := fqlx.NewAdmin(fqlx.Config{Endpoint: fauna, Secret: rootSecretOfBench})
	plan, err := admin.Plan(b.Context(), "User", own)
	if err == nil {
		err = admin.Push(b.Context(), plan)
	}
	if err != nil {
		b.Fatal(err)
	}
}

const denyQuery = `
let until = Time.now().add(30, "days")
marks.forEach(m => auth0_deny.create({ tenant: "default", kind: m.kind, value: m.value, before: Time.now(), ttl: until }))`

// denied fills a data directory with deny marks of all kinds.
func denied(b *testing.B, dir string, marks int) {
	const batch = 1000
	type mark struct {
		Kind  string `json:"kind"`
		Value string `json:"value"`
	}
	var c command
	server := serveIn(dir)(b, wirePort, func(_ *testing.B, started *command) { c = *started })
	for first := 0; first < marks; first += batch {
		var some []mark
		for n := first; n < first+batch; n++ {
			hash := sha256.Sum256(fmt.Append(nil, "denied", n))
			some = append(some, []mark{{"jwt", hex.EncodeToString(hash[:])}, {"user", subject("denied", n)}, {"session", subject("denied session", n)}}[n%3])
		}
		if err := queryAsRoot(b.Context(), http.DefaultClient, c.fauna, denyQuery, map[string]any{"marks": some}); err != nil {
			b.Fatal(err)
		}
	}
	server.stop(b)
}
