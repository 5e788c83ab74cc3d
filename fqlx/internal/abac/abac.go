package abac

import "github.com/fauna-login/fauna-login/fqlx/internal/schema"

// Builtin is one of Fauna's built-in roles. The zero Builtin is none.
type Builtin uint8

const (
	None Builtin = iota
	Client
	ServerReadonly
	Server
	Admin
	// Predicate is the authority that role predicates run with: every document may be read but
	// those of Database, Key, Role and AccessProvider, any function may be called, nothing may
	// be written.
	Predicate
)

// Rights are the permissions of a caller: a built-in role, or a union of user roles. The
// zero Rights permit nothing.
type Rights struct {
	Builtin Builtin
	Roles   []*schema.Role
}
