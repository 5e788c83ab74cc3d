package config_test

import (
	"os"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/config"
)

// TestREADME compares the README's table of keys with the structs. To rewrite it:
//
//	go test ./config -run README -update
func TestREADME(t *testing.T) {
	const file, begin, end = "../README.md", "<!-- config -->\n", "<!-- /config -->"
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok1 := strings.Cut(string(b), begin)
	table, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		t.Fatalf("README.md lacks the markers %q and %q", begin, end)
	}
	if strings.TrimSpace(table) == strings.TrimSpace(config.Table()) {
		return
	}
	if !*update {
		t.Fatal("the table of keys is old: go test ./config -run README -update")
	}
	if err := os.WriteFile(file, []byte(before+begin+"\n"+config.Table()+"\n"+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func TestVariablesAreUnique(t *testing.T) {
	seen := map[string]string{} // FAUNA_LOGIN_* → path
	for line := range strings.Lines(config.Table()) {
		path, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		if !ok {
			continue
		}
		name := strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
		if other, ok := seen[name]; ok {
			t.Errorf("%s and %s share a variable", path, other)
		}
		seen[name] = path
	}
}
