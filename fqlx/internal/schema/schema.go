package schema

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Schema is everything the FSL files of a database declare, bound together and checked.
// It is immutable.
type Schema struct {
	// Version is the commit time (µs) of the push that made it.
	Version     int64
	Files       []File // by name
	Collections []*Collection
	Functions   []*Function
	Roles       []*Role

	collections map[string]*Collection       // name or alias → collection
	byID        map[value.CollID]*Collection // number → collection
	functions   map[string]*Function         // name or alias → function
	roles       map[string]*Role             // name → role
	members     map[value.CollID][]*Role     // collection → roles with a membership of it
	ids         IDs
}

// File is one FSL file as it was pushed.
type File struct{ Name, Content string }

// Source tells where a declaration stands, for error summaries: the file's name between
// asterisks as Fauna prints it (`*main.fsl*`) and the file's text.
type Source struct{ Name, Text string }

// Collection is a user collection.
type Collection struct {
	ID          value.CollID
	Name, Alias string
	Decl        *syntax.CollectionDecl
	Source      Source

	Fields []Field // as declared, without computed ones
	// Wildcard is the type of undeclared fields; nil means that they are refused. A collection
	// that declares no field has Wildcard Any.
	Wildcard *Type
	Computed []Computed
	Uniques  []Unique
	Checks   []Check
	Indexes  []*Index
	// TTLDays is 0 where the collection has none.
	TTLDays      int64
	HistoryDays  int64
	DocumentTTLs bool
	// Storage is every index that is kept for the collection: those of Indexes and of
	// Uniques, each definition once.
	Storage []*Index
}

// Field is a declared field.
type Field struct {
	Name    string
	Type    *Type
	Default syntax.Expr // nil where there is none
}

// Computed is a computed field.
type Computed struct {
	Name string
	Type *Type // may be nil
	Body *syntax.LambdaExpr
}

// Check is a check constraint.
type Check struct {
	Name string
	Body *syntax.LambdaExpr
}

// Unique is a unique constraint. Index is the storage whose terms are its paths: the same
// one as an index of equal terms, if the collection declares such.
type Unique struct {
	Paths []Path
	Index *Index
}

// Index is a sorted storage of a collection's documents: found by terms, ordered by
// values, then by document id. Name is empty if only a unique constraint uses it.
type Index struct {
	ID     uint32
	Name   string
	Terms  []Path
	Values []Path
}

// Path is a field path of an index or unique constraint.
type Path struct {
	Path []string
	MVA  bool
	Desc bool
}

// Function is a user-defined function.
type Function struct {
	Name, Alias string
	Role        string // of @role, or empty
	Decl        *syntax.FunctionDecl
	Source      Source
	Params      []*Type // nil elements where untyped
	Rest        *Type
	Result      *Type
}

// Role is a user-defined role.
type Role struct {
	Name       string
	Decl       *syntax.RoleDecl
	Source     Source
	Privileges map[string]Privileges // resource name → what may be done with it
	Membership []Membership
}

// Privileges maps an action to its condition.
type Privileges map[Action]Condition

// Condition is when an action is granted: always, or if Predicate is exactly true.
type Condition struct{ Predicate *syntax.LambdaExpr }

// Membership is a collection whose documents have the role, if Predicate holds (nil: always).
type Membership struct {
	Collection *Collection
	Predicate  *syntax.LambdaExpr
}

// Action is what a privilege is about (Fauna: FSL role).
type Action string

const (
	Read             Action = "read"
	Write            Action = "write"
	Create           Action = "create"
	CreateWithID     Action = "create_with_id"
	Delete           Action = "delete"
	HistoryRead      Action = "history_read"
	HistoryWrite     Action = "history_write"
	UnrestrictedRead Action = "unrestricted_read"
	Call             Action = "call"
)

// The numbers of the system collections. Those of user collections start at FirstUserColl.
const (
	CollCollection value.CollID = iota + 1
	CollFunction
	CollRole
	CollAccessProvider
	CollDatabase
	CollKey
	CollToken
	CollCredential
	FirstUserColl value.CollID = 64
)

// IDs are the numbers given out so far in one database; a number is never given twice.
type IDs struct {
	NextColl    uint32            `json:"next_coll"`
	NextIndex   uint32            `json:"next_index"`
	Collections map[string]uint32 `json:"collections"` // name → number
	Indexes     map[string]uint32 `json:"indexes"`     // collection number and definition → number
}

// Collection returns the collection called name, also by its alias; nil if there is none.
func (s *Schema) Collection(name string) *Collection { return s.collections[name] }

// CollectionByID returns the user collection of a number; nil if there is none (any more).
func (s *Schema) CollectionByID(id value.CollID) *Collection { return s.byID[id] }

// Function returns the function called name, also by its alias; nil if there is none.
func (s *Schema) Function(name string) *Function { return s.functions[name] }

// Role returns the role called name; nil if there is none.
func (s *Schema) Role(name string) *Role { return s.roles[name] }

// MemberRoles returns the roles that have a membership of the collection.
func (s *Schema) MemberRoles(id value.CollID) []*Role { return s.members[id] }
