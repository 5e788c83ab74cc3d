package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/fauna-login/fauna-login/config"
	"github.com/fauna-login/fauna-login/exchange/leaktest"
	"github.com/rogpeppe/go-internal/testscript"
)

// suite is what all conversations of a run have in common: the secrets they met, and what their
// programs wrote.
type suite struct {
	watch leaktest.Watch

	mu    sync.Mutex
	texts map[string]string // script, program and kind → log, metrics or audit
	lines map[string]string // those of them that are lines of JSON
}

// keep keeps what a program wrote; a script's programs of one name are kept together.
func (s *suite) keep(name, text string, lines bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.texts[name] += text
	if lines {
		s.lines[name] += text
	}
}

// faults are secrets, tokens and claims in what was written, and lines of the log or the audit that
// are not one JSON object of at most 8 KiB.
func (s *suite) faults() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	faults := s.watch.Leaks(s.texts)
	for _, name := range slices.Sorted(maps.Keys(s.lines)) {
		for _, line := range leaktest.BadLines(s.lines[name]) {
			faults = append(faults, fmt.Sprintf("%s: not a line: %s", name, line))
		}
	}
	return faults
}

// keep keeps what a program wrote. serve prints nothing else than its log, and maybe its audit;
// what the others print is for whoever started them.
func (c *conversation) keep(r *running) {
	name := c.name + ": " + r.name
	c.suite.keep(name+": log", r.stderr.String(), r.json)
	if r.name != "serve" {
		return
	}
	c.suite.keep(name+": output", r.stdout.String(), r.json)
	if r.audit != "" {
		lines, err := os.ReadFile(r.audit)
		if err != nil {
			lines = []byte("reading the audit: " + err.Error()) // no line
		}
		c.suite.keep(name+": audit", string(lines), true)
	}
}

// keepMetrics keeps the metrics of a program that still runs.
func (c *conversation) keepMetrics(r *running) {
	if r.admin == "" {
		return
	}
	text := ""
	res, err := http.Get("http://" + r.admin + "/metrics")
	if err == nil {
		defer res.Body.Close()
		var body []byte
		body, err = io.ReadAll(res.Body)
		text = string(body)
	}
	if err != nil {
		c.suite.keep(c.name+": metrics", "reading the metrics: "+err.Error(), true) // no line
	}
	c.suite.keep(c.name+": "+r.name+": metrics", text, false)
}

// watchServe keeps the secrets in the configuration of a serve that is to be started, and gives it
// a file for its audit unless it has an output.
func (c *conversation) watchServe(ts *testscript.TestScript, args []string) (audit string, json bool) {
	options := config.Options{Dir: ts.MkAbs("."), Env: append(c.env, environ(ts)...)}
	if at := slices.Index(args, "--config"); at >= 0 && at+1 < len(args) {
		options.File = args[at+1]
	}
	cfg, err := config.Load(options)
	if err != nil {
		return "", false // the program will say so
	}
	c.suite.watch.Secret(cfg.Fauna.Secret.Reveal(), cfg.Fauna.RootSecret.Reveal())
	for _, key := range cfg.Session.Keys {
		c.suite.watch.Secret(key.Reveal())
	}
	for _, tenant := range cfg.Auth0.Tenants {
		for _, token := range tenant.EventTokens {
			c.suite.watch.Secret(token.Reveal())
		}
	}
	switch audit = cfg.Audit.Output; audit {
	case "":
		audit = ts.MkAbs("audit.log")
		c.env = append(c.env, "FAUNA_LOGIN_AUDIT_OUTPUT="+audit)
	case auditStdout:
		audit = ""
	default:
		audit = ts.MkAbs(audit)
	}
	return audit, cfg.Log.Format == "json"
}

// The check of the conversations finds what a program writes down.
func TestScriptFindsLeaks(t *testing.T) {
	dir := t.TempDir()
	const script = `
tenant ISSUER
env PASS='FAUNA_LOGIN_AUTH0_ISSUERS FAUNA_LOGIN_AUTH0_AUDIENCE'
env FAUNA_LOGIN_AUTH0_AUDIENCE=https://api.example.com
env FAUNA_LOGIN_AUTH0_ISSUERS=$ISSUER
serve
mint TOKEN ISSUER '{"sub":"auth0|'$RUN'","https://example.com/team":"the blue team"}'
login SECRET $TOKEN
write log.txt audit.txt $TOKEN $SECRET
stop

-- log.txt --
{"msg":"TOKEN"}
{"msg":"the blue team"}
-- audit.txt --
{"msg":"SECRET"}
not JSON
`
	if err := os.WriteFile(filepath.Join(dir, "leaky.txtar"), []byte(script), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &suite{texts: map[string]string{}, lines: map[string]string{}}
	params := s.params(dir)
	// write LOG AUDIT TOKEN SECRET: adds the files to what the program has written.
	params.Cmds["write"] = func(ts *testscript.TestScript, neg bool, args []string) {
		c := of(ts)
		r := c.running[len(c.running)-1]
		fmt.Fprint(&r.stderr, strings.ReplaceAll(ts.ReadFile(args[0]), "TOKEN", args[2][30:60]))
		audit, err := os.OpenFile(r.audit, os.O_APPEND|os.O_WRONLY, 0)
		ts.Check(err)
		defer audit.Close()
		fmt.Fprint(audit, strings.ReplaceAll(ts.ReadFile(args[1]), "SECRET", args[3]))
	}
	t.Run("conversation", func(t *testing.T) { testscript.Run(t, params) })

	if metrics := s.texts["leaky: serve: metrics"]; !strings.Contains(metrics, `fauna_login_exchanges_total{outcome="issued",reason=""} 1`) {
		t.Errorf("metrics: %s", metrics)
	}
	faults := s.faults()
	for _, want := range []string{
		"leaky: serve: audit holds 5", // bytes of a secret
		"leaky: serve: log holds 30 bytes of a secret",
		"leaky: serve: log holds a claim",
		"leaky: serve: audit: not a line: 9 bytes",
	} {
		if !slices.ContainsFunc(faults, func(fault string) bool { return strings.HasPrefix(fault, want) }) {
			t.Errorf("not found: %s", want)
		}
	}
	if len(faults) != 4 {
		t.Errorf("%d faults: %s", len(faults), strings.Join(faults, "\n"))
	}
}
