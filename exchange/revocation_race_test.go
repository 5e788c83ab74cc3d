package exchange_test

import (
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// rounds is how often each race is run: 10,000 times where FAUNA_LOGIN_SOAK is set.
func rounds() int {
	if os.Getenv("FAUNA_LOGIN_SOAK") != "" {
		return 10_000
	}
	return 200
}

// Exchanges of a JWT and what ends its session, at the same time: whoever comes first, no secret
// lives once the end was answered.
func TestExchangeAgainstRevocation(t *testing.T) {
	const exchanges = 2
	// Each makes the end of what the JWT of a subject and sid becomes; before is a secret of it.
	revocations := map[string]func(s *service, token, sub, sid, before string) answer{
		"EndJWT": func(s *service, token, _, _, _ string) answer { return s.logout(token) },
		"Logout": func(s *service, _, _, _, before string) answer { return s.logout(before) },
		"EndSessions of a session": func(s *service, _, sub, sid, _ string) answer {
			return s.signal(s.logoutToken(s.main, m{"sub": sub, "sid": sid}))
		},
		"EndSessions of a user": func(s *service, _, sub, _, _ string) answer {
			return s.signal(s.logoutToken(s.main, m{"sub": sub, "sid": nil}))
		},
		"event of a block": func(s *service, _, sub, _, _ string) answer {
			return s.event(mainEvents, s.updated(sub, s.clock.now(), true))
		},
		"event of a deletion": func(s *service, _, sub, _, _ string) answer {
			return s.event(mainEvents, s.deleted(sub, s.clock.now()))
		},
	}
	for name, revoke := range revocations {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // most of a race is waiting, after a conflict
			s := newEndingService(t, func(c *exchange.Config, _ *exchange.VerifierConfig) {
				// The test would keep every line.
				c.Log, c.Audit = slog.New(slog.DiscardHandler), nil
			})
			var issued, refused atomic.Int64
			for round := range rounds() {
				sub, sid := "auth0|"+strconv.Itoa(round), "sid-"+strconv.Itoa(round)
				token := s.withClaims(m{"sub": sub, sidClaim: sid})
				secrets := make([]string, exchanges+1)
				if name == "Logout" || round%2 == 0 { // else the JWT's first exchange is in the race
					secrets[exchanges] = s.mustLogin(token).Secret
				}
				start := make(chan struct{})
				var group sync.WaitGroup
				for i := range exchanges {
					group.Go(func() {
						<-start
						switch a := s.login(token); a.status {
						case 200:
							issued.Add(1)
							secrets[i] = a.Secret
						case 401, 403:
							refused.Add(1)
						default: // contention that did not clear is a failure to issue as well
							if a.status != 503 {
								t.Errorf("round %d: an exchange answers %d %s", round, a.status, a.body)
							}
						}
					})
				}
				group.Go(func() {
					<-start
					for range 4 { // Auth0 asks again after a 503
						a := revoke(s, token, sub, sid, secrets[exchanges])
						if a.status == 200 || a.status == 204 {
							return
						}
						if a.status != 503 {
							t.Errorf("round %d: the revocation answers %d %s", round, a.status, a.body)
						}
					}
					t.Errorf("round %d: the revocation was never made", round)
				})
				close(start)
				group.Wait()
				for _, secret := range secrets {
					if secret != "" && s.query(secret, "1") != "unauthorized" {
						t.Fatalf("round %d: a secret lives after the revocation", round)
					}
				}
				if got := s.query(s.root, fmt.Sprintf(`auth0_jwt.bySessionId("%s").count()`, sid)); got != "0" {
					t.Fatalf("round %d: %s sessions are left", round, got)
				}
				if a := s.login(token); a.status != 401 && a.status != 403 {
					t.Fatalf("round %d: the JWT is exchanged again: %d", round, a.status)
				}
			}
			if got := s.query(s.root, "[auth0_jwt.all().count(), Token.all().count()]"); got != "[0,0]" {
				t.Errorf("sessions and secrets are left: %s", got)
			}
			if n := int64(rounds()); issued.Load() < n/50 || refused.Load() < n/50 {
				t.Errorf("no race: %d issued, %d refused", issued.Load(), refused.Load())
			}
		})
	}
}

// A flood of events does not keep anybody from logging in, and none of the events is lost.
func TestEventFlood(t *testing.T) {
	const events, senders, users, exchangers = 5000, 100, 250, 4
	s := newEndingService(t, func(_ *exchange.Config, v *exchange.VerifierConfig) { v.MaxLifetime = 24 * time.Hour })
	tokens := make([]string, exchangers)
	for i := range tokens {
		tokens[i] = s.withClaims(m{"sub": "auth0|exchanger" + strconv.Itoa(i)})
	}
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: senders}}
	defer client.CloseIdleConnections()
	send := func(event m) (int, error) {
		res, err := client.Do(s.request("POST", "/auth0/events", text(event), "Content-Type: application/json", "Authorization: Bearer "+mainEvents))
		if err != nil {
			return 0, err
		}
		return res.StatusCode, res.Body.Close()
	}
	var next, busy, exchanged atomic.Int64
	begin := s.clock.now().Add(-time.Hour)
	var flood, logins sync.WaitGroup
	for range senders {
		flood.Go(func() {
			for {
				n := int(next.Add(1)) - 1
				if n >= events {
					return
				}
				// Of each user twenty events, the last of which is a block.
				event := s.updated("auth0|flood"+strconv.Itoa(n%users), begin.Add(time.Duration(n)*time.Millisecond), n/users%2 == 1)
				for attempt := 1; ; attempt++ {
					status, err := send(event)
					if err == nil && status == 204 {
						break
					}
					if busy.Add(1); err != nil || status != 503 || attempt == 4 {
						t.Errorf("event %d, attempt %d: %d %v", n, attempt, status, err)
						return
					}
				}
			}
		})
	}
	over := make(chan struct{})
	slowest := make([]time.Duration, exchangers)
	for i := range exchangers {
		logins.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				started := time.Now()
				if a := s.login(tokens[i]); a.status != 200 {
					t.Errorf("an exchange in the flood: %d %s", a.status, a.body)
				}
				slowest[i] = max(slowest[i], time.Since(started))
				exchanged.Add(1)
			}
		})
	}
	started := time.Now()
	flood.Wait()
	close(over)
	logins.Wait()
	t.Logf("%d events in %v, %d answered 503 at first; %d exchanges meanwhile, the slowest %v", events, time.Since(started), busy.Load(), exchanged.Load(), slowest)
	if exchanged.Load() < exchangers {
		t.Error("hardly any exchange was served")
	}
	if got := s.query(s.root, `User.where(u => u.auth0_sub.startsWith("auth0|flood") && u.auth0_blocked == true).count()`); got != fmt.Sprint(users) {
		t.Errorf("%s users are blocked in the end, want %d", got, users)
	}
}
