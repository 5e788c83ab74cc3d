package main

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/fauna-login/fauna-login/"

// arrows are the packages of ours that each package may import.
var arrows = map[string][]string{
	"cmd/fauna-login":                   {"config", "exchange", "exchange/auth0test", "exchange/web", "fqlx", "fqlx/engine"},
	"config":                            {},
	"exchange":                          {"exchange/web", "fqlx"},
	"exchange/auth0":                    {},
	"exchange/auth0test":                {},
	"exchange/examples/passwordless/go": {},
	"exchange/leaktest":                 {},
	"exchange/web":                      {},
	"fqlx":                              {},
	"fqlx/engine":                       {"fqlx/internal/eval", "fqlx/internal/resolve", "fqlx/internal/syntax", "fqlx/internal/schema", "fqlx/internal/abac", "fqlx/internal/store", "fqlx/internal/value"},
	"fqlx/engine/enginetest":            {"fqlx/engine"},
	"fqlx/internal/eval":                {"fqlx/internal/resolve", "fqlx/internal/syntax", "fqlx/internal/schema", "fqlx/internal/abac", "fqlx/internal/store", "fqlx/internal/value"},
	"fqlx/internal/resolve":             {"fqlx/internal/syntax"},
	"fqlx/internal/schema":              {"fqlx/internal/syntax", "fqlx/internal/value"},
	"fqlx/internal/abac":                {"fqlx/internal/schema", "fqlx/internal/syntax"},
	"fqlx/internal/store":               {},
	"fqlx/internal/syntax":              {},
	"fqlx/internal/value":               {},
}

// owners are the only packages that may import a library, where there is just one.
var owners = map[string]string{
	"github.com/spf13/viper":                "config",
	"github.com/fauna/fauna-go/v3":          "fqlx",
	"github.com/cockroachdb/pebble/v2":      "fqlx/internal/store",
	"golang.org/x/crypto":                   "fqlx/internal/eval",
	"github.com/golang-jwt/jwt/v5":          "exchange",
	"github.com/MicahParks/keyfunc/v3":      "exchange",
	"github.com/labstack/echo/v4":           "exchange",
	"github.com/auth0/go-jwt-middleware/v2": "exchange",
	"github.com/spf13/cobra":                "cmd/fauna-login",
	"golang.org/x/oauth2":                   "", // tests alone
	"testing":                               "",
	"net/http/httptest":                     "",
}

func TestArrows(t *testing.T) {
	out, err := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, module+"...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		fields := strings.Fields(line)
		name := strings.TrimPrefix(fields[0], module)
		allowed, ok := arrows[name]
		if !ok {
			t.Errorf("package %s is not on the map", name)
			continue
		}
		for _, imported := range fields[1:] {
			if own, ok := strings.CutPrefix(imported, module); ok && !slices.Contains(allowed, own) {
				t.Errorf("%s imports %s", name, own)
			}
			for library, owner := range owners {
				if (imported == library || strings.HasPrefix(imported, library+"/")) && name != owner && name != "fqlx/engine/enginetest" {
					t.Errorf("%s imports %s", name, imported)
				}
			}
		}
	}
}
