package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/web"
)

// The README's examples of roles are those that the conversation app_notes tries, and
// the first is the demo's.
func TestReadmeRolesAreTried(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	script, err := os.ReadFile("../../testdata/script/app_notes.txtar")
	if err != nil {
		t.Fatal(err)
	}
	examples := regexp.MustCompile("(?s)```\n(collection .*?)```").FindAllStringSubmatch(string(readme), -1)
	if len(examples) != 2 {
		t.Fatalf("%d examples in the README, want 2", len(examples))
	}
	for _, example := range examples {
		if !strings.Contains(string(script), example[1]) {
			t.Errorf("app_notes.txtar lacks the README's\n%s", example[1])
		}
	}
	if !strings.Contains(web.DemoSchema(), examples[0][1]) {
		t.Errorf("the demo's notes are not the README's")
	}
}
