package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// reports is a log whose lines a test waits for.
type reports chan string

func (r reports) Write(line []byte) (int, error) {
	r <- string(line)
	return len(line), nil
}

// await reads up to the next line with text in it.
func (r reports) await(t *testing.T, text string) {
	t.Helper()
	timeout := time.After(time.Minute)
	for {
		select {
		case line := <-r:
			if strings.Contains(line, text) {
				return
			}
		case <-timeout:
			t.Fatalf("the log does not say %q", text)
		}
	}
}

func hangUp(t *testing.T, pid int) {
	t.Helper()
	p, err := os.FindProcess(pid)
	if err == nil {
		err = p.Signal(syscall.SIGHUP)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Lines written while the file is renamed away and opened again, over and over, are all there,
// once and whole.
func TestAuditRotation(t *testing.T) {
	const writers, rotations = 4, 25
	file := filepath.Join(t.TempDir(), "audit.log")
	log := make(reports, 100)
	p := &Program{Now: time.Now}
	a, err := p.openAudit(file, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	stop := make(chan struct{})
	written := make([]int, writers)
	var group sync.WaitGroup
	for w := range writers {
		group.Go(func() {
			for n := 0; ; n++ {
				line := fmt.Sprintf("%d %d %s.\n", w, n, strings.Repeat("x", n%3000))
				fmt.Fprint(a, line)
				written[w] = n + 1
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	names := []string{file}
	for i := range rotations {
		old := fmt.Sprintf("%s.%d", file, i)
		if err := os.Rename(file, old); err != nil {
			t.Fatal(err)
		}
		names = append(names, old)
		hangUp(t, os.Getpid())
		log.await(t, "opened the audit file again")
	}
	close(stop)
	group.Wait()
	a.Close()

	found := make([]map[int]bool, writers)
	for w := range found {
		found[w] = map[int]bool{}
	}
	for _, name := range names {
		content, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(content)) {
			var w, n int
			var rest string
			if _, err := fmt.Sscanf(line, "%d %d %s\n", &w, &n, &rest); err != nil || len(rest) != n%3000+1 || rest[len(rest)-1] != '.' || found[w][n] {
				t.Fatalf("%s: torn, or twice: %.60q %v", name, line, err)
			}
			found[w][n] = true
		}
	}
	for w := range writers {
		if len(found[w]) != written[w] {
			t.Errorf("writer %d: %d lines found, %d written", w, len(found[w]), written[w])
		}
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v %v", info.Mode(), err)
	}
}

// A file that is there already goes on. When it cannot be opened again, as when its directory was
// renamed, it stays in use.
func TestAuditReopenFails(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "logs"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "logs", "audit.log"), []byte("zero\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := make(reports, 10)
	p := &Program{Now: time.Now, Dir: dir} // where relative names start
	a, err := p.openAudit("logs/audit.log", slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	fmt.Fprintln(a, "one")
	if err := os.Rename(filepath.Join(dir, "logs"), filepath.Join(dir, "old")); err != nil {
		t.Fatal(err)
	}
	hangUp(t, os.Getpid())
	log.await(t, "the old one stays in use")
	fmt.Fprintln(a, "two")
	if content, _ := os.ReadFile(filepath.Join(dir, "old", "audit.log")); string(content) != "zero\none\ntwo\n" {
		t.Errorf("the old file holds %q", content)
	}
}

// shortDisk takes only so many bytes.
type shortDisk struct {
	bytes.Buffer
	room int
}

var errFull = errors.New("no space left")

func (d *shortDisk) Write(b []byte) (int, error) {
	n := min(len(b), d.room)
	d.room -= n
	d.Buffer.Write(b[:n])
	if n < len(b) {
		return n, errFull
	}
	return n, nil
}

// What cannot be written is told once a minute, with the number of lines; a line that was cut
// does not spoil the next.
func TestAuditWriteErrors(t *testing.T) {
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	disk, log := &shortDisk{room: 6}, &syncBuffer{}
	p := &Program{Now: func() time.Time { return now }, Stdout: disk}
	a, err := p.openAudit(auditStdout, slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	write := func(line string) {
		t.Helper()
		if n, err := a.Write([]byte(line)); n != len(line) || err != nil {
			t.Errorf("%q: %d %v", line, n, err)
		}
	}
	write("one\n")
	write("two\n") // in part
	write("three\n")
	now = now.Add(complainEvery - 1)
	write("four\n")
	now = now.Add(1)
	write("five\n")
	disk.room = 100
	write("six\n")
	write("seven\n")
	if got, want := disk.String(), "one\ntw\nsix\nseven\n"; got != want {
		t.Errorf("written: %q, want %q", got, want)
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "lost=1 ") || !strings.Contains(got, "lost=3 ") {
		t.Errorf("log:\n%s", got)
	}
}

// serveAudited starts serve with an audit output.
func serveAudited(t *testing.T, tenant *auth0test.Tenant, output string, change ...func(*exec.Cmd)) *process {
	return startProcess(t, tenant, filepath.Join(t.TempDir(), "data"), append(change, func(cmd *exec.Cmd) {
		cmd.Env = append(cmd.Env, "FAUNA_LOGIN_AUDIT_OUTPUT="+output)
	})...)
}

// login exchanges a token of the user's.
func (p *process) login(t *testing.T, tenant *auth0test.Tenant, sub string) {
	t.Helper()
	status, body, err := p.post("/fauna-login", tenant.Mint(auth0test.Claims{"sub": sub}), "")
	if err != nil || status != http.StatusOK {
		t.Fatalf("login: %d %s %v", status, body, err)
	}
}

// issuedTo are the subjects of the lines in a file, all of which must be for something issued.
func issuedTo(t *testing.T, file string) (subjects []string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for text := range strings.Lines(string(content)) {
		var line struct{ Decision, Sub string }
		if err := json.Unmarshal([]byte(text), &line); err != nil || line.Decision != "issued" {
			t.Errorf("%s: %s %v", file, text, err)
		}
		subjects = append(subjects, line.Sub)
	}
	return subjects
}

// A real process: after SIGHUP the record goes on in a new file.
func TestAuditHangUp(t *testing.T) {
	tenant := auth0test.New(t)
	file := filepath.Join(t.TempDir(), "audit.log")
	p := serveAudited(t, tenant, file)
	p.login(t, tenant, "auth0|before")
	if err := os.Rename(file, file+".1"); err != nil {
		t.Fatal(err)
	}
	hangUp(t, p.cmd.Process.Pid)
	p.await(t, "opened the audit file again")
	p.login(t, tenant, "auth0|after")
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	old, fresh := issuedTo(t, file+".1"), issuedTo(t, file)
	if !slices.Contains(fresh, "auth0|after") { // the line of before may come after its answer
		t.Errorf("the new file has %q", fresh)
	}
	if all := append(old, fresh...); !slices.Equal(all, []string{"auth0|before", "auth0|after"}) {
		t.Errorf("the files have %q", all)
	}
}

// Without a file, SIGHUP does nothing.
func TestAuditHangUpWithoutFile(t *testing.T) {
	tenant := auth0test.New(t)
	for _, output := range []string{"", auditStdout} {
		t.Run(output, func(t *testing.T) {
			p := serveAudited(t, tenant, output)
			hangUp(t, p.cmd.Process.Pid)
			p.login(t, tenant, "auth0|ada")
			if code := p.end(); code != 0 {
				t.Errorf("exit code %d:\n%s", code, p.stderr.String())
			}
		})
	}
}

// A reader of standard output that has gone away ends neither requests nor the program.
func TestAuditBrokenPipe(t *testing.T) {
	tenant := auth0test.New(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	r.Close()
	defer w.Close()
	p := serveAudited(t, tenant, auditStdout, func(cmd *exec.Cmd) { cmd.Stdout = w })
	p.login(t, tenant, "auth0|ada")
	p.await(t, "the audit record cannot be written")
	p.login(t, tenant, "auth0|ada")
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d:\n%s", code, p.stderr.String())
	}
}
