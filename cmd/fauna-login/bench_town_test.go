package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// town is a data directory with many users, each with a session and a secret.
type town struct {
	users  int
	dir    string
	posted map[string]int // kind → tokens used up, for the directory remembers them
}

// settle makes a town, over the engine's wire port: verifying a million JWTs would take the
// better part of an hour.
func settle(b *testing.B, dir string, users int) *town {
	const batch, connections = 500, 4
	b.Logf("loading %d users", users)
	var c command
	server := serveIn(dir)(b, wirePort, func(_ *testing.B, started *command) { c = *started })
	begin := time.Now()
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: connections}, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	var next atomic.Int64
	group, ctx := errgroup.WithContext(context.Background())
	for range connections {
		group.Go(func() error {
			for {
				first := int(next.Add(batch)) - batch
				if first >= users {
					return nil
				}
				if err := moveIn(ctx, client, c.fauna, first, min(first+batch, users)); err != nil {
					return err
				}
			}
		})
	}
	if err := group.Wait(); err != nil {
		b.Fatal(err)
	}
	server.stop(b)
	b.Logf("loaded %d users in %s, %d bytes each", users, time.Since(begin).Round(time.Second), dirSize(b, dir)/int64(users))
	return &town{users: users, dir: dir, posted: map[string]int{}}
}

const moveInQuery = `
let until = Time.now().add(1, "day")
people.forEach(p => {
  let user: Any = User.create({ auth0_tenant: "default", auth0_sub: p.sub })
  let session: Any = auth0_jwt.create({
    user: user, tenant: "default", jwt_hash: p.hash, issuer: "https://bench.eu.auth0.com/",
    client_id: "my-spa-client-id-of-32-characters", scope: ["openid", "profile", "email", "read:todos"],
    permissions: ["todo:read", "todo:write"],
    issued_at: Time.now(), expires_at: until, origin: "jwt", ttl: until
  })
  Token.create({ document: session, ttl: until })
})`

// moveIn creates the users from first up to last in one transaction.
func moveIn(ctx context.Context, client *http.Client, fauna string, first, last int) error {
	type person struct {
		Sub  string `json:"sub"`
		Hash string `json:"hash"`
	}
	var people []person
	for n := first; n < last; n++ {
		hash := sha256.Sum256(fmt.Append(nil, "jwt", n))
		people = append(people, person{subject("user", n), hex.EncodeToString(hash[:])})
	}
	return queryAsRoot(ctx, client, fauna, moveInQuery, map[string]any{"people": people})
}

// queryAsRoot runs a query over the wire port of a server.
func queryAsRoot(ctx context.Context, client *http.Client, fauna, query string, arguments map[string]any) error {
	body, err := json.Marshal(map[string]any{"query": query, "arguments": arguments})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, fauna+"/query/1", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+rootSecretOfBench)
	req.Header.Set("X-Query-Timeout-Ms", "60000")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("a query as root: %s %s", res.Status, answer)
	}
	return err
}

// medians exchanges b.N tokens of a kind in each of two towns, one after the other and in turns,
// and returns the median times.
func medians(b *testing.B, kind string, towns ...*town) (p50 []time.Duration) {
	const warm = 200 // exchanges before the clock runs
	b.StopTimer()
	load := newLoad(1)
	defer load.close()
	servers := make([]*measured, len(towns))
	tokens := make([][]string, len(towns))
	latencies := make([][]time.Duration, len(towns))
	for i, t := range towns {
		servers[i] = serveIn(t.dir)(b)
		load.post(b, servers[i].url, t.take(b, kind, warm))
		tokens[i] = t.take(b, kind, b.N)
	}
	b.ResetTimer()
	b.StartTimer()
	for n := range b.N {
		for i, server := range servers {
			latencies[i] = append(latencies[i], load.post(b, server.url, tokens[i][n:n+1])...)
		}
	}
	b.StopTimer()
	for i, server := range servers {
		server.stop(b)
		p50 = append(p50, quantile(latencies[i], 0.5))
	}
	return p50
}

// take gives n tokens of a kind that were not used in this town.
func (t *town) take(b *testing.B, kind string, n int) []string {
	first := t.posted[kind]
	t.posted[kind] += n
	if kind == "new" {
		return lab.issuer(b).strangers(b, first, first+n)
	}
	return lab.issuer(b).known(b, t.users, first, first+n)
}
