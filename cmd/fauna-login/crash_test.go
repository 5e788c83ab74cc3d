package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// process is the program in a process of its own, for what cannot be tried in this one.
type process struct {
	cmd         *exec.Cmd
	url, fauna  string
	stderr      *syncBuffer
	more        chan struct{} // has a value after a line was read
	doneReading chan struct{}
}

// startProcess starts serve on a data directory and waits until it answers.
func startProcess(t *testing.T, tenant *auth0test.Tenant, data string, change ...func(*exec.Cmd)) *process {
	t.Helper()
	cmd := exec.Command("fauna-login", "serve")
	cmd.Dir = t.TempDir()
	cmd.Env = append(os.Environ(),
		"FAUNA_LOGIN_LISTEN=127.0.0.1:0", "FAUNA_LOGIN_ADMIN_LISTEN=", "FAUNA_LOGIN_FAUNA_LISTEN=127.0.0.1:0",
		"FAUNA_LOGIN_FAUNA_DATA="+data, "FAUNA_LOGIN_AUTH0_ISSUERS="+tenant.Issuer, "FAUNA_LOGIN_AUTH0_AUDIENCE="+tenant.Audience)
	for _, f := range change {
		f(cmd)
	}
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: cmd, stderr: &syncBuffer{}, more: make(chan struct{}, 1), doneReading: make(chan struct{})}
	t.Cleanup(p.kill)
	serving := make(chan struct{})
	go p.read(stderr, serving)
	select {
	case <-serving:
	case <-p.doneReading:
		t.Fatalf("serve ended:\n%s", p.stderr.String())
	case <-time.After(time.Minute):
		t.Fatalf("serve does not start:\n%s", p.stderr.String())
	}
	return p
}

// read keeps the log and finds the addresses in it.
func (p *process) read(stderr io.Reader, serving chan<- struct{}) {
	defer close(p.doneReading)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		fmt.Fprintln(p.stderr, lines.Text())
		select {
		case p.more <- struct{}{}:
		default:
		}
		var line struct{ Msg, Public, Fauna string }
		if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "serving" {
			p.url, p.fauna = "http://"+line.Public, "http://"+line.Fauna
			close(serving)
		}
	}
}

// await waits until the log says text.
func (p *process) await(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for !strings.Contains(p.stderr.String(), text) {
		select {
		case <-p.more:
		case <-p.doneReading:
			if !strings.Contains(p.stderr.String(), text) {
				t.Fatalf("serve ended before it said %q:\n%s", text, p.stderr.String())
			}
		case <-timeout:
			t.Fatalf("serve does not say %q:\n%s", text, p.stderr.String())
		}
	}
}

// end stops the process cleanly and returns its exit code, -1 if a signal ended it.
func (p *process) end() int {
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // ended already
	<-p.doneReading
	_ = p.cmd.Wait() // the code says it all
	return p.cmd.ProcessState.ExitCode()
}

// kill ends the process without a chance to clean up, and waits for it.
func (p *process) kill() {
	if p.cmd.ProcessState == nil {
		_ = p.cmd.Process.Kill() // ended already
		<-p.doneReading
		_ = p.cmd.Wait() // says that it was killed
	}
}

func (p *process) post(path, bearer, body string) (int, []byte, error) {
	base := p.url
	if strings.HasPrefix(bearer, "root_") {
		base = p.fauna
	}
	req, err := http.NewRequest(http.MethodPost, base+path, strings.NewReader(body))
	if err != nil {
		return 0, nil, err
	}
	req.Header.Set("Authorization", "Bearer "+bearer)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil, err
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(res.Body)
	return res.StatusCode, answer, err
}

// kill -9 under load: no secret that was answered is lost, nothing half-made stays.
func TestKillUnderLoad(t *testing.T) {
	tenant := auth0test.New(t)
	data := filepath.Join(t.TempDir(), "data")
	p := startProcess(t, tenant, data)

	tokens := make([]string, 400)
	for i := range tokens {
		tokens[i] = tenant.Mint(auth0test.Claims{"sub": fmt.Sprintf("auth0|user%04d", i)})
	}
	var mu sync.Mutex
	var secrets []string
	next := make(chan string, len(tokens))
	for _, token := range tokens {
		next <- token
	}
	close(next)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for token := range next {
				status, body, err := p.post("/fauna-login", token, "")
				if err != nil {
					return // killed
				}
				var answer struct{ Secret string }
				if status != http.StatusOK || json.Unmarshal(body, &answer) != nil {
					t.Errorf("%d %s", status, body)
					return
				}
				mu.Lock()
				secrets = append(secrets, answer.Secret)
				enough := len(secrets) == 200
				mu.Unlock()
				if enough {
					_ = p.cmd.Process.Kill()
				}
			}
		})
	}
	group.Wait()
	p.kill()
	if len(secrets) < 200 || len(secrets) == len(tokens) {
		t.Fatalf("%d secrets were answered before the kill", len(secrets))
	}

	p = startProcess(t, tenant, data)
	for i, secret := range secrets {
		status, body, err := p.post("/query/1", secret, `{"query":"Query.identity()!.user.auth0_sub"}`)
		if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(`"data":"auth0|user`)) {
			t.Fatalf("secret %d of %d, answered before the kill: %d %s %v", i, len(secrets), status, body, err)
		}
	}
	root, err := readSecret(filepath.Join(data, rootSecretFile))
	if err != nil {
		t.Fatal(err)
	}
	// A session without its user, or a token without its session, would be half of an exchange.
	const halves = `[auth0_jwt.all().where(s => !s.user.exists() || Token.byDocument(s).isEmpty()).count(), Token.all().where(t => !t.document.exists()).count(), ` +
		`User.all().where(u => auth0_jwt.byUser(u).isEmpty()).count()]`
	status, body, err := p.post("/query/1", root, fmt.Sprintf(`{"query":%q}`, halves))
	if err != nil || status != http.StatusOK || !bytes.Contains(body, []byte(`"data":[0,0,0]`)) {
		t.Errorf("half-made: %d %s %v", status, body, err)
	}
}
