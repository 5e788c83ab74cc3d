package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// measured is a server under measurement.
type measured struct {
	cmd     *exec.Cmd
	dir     string // of its data
	url     string
	admin   string        // of the admin listener, if there is one
	started time.Duration // from exec to the first answer
	stderr  bytes.Buffer  // not to be read before it exited
	exited  chan error    // one value
}

// command is a server that is not running yet.
type command struct {
	path       string
	args       []string
	env        []string
	dir        string // of its data
	url, admin string
	fauna      string // URL of the engine's wire port, if it is on
}

// starter runs a server and waits until it answers. An exchange that comes before the key set is
// there waits for it.
type starter func(b *testing.B, change ...func(*testing.B, *command)) *measured

// serveIn starts `serve` on a data directory.
func serveIn(dir string) starter {
	return func(b *testing.B, change ...func(*testing.B, *command)) *measured {
		c := serveCommand(b, dir)
		for _, f := range change {
			f(b, &c)
		}
		return launch(b, c)
	}
}

// serveCommand is the built program, as in production but for the limits.
func serveCommand(b *testing.B, dir string) command {
	address := freeAddress(b)
	keys := lab.issuer(b)
	return command{
		path: lab.program(b), args: []string{"serve"}, dir: dir, url: "http://" + address,
		env: []string{
			"FAUNA_LOGIN_LISTEN=" + address,
			"FAUNA_LOGIN_ADMIN_LISTEN=",
			"FAUNA_LOGIN_AUTH0_DOMAIN=" + keys.domain,
			"FAUNA_LOGIN_AUTH0_AUDIENCE=" + keys.audience,
			"FAUNA_LOGIN_AUTH0_JWKS_URL=" + keys.url,
			"FAUNA_LOGIN_FAUNA_DATA=" + dir,
			"FAUNA_LOGIN_FAUNA_LISTEN=",
			"FAUNA_LOGIN_FAUNA_ROOT_SECRET=" + rootSecretOfBench,
			"FAUNA_LOGIN_LIMITS_REQUESTS_PER_MINUTE_PER_SUBJECT=0",
			"FAUNA_LOGIN_LOG_LEVEL=error",
		},
	}
}

const rootSecretOfBench = "bench-root-secret"

// adminListener switches the admin listener on.
func adminListener(b *testing.B, c *command) {
	address := freeAddress(b)
	c.env, c.admin = append(c.env, "FAUNA_LOGIN_ADMIN_LISTEN="+address), "http://"+address
}

// wirePort switches the engine's wire port on.
func wirePort(b *testing.B, c *command) {
	address := freeAddress(b)
	c.env, c.fauna = append(c.env, "FAUNA_LOGIN_FAUNA_LISTEN="+address), "http://"+address
}

// launch starts a server and waits for its first answer.
func launch(b *testing.B, c command) *measured {
	b.Helper()
	p := &measured{cmd: exec.Command(c.path, c.args...), dir: c.dir, url: c.url, admin: c.admin, exited: make(chan error, 1)}
	p.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "FAUNA") }), c.env...)
	p.cmd.Stderr = &p.stderr
	begin := time.Now()
	if err := p.cmd.Start(); err != nil {
		b.Fatal(err)
	}
	go func() { p.exited <- p.cmd.Wait() }()
	b.Cleanup(func() { _ = p.cmd.Process.Kill() }) // gone already unless the benchmark failed
	p.wait(b)
	p.started = time.Since(begin)
	return p
}

// wait returns when the server answers.
func (p *measured) wait(b *testing.B) {
	b.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(time.Millisecond) {
		res, err := http.Get(p.url + "/healthz")
		if err == nil {
			_ = res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-p.exited:
			b.Fatalf("%s: %v\n%s", p.cmd, err, p.stderr.String())
		default:
		}
		if time.Now().After(deadline) {
			_ = p.cmd.Process.Kill()
			<-p.exited
			b.Fatalf("%s: no answer: %v\n%s", p.cmd, err, p.stderr.String())
		}
	}
}

// stop ends the server as an operator would. It must not have logged an error.
func (p *measured) stop(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	if err := <-p.exited; err != nil || p.stderr.Len() > 0 {
		b.Fatalf("%s: %v\n%s", p.cmd, err, p.stderr.String())
	}
}

// kill ends the server as a crash would.
func (p *measured) kill(b *testing.B) {
	b.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		b.Fatal(err)
	}
	<-p.exited // says that it was killed
}

// usage is what a process has used.
type usage struct {
	cpu time.Duration
	rss int64 // bytes, now
}

// usage reads /proc, which only Linux has.
func (p *measured) usage(b *testing.B) usage {
	b.Helper()
	dir := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	stat, err := os.ReadFile(dir + "stat")
	if err != nil {
		b.Skip("the server's CPU time is read from /proc: ", err)
	}
	const hertz, utime, stime, rss = 100, 14 - 3, 15 - 3, 24 - 3 // proc_pid_stat(5), counted after the name
	fields := strings.Fields(string(stat[bytes.LastIndexByte(stat, ')')+1:]))
	number := func(i int) int64 {
		n, err := strconv.ParseInt(fields[i], 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		return n
	}
	return usage{
		cpu: time.Duration(number(utime)+number(stime)) * time.Second / hertz,
		rss: number(rss) * int64(os.Getpagesize()),
	}
}

// profile records what the server does from now on. The returned function waits for the end and
// gives the CPU profile's file; what was allocated is beside it.
func (p *measured) profile(b *testing.B, seconds int) func() string {
	dir := *profileDir
	if dir == "" {
		dir = b.TempDir()
	}
	cpu, allocs := filepath.Join(dir, "exchange-new-64.cpu"), filepath.Join(dir, "exchange-new-64.allocs")
	ctx, cancel := context.WithCancel(context.Background())
	b.Cleanup(cancel)
	done := make(chan error, 1)
	go func() { done <- download(ctx, fmt.Sprintf("%s/debug/pprof/profile?seconds=%d", p.admin, seconds), cpu) }()
	return func() string {
		err := <-done
		if err == nil {
			err = download(ctx, p.admin+"/debug/pprof/allocs", allocs)
		}
		if err != nil {
			b.Fatal(err)
		}
		return cpu
	}
}

func download(ctx context.Context, url, file string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	content, err := io.ReadAll(res.Body)
	if err == nil && res.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, res.Status, content)
	}
	if err != nil {
		return err
	}
	return os.WriteFile(file, content, 0o600)
}

// freeAddress is a loopback address that nobody listens on. The log level hides the line that
// would tell what port 0 became.
func freeAddress(b testing.TB) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// dirSize is the length of all files under dir, in bytes.
func dirSize(b *testing.B, dir string) (size int64) {
	err := filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			size += info.Size()
		}
		return err
	})
	if err != nil {
		b.Fatal(err)
	}
	return size
}
