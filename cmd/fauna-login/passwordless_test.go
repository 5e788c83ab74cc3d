package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

const passwordless = "../../exchange/examples/passwordless/"

// The worked examples run as they are, against the running program: users log in with a code,
// and their pages query Fauna.
func TestPasswordless(t *testing.T) {
	t.Run("go", func(t *testing.T) {
		binary := filepath.Join(t.TempDir(), "passwordless")
		if out, err := exec.Command("go", "build", "-o", binary, passwordless+"go").CombinedOutput(); err != nil {
			t.Fatalf("building the example: %v\n%s", err, out)
		}
		testPasswordless(t, exec.Command(binary))
	})
	t.Run("node", func(t *testing.T) {
		if _, err := exec.LookPath("node"); err != nil {
			t.Skip("no node here")
		}
		testPasswordless(t, exec.Command("node", passwordless+"node/server.mjs"))
	})
}

const passwordlessConfig = `
auth0:
  audience: [https://api.example.com]
  claims: {user: [{to: email, from: "/https:~1~1example.com~1email"}]}
  on_behalf: {clients: [backend]}
  leeway: 30s
`

func testPasswordless(t *testing.T, backend *exec.Cmd) {
	var ahead atomic.Int64
	now := func() time.Time { return time.Now().Add(time.Duration(ahead.Load())) }
	tenant := auth0test.Start(t, auth0test.Options{Now: now})
	addresses, root := startServe(t, tenant, now, passwordlessConfig)
	b := startBackend(t, backend, "http://"+addresses.Public, tenant)

	if status, _ := b.post("/code", `{"email":"nobody@example.com"}`); status != 204 || b.mail() != "" {
		t.Errorf("an address that is not known: %d, mail %q", status, b.mail())
	}
	code := b.newCode("ada@example.com")
	if status, body := b.login("ada@example.com", "x"+code[1:]); status != 401 || strings.Contains(body, "secret") {
		t.Errorf("a wrong code: %d %s", status, body)
	}
	if status, body := b.login("grace@example.com", code); status != 401 {
		t.Errorf("somebody else's code: %d %s", status, body)
	}
	status, body := b.login("ada@example.com", code)
	var got struct {
		Secret, Endpoint string
		ExpiresAt        time.Time `json:"expires_at"`
	}
	if err := json.Unmarshal([]byte(body), &got); err != nil || status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	if left := time.Until(got.ExpiresAt); left < 14*time.Minute || left > 15*time.Minute {
		t.Errorf("the secret lives for %s", left)
	}
	if user := fql(t, got.Endpoint, got.Secret, `Query.identity()!.user { auth0_sub, email }`); user != `{"auth0_sub":"mail|1","email":"ada@example.com"}` {
		t.Errorf("the page acts as %s", user)
	}
	if status, body := b.login("ada@example.com", code); status != 401 {
		t.Errorf("the code again: %d %s", status, body)
	}
	if status, _ := b.post("/code", `{"email":"ada@example.com"}`); status != 204 || b.mail() != code {
		t.Error("another code within the minute")
	}
	code = b.newCode("alan@example.com")
	for range 5 {
		b.login("alan@example.com", "x"+code[1:])
	}
	if status, body := b.login("alan@example.com", code); status != 401 {
		t.Errorf("the sixth try: %d %s", status, body)
	}

	// A day later the token that the backend keeps is no longer accepted: it gets another, and
	// learns that Grace is blocked.
	ahead.Store(int64(25 * time.Hour))
	code = b.newCode("grace@example.com")
	fql(t, "http://"+addresses.Fauna, root, `User.create({ auth0_tenant: "default", auth0_sub: "mail|2", blocked: true }).id`)
	if status, body := b.login("grace@example.com", code); status != 403 {
		t.Errorf("a blocked user: %d %s", status, body)
	}
	if status, _ := b.request("POST", "/login", "text/plain", `{"email":"ada@example.com"}`); status != 400 {
		t.Errorf("another site's form: %d", status)
	}
	if status, _ := b.post("/login", `{"email":`); status != 400 {
		t.Errorf("broken JSON: %d", status)
	}
}

