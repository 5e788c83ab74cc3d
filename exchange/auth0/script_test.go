package auth0_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func read(tb testing.TB, name string) string {
	tb.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

var setting = regexp.MustCompile(`\b(?:secrets|configuration)\.([A-Z_]+)\b|^ {1,4}const \{ ([A-Z_, ]+) \} = (?:event\.secrets|configuration);`)

// Each script says what it needs, in itself and in README.md, is within Auth0's limit, and
// carries the same copy of what it shares with others.
func TestScripts(t *testing.T) {
	readme := read(t, "README.md")
	shared := map[string]string{} // first line → the rest of the file
	files, err := filepath.Glob("*.js")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob("database/*.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range append(files, more...) {
		text := read(t, name)
		if len(text) > 100_000 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		if !strings.Contains(readme, "`"+name+"`") {
			t.Errorf("README.md does not name %s", name)
		}
		for line := range strings.Lines(text) {
			for _, match := range setting.FindAllStringSubmatch(line, -1) {
				for _, one := range strings.Split(match[1]+match[2], ", ") {
					if strings.Count(text, one) < 2 || !strings.Contains(readme, "`"+one+"`") {
						t.Errorf("%s does not explain %s", name, one)
					}
				}
			}
		}
		for _, start := range []string{"// POST /fauna-login/on-behalf.", "  // Calls a function of fauna-login.database.fsl."} {
			if _, rest, ok := strings.Cut(text, start); ok {
				if shared[start] == "" {
					shared[start] = rest
				}
				if rest != shared[start] {
					t.Errorf("%s: what follows %q is not as in the other files", name, start)
				}
			}
		}
	}
	if len(files) != 4 || len(more) != 6 || len(shared) != 2 {
		t.Errorf("%d scripts, %d of the database, %d shared parts", len(files), len(more), len(shared))
	}
}
