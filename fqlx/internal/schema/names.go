package schema

import "github.com/fauna-login/fauna-login/fqlx/internal/value"

// systemCollections are Fauna's own, by name.
var systemCollections = map[string]value.CollID{
	"Collection":     CollCollection,
	"Function":       CollFunction,
	"Role":           CollRole,
	"AccessProvider": CollAccessProvider,
	"Database":       CollDatabase,
	"Key":            CollKey,
	"Token":          CollToken,
	"Credential":     CollCredential,
	"Credentials":    CollCredential,
}

// systemNames are the names of the system collections, by number.
var systemNames = map[value.CollID]string{
	CollCollection:     "Collection",
	CollFunction:       "Function",
	CollRole:           "Role",
	CollAccessProvider: "AccessProvider",
	CollDatabase:       "Database",
	CollKey:            "Key",
	CollToken:          "Token",
	CollCredential:     "Credential",
}

// CollectionName returns the name of a collection, user's or Fauna's own; false if there
// is none of that number (any more).
func (s *Schema) CollectionName(id value.CollID) (string, bool) {
	if name, ok := systemNames[id]; ok {
		return name, true
	}
	if c := s.byID[id]; c != nil {
		return c.Name, true
	}
	return "", false
}

// CollectionNumber returns the number of the collection called name, user's (also by its
// alias) or Fauna's own.
func (s *Schema) CollectionNumber(name string) (value.CollID, bool) {
	if c := s.collections[name]; c != nil {
		return c.ID, true
	}
	id, ok := systemCollections[name]
	return id, ok
}

// reserved are the names that no collection, function or alias may have: globals of the
// language, its keywords, and words that Fauna keeps for itself (Fauna: GlobalNamespaceValidator).
var reserved = set(
	"Array", "Boolean", "Bytes", "Date", "Doc", "Double", "EventSource", "FQL", "Float", "ID", "Int",
	"Long", "Math", "Null", "Number", "Object", "Query", "Set", "SetCursor", "String", "Struct", "Time",
	"TransactionTime", "UUID",
	"Collection", "Function", "Role", "AccessProvider", "Database", "Key", "Credential", "Credentials", "Token",
	"log", "dbg", "abort", "asc", "desc", "newId",
	"if", "else", "at", "match", "case", "let", "null", "true", "false", "isa", "join", "on", "of", "_",
	"Any", "Never", "struct", "interface", "type", "function", "collection",
)

// documentMembers are the names that a declared field may not have: members of every document.
var documentMembers = set("id", "coll", "ts", "ttl", "data",
	"delete", "update", "replace", "updateData", "replaceData", "exists")

// collectionMembers are the names that an index may not have: members of every collection.
var collectionMembers = set("all", "byId", "where", "firstWhere", "create", "createData", "definition", "toString")

// IsDocumentMember reports whether every document has a member called name, so that a
// field of that name can only be reached through `data`.
func IsDocumentMember(name string) bool { return documentMembers[name] }

// builtinRoles are the roles that a function may run with besides those of the schema.
var builtinRoles = set("admin", "server", "server-readonly", "client")

func set(names ...string) map[string]bool {
	out := make(map[string]bool, len(names))
	for _, n := range names {
		out[n] = true
	}
	return out
}

// isIdentifier reports whether name is [a-zA-Z_][a-zA-Z0-9_]*.
func isIdentifier(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'a' <= c|0x20 && c|0x20 <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != ""
}
