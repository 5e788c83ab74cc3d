package abac

import (
	"testing"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

var actions = []schema.Action{
	schema.Read, schema.HistoryRead, schema.UnrestrictedRead,
	schema.Write, schema.Create, schema.CreateWithID, schema.Delete, schema.HistoryWrite, schema.Call,
}

// kinds of actions in the matrix
const (
	reads  = "r" // read, history_read, unrestricted_read
	writes = "w" // write, create, create_with_id, delete, history_write
	calls  = "c"
)

func kindOf(a schema.Action) string {
	switch a {
	case schema.Read, schema.HistoryRead, schema.UnrestrictedRead:
		return reads
	case schema.Call:
		return calls
	}
	return writes
}

// TestBuiltinMatrix is the table of Fauna's built-in roles, each cell for every action.
func TestBuiltinMatrix(t *testing.T) {
	classes := map[string][]string{
		"user":     {"Todo", "auth0_jwt", "greet"},
		"schema":   {"Collection", "Function"},
		"keepers":  {"Database", "Key", "Role", "AccessProvider"},
		"identity": {"Token", "Credential"},
	}
	matrix := []struct {
		name    string
		role    Builtin
		permits map[string]string // class → kinds of actions
	}{
		{"none", None, nil},
		{"client", Client, nil},
		{"server-readonly", ServerReadonly, map[string]string{"user": "r", "schema": "r", "identity": "r"}},
		{"server", Server, map[string]string{"user": "rwc", "schema": "rw", "identity": "rw"}},
		{"admin", Admin, map[string]string{"user": "rwc", "schema": "rw", "keepers": "rw", "identity": "rw"}},
		{"predicate", Predicate, map[string]string{"user": "rc", "schema": "r", "identity": "r"}},
		{"out of range", Predicate + 1, nil},
	}
	for _, row := range matrix {
		for class, resources := range classes {
			for _, resource := range resources {
				for _, a := range actions {
					want := contains(row.permits[class], kindOf(a))
					rights := Rights{Builtin: row.role}
					if got := rights.Allows(resource, a, never(t)); got != want {
						t.Errorf("%s: Allows(%s, %s) = %v, want %v", row.name, resource, a, got, want)
					}
					if got := rights.HasAny(resource, a); got != want {
						t.Errorf("%s: HasAny(%s, %s) = %v, want %v", row.name, resource, a, got, want)
					}
				}
			}
		}
		if rights := (Rights{Builtin: row.role}); rights.Allows("Todo", "drop", never(t)) {
			t.Errorf("%s permits an action that does not exist", row.name)
		}
	}
}

func contains(kinds, kind string) bool {
	for _, k := range kinds {
		if string(k) == kind {
			return true
		}
	}
	return false
}

// never fails the test if a predicate is evaluated.
func never(t *testing.T) func(schema.Source, *syntax.LambdaExpr) bool {
	return func(schema.Source, *syntax.LambdaExpr) bool {
		t.Error("a predicate was evaluated")
		return false
	}
}

func TestRoles(t *testing.T) {
	yes, no := &syntax.LambdaExpr{}, &syntax.LambdaExpr{}
	role := func(resource string, a schema.Action, p *syntax.LambdaExpr) *schema.Role {
		return &schema.Role{
			Source:     schema.Source{Name: "*" + resource + "*"},
			Privileges: map[string]schema.Privileges{resource: {a: {Predicate: p}}},
		}
	}
	roles := func(rs ...*schema.Role) Rights { return Rights{Roles: rs} }
	tests := []struct {
		name      string
		rights    Rights
		resource  string
		action    schema.Action
		allows    bool
		hasAny    bool
		evaluated int
	}{
		{"zero", Rights{}, "Todo", schema.Read, false, false, 0},
		{"no roles", roles(), "Todo", schema.Read, false, false, 0},
		{"granted", roles(role("Todo", schema.Read, nil)), "Todo", schema.Read, true, true, 0},
		{"other action", roles(role("Todo", schema.Read, nil)), "Todo", schema.Write, false, false, 0},
		{"other resource", roles(role("Todo", schema.Read, nil)), "Note", schema.Read, false, false, 0},
		{"predicate holds", roles(role("Todo", schema.Read, yes)), "Todo", schema.Read, true, true, 1},
		{"predicate fails", roles(role("Todo", schema.Read, no)), "Todo", schema.Read, false, true, 1},
		{"union: a later role grants", roles(role("Todo", schema.Read, no), role("Todo", schema.Read, yes)),
			"Todo", schema.Read, true, true, 2},
		{"union: outright grant first", roles(role("Todo", schema.Read, no), role("Todo", schema.Read, nil)),
			"Todo", schema.Read, true, true, 0},
		{"union: first that holds ends it", roles(role("Todo", schema.Read, yes), role("Todo", schema.Read, no)),
			"Todo", schema.Read, true, true, 1},
		{"call", roles(role("greet", schema.Call, nil)), "greet", schema.Call, true, true, 0},
		{"create is not create_with_id", roles(role("Todo", schema.Create, nil)), "Todo", schema.CreateWithID, false, false, 0},
		{"system collection", roles(role("Token", schema.Create, nil)), "Token", schema.Create, true, true, 0},
		{"a built-in role stands alone", Rights{Builtin: Client, Roles: []*schema.Role{role("Todo", schema.Read, nil)}},
			"Todo", schema.Read, false, false, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			evaluated := 0
			holds := func(src schema.Source, p *syntax.LambdaExpr) bool {
				evaluated++
				if src.Name != "*"+tt.resource+"*" {
					t.Errorf("predicate evaluated in source %q", src.Name)
				}
				return p == yes
			}
			if got := tt.rights.Allows(tt.resource, tt.action, holds); got != tt.allows {
				t.Errorf("Allows = %v, want %v", got, tt.allows)
			}
			if evaluated != tt.evaluated {
				t.Errorf("%d predicates evaluated, want %d", evaluated, tt.evaluated)
			}
			if got := tt.rights.HasAny(tt.resource, tt.action); got != tt.hasAny {
				t.Errorf("HasAny = %v, want %v", got, tt.hasAny)
			}
		})
	}
}