// startServe runs serve in this process, and returns its addresses and the root secret.
func startServe(t *testing.T, tenant *auth0test.Tenant, now func() time.Time, config string) (Addresses, string) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "fauna-login.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	started, exited, log := make(chan Addresses, 1), make(chan int, 1), &syncBuffer{}
	program := &Program{
		Args: []string{"serve"}, Dir: dir, Stdout: io.Discard, Stderr: log, Now: now,
		Started: func(a Addresses) { started <- a },
		Env: []string{
			"FAUNA_LOGIN_LISTEN=127.0.0.1:0", "FAUNA_LOGIN_ADMIN_LISTEN=", "FAUNA_LOGIN_FAUNA_LISTEN=127.0.0.1:0",
			"FAUNA_LOGIN_FAUNA_DATA=" + filepath.Join(dir, "data"), "FAUNA_LOGIN_AUTH0_ISSUERS=" + tenant.Issuer,
		},
	}
	go func() { exited <- program.Run(ctx) }()
	select {
	case addresses := <-started:
		t.Cleanup(func() { cancel(); <-exited })
		root, err := readSecret(filepath.Join(dir, "data", rootSecretFile))
		if err != nil {
			t.Fatal(err)
		}
		return addresses, root
	case code := <-exited:
		cancel()
		t.Fatalf("serve exited with %d:\n%s", code, log.String())
		return Addresses{}, ""
	}
}

// backend is a running example.
type backend struct {
	t   *testing.T
	url string
	out *syncBuffer
}

func startBackend(t *testing.T, cmd *exec.Cmd, exchange string, tenant *auth0test.Tenant) *backend {
	t.Helper()
	b := &backend{t: t, out: &syncBuffer{}}
	cmd.Env = append(os.Environ(), "LISTEN=127.0.0.1:0", "EXCHANGE_URL="+exchange, "AUTH0_ISSUER="+tenant.Issuer,
		"AUTH0_AUDIENCE="+tenant.Audience, "AUTH0_CLIENT_ID=backend", "AUTH0_CLIENT_SECRET=a secret & more")
	cmd.Stdout, cmd.Stderr = b.out, b.out
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // ended already
		_ = cmd.Wait()         // says that it was killed
		if t.Failed() {
			t.Logf("the example printed:\n%s", b.out.String())
		}
	})
	b.url = b.printed(regexp.MustCompile(`listening on (http://\S+)\n`))
	return b
}

// printed waits for a line and returns what its group matches.
func (b *backend) printed(line *regexp.Regexp) string {
	b.t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if found := line.FindStringSubmatch(b.out.String()); found != nil {
			return found[1]
		}
	}
	b.t.Fatalf("no line %s in:\n%s", line, b.out.String())
	return ""
}

// mail is the code of the latest mail, empty if there was none.
func (b *backend) mail() string {
	found := regexp.MustCompile(`mail to \S+: your code is (\d{8})\n`).FindAllStringSubmatch(b.out.String(), -1)
	if found == nil {
		return ""
	}
	return found[len(found)-1][1]
}

// newCode asks for a code and reads the mail.
func (b *backend) newCode(email string) string {
	b.t.Helper()
	if status, body := b.post("/code", `{"email":"`+email+`"}`); status != 204 {
		b.t.Fatalf("asking for a code: %d %s", status, body)
	}
	return b.printed(regexp.MustCompile(`mail to ` + email + `: your code is (\d{8})\n`))
}

func (b *backend) login(email, code string) (int, string) {
	b.t.Helper()
	return b.post("/login", `{"email":"`+email+`","code":"`+code+`"}`)
}

func (b *backend) post(path, body string) (int, string) {
	b.t.Helper()
	return b.request("POST", path, "application/json", body)
}

func (b *backend) request(method, path, media, body string) (int, string) {
	b.t.Helper()
	req, err := http.NewRequest(method, b.url+path, strings.NewReader(body))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Header.Set("Content-Type", media)
	return send(b.t, req)
}

// fql runs a query and returns its result, in the simple format.
func fql(t *testing.T, endpoint, secret, query string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]string{"query": query})
	req, err := http.NewRequest("POST", endpoint+"/query/1", bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	status, text := send(t, req)
	var answer struct{ Data json.RawMessage }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 200 {
		t.Fatalf("%s: %d %s", query, status, text)
	}
	return string(answer.Data)
}

func send(t *testing.T, req *http.Request) (int, string) {
	t.Helper()
	res, err := (&http.Client{Timeout: 30 * time.Second}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(body)
}
