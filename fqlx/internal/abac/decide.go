package abac

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// Allows reports whether the action on the resource is permitted. resource is the own name
// (not an alias) of a collection, of a user's or Fauna's own, or of a function.
//
// Conditions are put to holds, which evaluates the predicate p of a declaration in src for
// the documents or arguments at hand. It has to answer true only if the predicate's result
// is exactly true: null, other values and errors are false.
func (r Rights) Allows(resource string, a schema.Action, holds func(src schema.Source, p *syntax.LambdaExpr) bool) bool {
	if r.Builtin != None {
		return r.Builtin.permits(resource, a)
	}
	// What needs no predicate comes first: evaluating one costs reads.
	for _, role := range r.Roles {
		if c, ok := role.Privileges[resource][a]; ok && c.Predicate == nil {
			return true
		}
	}
	for _, role := range r.Roles {
		if c, ok := role.Privileges[resource][a]; ok && c.Predicate != nil && holds(role.Source, c.Predicate) {
			return true
		}
	}
	return false
}

// HasAny reports whether the action on the resource may be permitted for some documents: a
// privilege with a predicate counts. Fauna asks this at an index call, and for a set.
func (r Rights) HasAny(resource string, a schema.Action) bool {
	if r.Builtin != None {
		return r.Builtin.permits(resource, a)
	}
	for _, role := range r.Roles {
		if _, ok := role.Privileges[resource][a]; ok {
			return true
		}
	}
	return false
}

// class groups the resources that the built-in roles tell apart.
type class uint8

const (
	data     class = iota // a user collection or function
	schemas               // Collection, Function
	keepers               // Database, Key, Role, AccessProvider: who may do what
	identity              // Token, Credential
)

func classOf(resource string) class {
	switch resource {
	case "Collection", "Function":
		return schemas
	case "Database", "Key", "Role", "AccessProvider":
		return keepers
	case "Token", "Credential":
		return identity
	}
	return data
}

// permits is Fauna's table of what its own roles may do.
func (b Builtin) permits(resource string, a schema.Action) bool {
	c := classOf(resource)
	switch a {
	case schema.Read, schema.HistoryRead, schema.UnrestrictedRead:
		return b == Admin || c != keepers && (b == Server || b == ServerReadonly || b == Predicate)
	case schema.Write, schema.Create, schema.CreateWithID, schema.Delete, schema.HistoryWrite:
		return b == Admin || c != keepers && b == Server
	case schema.Call:
		return c == data && (b == Admin || b == Server || b == Predicate)
	}
	return false
}
