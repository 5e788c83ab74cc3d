package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"
)

const (
	webDir      = "../../exchange/web"
	browserDir  = webDir + "/browser"
	examplesDir = "../../exchange/examples"
)

// TestBrowser runs the tests in exchange/web/browser: pages in a real Chromium against the real
// program in each mode. The pages are the examples, built as their READMEs say, and a bare one.
// Each file of tests is a subtest, as TestBrowser/csrf, and has a world and a clock of its own.
func TestBrowser(t *testing.T) {
	chromium, err := exec.LookPath("chromium")
	if err != nil {
		missing(t, "chromium is not there: NOTHING WAS TRIED IN A BROWSER")
	}
	for _, name := range []string{"node", "npm"} {
		if _, err := exec.LookPath(name); err != nil {
			missing(t, name+" is not there: NOTHING WAS TRIED IN A BROWSER")
		}
	}
	for _, dir := range []string{browserDir, examplesDir + "/spa", examplesDir + "/react"} {
		if _, err := os.Stat(filepath.Join(dir, "node_modules")); err != nil {
			missing(t, "the packages in "+dir+" are not there: NOTHING WAS TRIED IN A BROWSER; run make node-modules")
		}
	}
	rememberSources(t, webDir)
	rememberSources(t, examplesDir)

	pages := t.TempDir()
	for _, name := range []string{"spa", "react"} {
		run(t, filepath.Join(examplesDir, name), nil, "npm", "run", "build", "--", "--outdir="+filepath.Join(pages, name))
	}
	run(t, browserDir, nil, "npm", "run", "build", "--", "--outdir="+filepath.Join(pages, "kit"))

	files, err := filepath.Glob(browserDir + "/*.test.mjs")
	if err != nil || len(files) == 0 {
		t.Fatalf("no tests: %v", err)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(strings.TrimSuffix(name, ".test.mjs"), func(t *testing.T) {
			w := startBrowserWorld(t, pages) // one after the other: ports that are free are so for a moment
			w.Chromium = chromium
			t.Parallel()
			runInBrowser(t, w, name)
		})
	}
}

func runInBrowser(t *testing.T, w *browserWorld, name string) {
	world, err := json.Marshal(w)
	if err != nil {
		t.Fatal(err)
	}
	out := run(t, browserDir, []string{"FAUNA_LOGIN_WORLD=" + string(world)}, "npm", "test", "--silent", "--", name)
	if passed := regexp.MustCompile(`(?m)^# pass [1-9]`); !passed.MatchString(out) {
		t.Fatalf("no test ran:\n%s", out)
	}
	for line := range strings.Lines(out) {
		if strings.Contains(line, "# SKIP") || strings.HasPrefix(line, "# pass") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// missing skips the test where somebody develops, and fails it where everything should be there.
func missing(t *testing.T, what string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(what)
	}
	t.Skip(what)
}

// run runs a command to its end, for ten minutes at most, and returns what it printed.
func run(t *testing.T, dir string, env []string, name string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, name, args...)
	command.Cancel = func() error { return command.Process.Signal(os.Interrupt) } // the browser ends, too
	command.WaitDelay = 5 * time.Second
	command.Dir, command.Env = dir, append(os.Environ(), env...)
	var out bytes.Buffer
	command.Stdout, command.Stderr = &out, &out
	if err := command.Run(); err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out.String())
	}
	return out.String()
}

// rememberSources looks at every file below dir, for `go test` to know when a result that it keeps
// is out of date: what node reads it does not see.
func rememberSources(t *testing.T, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case !entry.IsDir():
			_, err = os.Stat(path)
			return err
		case entry.Name() == "node_modules" || entry.Name() == "dist":
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
