package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite what the scripts compare with")

func TestMain(m *testing.M) {
	if len(os.Args) == 5 && os.Args[1] == floorCommand {
		if err := runFloor(os.Args[2], os.Args[3], os.Args[4]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testscript.Main(benchmarked{m}, map[string]func(){"fauna-login": main})
}

// TestScript runs the conversations in testdata/script with the real program. Short commands
// run as a process (exec fauna-login …); dev, serve and engine run in this one, under a clock
// that `advance` moves. With FAUNA_ENDPOINT and FAUNA_SECRET (an admin's) set, `serve` talks to
// that Fauna in place of the embedded engine, and the conversations that need the engine are
// skipped. The others call their users by $RUN, since a database outlives a run. At the end no
// log, metric or audit of any of them may hold a secret, a token or a claim.
func TestScript(t *testing.T) {
	s := &suite{texts: map[string]string{}, lines: map[string]string{}}
	t.Cleanup(func() { // when all conversations are over
		for _, fault := range s.faults() {
			t.Error(fault)
		}
	})
	testscript.Run(t, s.params("../../testdata/script"))
}

// params are for the conversations in dir.
func (s *suite) params(dir string) testscript.Params {
	return testscript.Params{
		Dir:                 dir,
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Condition: func(cond string) (bool, error) {
			if cond == "embedded" {
				return os.Getenv("FAUNA_ENDPOINT") == "", nil
			}
			return false, fmt.Errorf("unknown condition %q", cond)
		},
		Setup: func(env *testscript.Env) error {
			c := &conversation{suite: s, name: strings.TrimPrefix(filepath.Base(env.WorkDir), "script-"), tenants: map[string]*auth0test.Tenant{}}
			env.Values[conversationKey{}] = c
			env.Defer(c.stopAll)
			env.Setenv("RUN", rand.Text())
			return nil
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			"dev": cmdDev, "serve": cmdServe, "engine": cmdEngine, "stop": cmdStop,
			"tenant": cmdTenant, "fail": cmdFail, "rotate": cmdRotate, "fetches": cmdFetches,
			"mint": cmdMint, "login": cmdLogin, "http": cmdHTTP, "fql": cmdFQL,
			"field": cmdField, "advance": cmdAdvance, "now": cmdNow, "cookie": cmdCookie,
		},
	}
}

type conversationKey struct{}

// conversation is the state of one script.
type conversation struct {
	suite   *suite
	name    string
	ahead   atomic.Int64 // how far the clock is ahead, in nanoseconds
	running []*running
	tenants map[string]*auth0test.Tenant // name → stand-in tenant
	body    []byte                       // of the latest answer
	header  http.Header
	env     []string // of the next program, beside what $PASS names
	atEnd   []func()
}

// running is a program in this process.
type running struct {
	name           string
	stdout, stderr syncBuffer
	cancel         context.CancelFunc
	exited         chan int
	admin          string // listener
	audit          string // file
	json           bool   // what it prints
}

// syncBuffer is a buffer that a running program writes to while the script looks.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

func of(ts *testscript.TestScript) *conversation {
	return ts.Value(conversationKey{}).(*conversation)
}

func (c *conversation) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func (c *conversation) stopAll() {
	for _, r := range c.running {
		c.end(r)
	}
	for _, f := range c.atEnd {
		f()
	}
}

// end stops a program and keeps what it wrote.
func (c *conversation) end(r *running) (code int) {
	c.keepMetrics(r)
	r.cancel()
	code = <-r.exited
	c.keep(r)
	return code
}

// start runs a program until its listeners answer. If it exits before, that is a failure, or
// with neg what the script expects.
func (c *conversation) start(ts *testscript.TestScript, neg bool, args ...string) Addresses {
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{name: args[0], cancel: cancel, exited: make(chan int, 1)}
	if r.name == "serve" {
		r.audit, r.json = c.watchServe(ts, args)
	}
	started := make(chan Addresses, 1)
	program := &Program{
		Args: args, Dir: ts.MkAbs("."), Env: append(c.env, environ(ts)...), Stdout: &r.stdout, Stderr: &r.stderr,
		Now: c.now, Started: func(a Addresses) { started <- a },
	}
	go func() { r.exited <- program.Run(ctx) }()
	select {
	case addresses := <-started:
		r.admin = addresses.Admin
		c.running = append(c.running, r)
		if neg {
			ts.Fatalf("%s started", args[0])
		}
		return addresses
	case code := <-r.exited:
		cancel()
		if code == exitUsage {
			r.json, r.audit = false, "" // mistakes in the configuration are told to people, and nothing is opened
		}
		c.keep(r)
		fmt.Fprint(ts.Stdout(), r.stdout.String())
		fmt.Fprint(ts.Stderr(), r.stderr.String())
		if !neg {
			ts.Fatalf("%s exited with %d:\n%s", args[0], code, r.stderr.String())
		}
		fmt.Fprintf(ts.Stdout(), "exit code %d\n", code)
		return Addresses{}
	}
}

// environ is the script's environment as far as the program looks at it.
func environ(ts *testscript.TestScript) []string {
	env := []string{"HOME=" + ts.Getenv("HOME")}
	for _, name := range strings.Fields(ts.Getenv("PASS")) {
		env = append(env, name+"="+ts.Getenv(name))
	}
	return env
}

// dev [flags]: sets URL, QUERY, AUTH0, FAUNA, FAUNA_ROOT, AUDIENCE.
func cmdDev(ts *testscript.TestScript, neg bool, args []string) {
	c := of(ts)
	all := append([]string{"dev", "--json", "--listen", "127.0.0.1:0", "--auth0-listen", "127.0.0.1:0", "--fauna-listen", "127.0.0.1:0"}, args...)
	c.start(ts, neg, all...)
	if neg {
		return
	}
	var g greeting
	ts.Check(json.Unmarshal([]byte(c.running[len(c.running)-1].stdout.String()), &g))
	c.suite.watch.Secret(g.FaunaSecret)
	ts.Setenv("URL", g.URL)
	ts.Setenv("QUERY", g.URL)
	ts.Setenv("AUTH0", g.Auth0)
	ts.Setenv("FAUNA", g.Fauna)
	ts.Setenv("FAUNA_ROOT", g.FaunaSecret)
	ts.Setenv("AUDIENCE", g.Audience)
}

// serve [flags]: runs on free ports and ./data, on a configuration file, and on the variables
// that $PASS names; sets URL, ADMIN, QUERY (where secrets query), FAUNA and FAUNA_ROOT (where
// the root secret does).
func cmdServe(ts *testscript.TestScript, neg bool, args []string) {
	c := of(ts)
	c.env = []string{
		"FAUNA_LOGIN_LISTEN=127.0.0.1:0", "FAUNA_LOGIN_ADMIN_LISTEN=127.0.0.1:0", "FAUNA_LOGIN_FAUNA_LISTEN=127.0.0.1:0",
		"FAUNA_LOGIN_FAUNA_DATA=" + ts.MkAbs("data"), "FAUNA_LOGIN_LOG_LEVEL=debug",
	}
	endpoint, root := os.Getenv("FAUNA_ENDPOINT"), os.Getenv("FAUNA_SECRET")
	if endpoint != "" {
		c.env = append(c.env, "FAUNA_LOGIN_FAUNA_ENDPOINT="+endpoint, "FAUNA_LOGIN_FAUNA_SECRET="+serviceKey(ts, endpoint, root))
	}
	addresses := c.start(ts, neg, append([]string{"serve"}, args...)...)
	c.env = nil
	if neg {
		return
	}
	ts.Setenv("URL", "http://"+addresses.Public)
	ts.Setenv("ADMIN", "http://"+addresses.Admin)
	ts.Setenv("QUERY", "http://"+addresses.Public)
	if endpoint == "" {
		endpoint = "http://" + addresses.Fauna
		root, _ = readSecret(ts.MkAbs("data/" + rootSecretFile)) // not there if the script sets an endpoint
		key, _ := readSecret(ts.MkAbs("data/" + serviceSecretFile))
		c.suite.watch.Secret(root, key)
	} else {
		ts.Setenv("QUERY", endpoint)
	}
	ts.Setenv("FAUNA", endpoint)
	ts.Setenv("FAUNA_ROOT", root)
}

// serviceKey prepares a Fauna for the service.
func serviceKey(ts *testscript.TestScript, endpoint, root string) string {
	admin := fqlx.NewAdmin(fqlx.Config{Endpoint: endpoint, Secret: root})
	plan, err := admin.Plan(context.Background(), "User")
	ts.Check(err)
	ts.Check(admin.Push(context.Background(), plan))
	_, secret, err := admin.CreateKey(context.Background(), serviceRole)
	ts.Check(err)
	return secret
}

// engine [flags]: sets FAUNA.
func cmdEngine(ts *testscript.TestScript, neg bool, args []string) {
	addresses := of(ts).start(ts, neg, append([]string{"engine", "--listen", "127.0.0.1:0"}, args...)...)
	ts.Setenv("FAUNA", "http://"+addresses.Fauna)
}

// stop: ends the program that was started last, cleanly, and shows what it printed.
func cmdStop(ts *testscript.TestScript, neg bool, args []string) {
	c := of(ts)
	if len(c.running) == 0 {
		ts.Fatalf("nothing is running")
	}
	r := c.running[len(c.running)-1]
	c.running = c.running[:len(c.running)-1]
	code := c.end(r)
	fmt.Fprint(ts.Stdout(), r.stdout.String())
	fmt.Fprint(ts.Stderr(), r.stderr.String())
	if code != 0 {
		ts.Fatalf("%s exited with %d:\n%s", r.name, code, r.stderr.String())
	}
}

// tenant NAME: starts a stand-in tenant; its issuer goes to $NAME.
func cmdTenant(ts *testscript.TestScript, neg bool, args []string) {
	c := of(ts)
	t := auth0test.Start(tb{ts, c}, auth0test.Options{Now: c.now})
	c.tenants[args[0]] = t
	ts.Setenv(args[0], t.Issuer)
}

// tb is what auth0test needs of a test.
type tb struct {
	ts *testscript.TestScript
	c  *conversation
}

func (tb) Helper()            {}
func (t tb) Cleanup(f func()) { t.c.atEnd = append(t.c.atEnd, f) }
func (t tb) Fatal(args ...any) {
	t.ts.Fatalf("%s", fmt.Sprint(args...))
}

// fail NAME MODE: makes the tenant's key set fail.
func cmdFail(ts *testscript.TestScript, neg bool, args []string) {
	modes := map[string]auth0test.Mode{
		"none": auth0test.None, "down": auth0test.Down, "429": auth0test.TooManyRequests, "500": auth0test.ServerError,
		"html": auth0test.HTML, "empty": auth0test.EmptySet, "slow": auth0test.Slow, "huge": auth0test.Huge, "redirect": auth0test.Redirect,
	}
	mode, ok := modes[args[1]]
	if !ok {
		ts.Fatalf("modes: %v", slices.Sorted(maps.Keys(modes)))
	}
	of(ts).tenants[args[0]].Fail(mode)
}

// rotate NAME: the tenant's next key becomes the current one.
func cmdRotate(ts *testscript.TestScript, neg bool, args []string) {
	of(ts).tenants[args[0]].Rotate()
}

// fetches NAME MAX: the tenant's key set was fetched at most so often.
func cmdFetches(ts *testscript.TestScript, neg bool, args []string) {
	most, err := strconv.Atoi(args[1])
	ts.Check(err)
	if got := of(ts).tenants[args[0]].Fetches(); got > most {
		ts.Fatalf("%d fetches, at most %d expected", got, most)
	}
}

// mint VAR [TENANT] [CLAIMS]: an access token, with claims to override, and one that nobody may
// write down. Without a tenant it is that of dev.
func cmdMint(ts *testscript.TestScript, neg bool, args []string) {
	claims := "{}"
	if len(args) > 1 && strings.HasPrefix(args[len(args)-1], "{") {
		claims = args[len(args)-1]
		args = args[:len(args)-1]
	}
	private := fmt.Sprintf(`{"https://example.com/private":%q`, rand.Text())
	if claims != "{}" {
		private += ","
	}
	claims = private + claims[1:]
	issuer := ts.Getenv("AUTH0") + "/"
	if len(args) > 1 {
		issuer = of(ts).tenants[args[1]].Issuer
	}
	res, body := request(ts, http.MethodPost, issuer+"dev/mint", claims, "Content-Type: application/json")
	var answer struct{ Token string }
	if res.StatusCode != http.StatusOK || json.Unmarshal(body, &answer) != nil {
		ts.Fatalf("mint: %s %s", res.Status, body)
	}
	ts.Setenv(args[0], answer.Token)
}

// login VAR TOKEN: exchanges a token; the secret goes to $VAR. With ! the exchange must fail.
func cmdLogin(ts *testscript.TestScript, neg bool, args []string) {
	res, body := request(ts, http.MethodPost, ts.Getenv("URL")+"/fauna-login", "", "Authorization: Bearer "+args[1])
	of(ts).show(ts, res, body)
	if (res.StatusCode != http.StatusOK) != neg {
		ts.Fatalf("login: %s %s", res.Status, body)
	}
	if neg {
		return
	}
	var answer struct{ Secret string }
	ts.Check(json.Unmarshal(body, &answer))
	ts.Setenv(args[0], answer.Secret)
}

// http [-H HEADER]… [-d BODY] METHOD URL: shows the answer. With ! the status must be 400 or more.
func cmdHTTP(ts *testscript.TestScript, neg bool, args []string) {
	var headers []string
	body := ""
	for len(args) > 2 && (args[0] == "-H" || args[0] == "-d") {
		if args[0] == "-H" {
			headers = append(headers, args[1])
		} else {
			body = args[1]
		}
		args = args[2:]
	}
	if len(args) != 2 {
		ts.Fatalf("usage: http [-H HEADER]… [-d BODY] METHOD URL")
	}
	res, answer := request(ts, args[0], args[1], body, headers...)
	of(ts).show(ts, res, answer)
	if (res.StatusCode >= 400) != neg {
		ts.Fatalf("%s %s: %s %s", args[0], args[1], res.Status, answer)
	}
}

// fql [-at URL] SECRET QUERY: shows the result in the simple format. With ! the query must fail.
func cmdFQL(ts *testscript.TestScript, neg bool, args []string) {
	base := ts.Getenv("QUERY")
	if len(args) > 2 && args[0] == "-at" {
		base, args = args[1], args[2:]
	}
	query, err := json.Marshal(map[string]string{"query": args[1]})
	ts.Check(err)
	res, body := request(ts, http.MethodPost, base+"/query/1", string(query), "Authorization: Bearer "+args[0])
	of(ts).body = body
	var answer struct {
		Data  json.RawMessage
		Error json.RawMessage
	}
	ts.Check(json.Unmarshal(body, &answer))
	if (res.StatusCode != http.StatusOK) != neg {
		ts.Fatalf("fql: %s %s", res.Status, body)
	}
	fmt.Fprintf(ts.Stdout(), "%s%s\n", answer.Data, answer.Error)
}

// field VAR PATH: a member of the latest answer, such as user.id.
func cmdField(ts *testscript.TestScript, neg bool, args []string) {
	var value any
	ts.Check(json.Unmarshal(of(ts).body, &value))
	for name := range strings.SplitSeq(args[1], ".") {
		members, _ := value.(map[string]any)
		value = members[name]
	}
	text, ok := value.(string)
	if !ok {
		ts.Fatalf("no text at %s in %s", args[1], of(ts).body)
	}
	ts.Setenv(args[0], text)
}

// cookie VAR: name=value of the one cookie that the latest answer sets.
func cmdCookie(ts *testscript.TestScript, neg bool, args []string) {
	cookies := of(ts).header.Values("Set-Cookie")
	if len(cookies) != 1 {
		ts.Fatalf("%d cookies are set: %q", len(cookies), cookies)
	}
	pair, _, _ := strings.Cut(cookies[0], ";")
	ts.Setenv(args[0], pair)
}

// advance DURATION: moves the clock of everything in this process.
func cmdAdvance(ts *testscript.TestScript, neg bool, args []string) {
	d, err := time.ParseDuration(args[0])
	ts.Check(err)
	of(ts).ahead.Add(int64(d))
}

// now [-rfc3339] VAR [AHEAD]: the time of that clock, as a NumericDate unless said otherwise.
func cmdNow(ts *testscript.TestScript, neg bool, args []string) {
	rfc3339 := args[0] == "-rfc3339"
	if rfc3339 {
		args = args[1:]
	}
	t := of(ts).now()
	if len(args) > 1 {
		d, err := time.ParseDuration(args[1])
		ts.Check(err)
		t = t.Add(d)
	}
	text := strconv.FormatInt(t.Unix(), 10)
	if rfc3339 {
		text = t.UTC().Format(time.RFC3339Nano)
	}
	ts.Setenv(args[0], text)
}

func (c *conversation) show(ts *testscript.TestScript, res *http.Response, body []byte) {
	c.body, c.header = body, res.Header
	fmt.Fprintln(ts.Stdout(), res.Status)
	for _, name := range slices.Sorted(maps.Keys(res.Header)) {
		for _, value := range res.Header[name] {
			fmt.Fprintf(ts.Stdout(), "%s: %s\n", name, value)
		}
	}
	fmt.Fprintf(ts.Stdout(), "\n%s\n", body)
}

func request(ts *testscript.TestScript, method, url, body string, headers ...string) (*http.Response, []byte) {
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	ts.Check(err)
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Add(name, value)
	}
	of(ts).suite.watch.Request(req.Header, body)
	client := &http.Client{
		Timeout:       30 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	res, err := client.Do(req)
	ts.Check(err)
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	ts.Check(err)
	of(ts).suite.watch.Answer(res.Header, string(answer))
	return res, answer
}
