package schema

import (
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Type is the type of a stored field or of a function's argument or result.
type Type struct {
	kind   typeKind
	name   string       // as Fauna prints it
	alts   []*Type      // of a union; the element of an array; the elements of a tuple
	fields []Field      // of an object
	rest   *Type        // of an object's undeclared fields; nil refuses them
	coll   value.CollID // of a reference
	lit    value.Value  // of a literal type
	schema *Schema      // names the collections of values in messages
}

type typeKind uint8

const (
	kindAny typeKind = iota
	kindNever
	kindNull
	kindBoolean
	kindInt
	kindLong
	kindDouble
	kindNumber
	kindString
	kindBytes
	kindTime
	kindDate
	kindID
	kindUUID
	kindLiteral
	kindUnion
	kindArray
	kindTuple
	kindObject
	kindRef
	kindOther // a set or function: values that are never stored
)

// String returns the type as Fauna prints it: `String | Null` for `String?`. The type of
// what is not typed, nil, is Any.
func (t *Type) String() string {
	if t == nil {
		return "Any"
	}
	return t.name
}

// Nullable reports whether the value may be absent.
func (t *Type) Nullable() bool {
	switch t.kind {
	case kindAny, kindNull:
		return true
	case kindUnion:
		for _, a := range t.alts {
			if a.Nullable() {
				return true
			}
		}
	}
	return false
}

// only returns the one alternative that is wanted; nil if there are none or several.
func (t *Type) only(wanted func(*Type) bool) *Type {
	var found *Type
	for _, a := range t.alts {
		if wanted(a) {
			if found != nil {
				return nil
			}
			found = a
		}
	}
	return found
}

// mayHave reports whether a value of the type can have something at path. An object must
// allow it; other types cannot tell.
func (t *Type) mayHave(path []string) bool {
	switch {
	case len(path) == 0 || t.kind == kindAny || t.kind == kindRef:
		return true
	case t.kind == kindUnion:
		for _, a := range t.alts {
			if a.mayHave(path) {
				return true
			}
		}
		return false
	case t.kind != kindObject:
		return false
	}
	for _, f := range t.fields {
		if f.Name == path[0] {
			return f.Type.mayHave(path[1:])
		}
	}
	return t.rest != nil && t.rest.mayHave(path[1:])
}

// objectName prints an object type.
func objectName(fields []Field, rest *Type) string {
	var parts []string
	for _, f := range fields {
		name := f.Name
		if !isIdentifier(name) {
			name = quote(name)
		}
		parts = append(parts, name+": "+f.Type.name)
	}
	if rest != nil {
		parts = append(parts, "*: "+rest.name)
	}
	if len(parts) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(parts, ", ") + " }"
}

func joinTypes(types []*Type, sep string) string {
	names := make([]string, len(types))
	for i, t := range types {
		names[i] = t.name
	}
	return strings.Join(names, sep)
}

// quote prints a string as an FQL literal.
func quote(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "#{", `\#{`).Replace(s) + `"`
}
