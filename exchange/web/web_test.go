package web_test

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/web"
)

func TestFiles(t *testing.T) {
	for name, file := range map[string]web.File{"fauna-login.js": web.Client(), "fauna-login.d.ts": web.Types()} {
		want, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if file.Body != string(want) || file.ContentType == "" {
			t.Errorf("%s is not what is sent", name)
		}
		if !regexp.MustCompile(`^"[0-9a-f]{32}"$`).MatchString(file.ETag) {
			t.Errorf("%s: ETag %s", name, file.ETag)
		}
	}
	if web.Client().ETag == web.Types().ETag {
		t.Error("two files, one ETag")
	}
}

// TestClient runs the client's own tests, dev.test.mjs among them against this very program.
func TestClient(t *testing.T) {
	node, err := exec.LookPath("node")
	if err != nil {
		missing(t, "node is not there: THE BROWSER CLIENT WAS NOT TESTED")
	}
	if _, err := os.Stat("node_modules/fauna"); err != nil {
		missing(t, "the fauna driver is not there: THE BROWSER CLIENT WAS NOT TESTED; run npm ci in exchange/web")
	}
	tests, err := filepath.Glob("test/*.test.mjs")
	if err != nil || len(tests) == 0 {
		t.Fatalf("no tests in test: %v", err)
	}
	readSources(t)
	binary := filepath.Join(t.TempDir(), "fauna-login")
	build := exec.Command("go", "build", "-o", binary, "../../cmd/fauna-login")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building the program: %v\n%s", err, out)
	}
	command := exec.Command(node, append([]string{"--test", "--test-reporter=tap"}, tests...)...)
	command.Env = append(os.Environ(), "FAUNA_LOGIN_BINARY="+binary)
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("node --test: %v\n%s", err, out)
	}
	if passed := regexp.MustCompile(`(?m)^# pass [1-9]`); !passed.Match(out) {
		t.Fatalf("no test ran:\n%s", out)
	}
	for line := range bytes.Lines(out) {
		if bytes.Contains(line, []byte("# SKIP")) || bytes.HasPrefix(line, []byte("# pass")) {
			t.Logf("%s", bytes.TrimSpace(line))
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

// readSources looks at every file that the result depends on, for `go test` to know when a
// result that it keeps is out of date: what node and the program read it does not see.
func readSources(t *testing.T) {
	t.Helper()
	err := filepath.WalkDir("../..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git"):
			return filepath.SkipDir
		case entry.IsDir():
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".fsl", ".fql", ".js", ".mjs", ".json", ".mod":
			_, err = os.Stat(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
