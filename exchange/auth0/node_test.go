package auth0_test

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"testing"
)

// node is a running testdata/harness.mjs.
type node struct {
	testing.TB
	in  io.Writer
	out *bufio.Scanner
}

// outcome is what came of one run of a script.
type outcome struct {
	AccessToken, IDToken m
	Denied               string
	// of Rules and database scripts
	Calls  int // of the callback
	Error  *scriptError
	Result any
	// Thrown is an error that left the script, or a promise that nobody looked after.
	Thrown string
	MS     int // it took
	Log    []string
}

type scriptError struct{ Name, Message, Code, ID string }

func startNode(tb testing.TB) *node {
	tb.Helper()
	path, err := exec.LookPath("node")
	if err != nil {
		if os.Getenv("CI") == "true" {
			tb.Fatal("Node.js is not there, and no script was tried")
		}
		tb.Skip("SKIPPED: Node.js is not there, and no script was tried")
	}
	c := exec.Command(path, "testdata/harness.mjs")
	c.Stderr = os.Stderr
	in, err := c.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := c.Start(); err != nil {
		tb.Fatal(err)
	}
	n := &node{TB: tb, in: in, out: bufio.NewScanner(out)}
	n.out.Buffer(nil, 1<<20)
	tb.Cleanup(func() {
		in.Close()
		if err := c.Wait(); err != nil {
			tb.Errorf("node: %v", err)
		}
	})
	return n
}

// run has the harness do a command. No script may throw, or tell its log what it must not.
func (n *node) run(command m) outcome {
	n.Helper()
	line, err := json.Marshal(command)
	if err != nil {
		n.Fatal(err)
	}
	if _, err := n.in.Write(append(line, '\n')); err != nil {
		n.Fatal(err)
	}
	if !n.out.Scan() {
		n.Fatalf("node has ended: %v", n.out.Err())
	}
	var o outcome
	if err := json.Unmarshal(n.out.Bytes(), &o); err != nil {
		n.Fatal(err)
	}
	if o.Thrown != "" {
		n.Errorf("the script throws: %s", o.Thrown)
	}
	checkLog(n, o.Log)
	return o
}

// restart makes new instances of all scripts; cache says whether api.cache survives.
func (n *node) restart(cache bool) {
	n.Helper()
	command := m{"restart": true}
	if cache {
		command["cache"] = "keep"
	}
	n.run(command)
}
