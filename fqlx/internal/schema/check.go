package schema

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Failure is one way in which a value does not fit (Fauna: constraint_failures).
type Failure struct {
	Path    []any // strings and ints
	Message string
}

// Check tells how v does not fit the type; no failures mean that it fits. Paths begin at
// v. A reference has to be a [value.Ref]; whether its document exists does not matter.
func (t *Type) Check(v value.Value) []Failure {
	var c checker
	c.check(t, v)
	return c.failures
}

// Check tells how the fields of a document do not fit the collection's declaration. doc
// holds stored fields only: no id, coll, ts, ttl, and no computed ones.
func (c *Collection) Check(doc *value.Object) []Failure {
	var ch checker
	ch.members(&Type{kind: kindObject, fields: c.Fields, rest: c.Wildcard}, doc)
	return ch.failures
}

// checker is one run of Check.
type checker struct {
	path     []any // where the value stands that is looked at
	failures []Failure
}

func (c *checker) fail(message string) {
	c.failures = append(c.failures, Failure{Path: slices.Clone(c.path), Message: message})
}

func (c *checker) failAt(field, message string) {
	c.failures = append(c.failures, Failure{Path: append(slices.Clone(c.path), field), Message: message})
}

func (c *checker) at(step any, t *Type, v value.Value) {
	c.path = append(c.path, step)
	c.check(t, v)
	c.path = c.path[:len(c.path)-1]
}

func (c *checker) check(t *Type, v value.Value) {
	switch t.kind {
	case kindUnion:
		c.union(t, v)
	case kindObject:
		if o, ok := v.(*value.Object); ok {
			c.members(t, o)
			return
		}
		c.mismatch(t, v)
	case kindArray:
		a, ok := v.(value.Array)
		if !ok {
			c.mismatch(t, v)
		}
		for i, e := range a {
			c.at(i, t.alts[0], e)
		}
	case kindTuple:
		a, ok := v.(value.Array)
		if !ok || len(a) != len(t.alts) {
			c.mismatch(t, v)
			return
		}
		for i, e := range a {
			c.at(i, t.alts[i], e)
		}
	default:
		if !t.holds(v) {
			c.mismatch(t, v)
		}
	}
}

func (c *checker) mismatch(t *Type, v value.Value) {
	c.fail("Expected " + t.name + ", provided " + t.provided(v))
}

// union: if just one alternative has the shape of v, its failures say more than that
// nothing fits.
func (c *checker) union(t *Type, v value.Value) {
	for _, a := range t.alts {
		if a.fits(v) {
			return
		}
	}
	var near *Type
	switch v.(type) {
	case *value.Object:
		near = t.only(func(a *Type) bool { return a.kind == kindObject })
	case value.Array:
		near = t.only(func(a *Type) bool { return a.kind == kindArray || a.kind == kindTuple })
	}
	if near == nil {
		c.mismatch(t, v)
		return
	}
	c.check(near, v)
}

func (t *Type) fits(v value.Value) bool {
	switch t.kind {
	case kindUnion, kindObject, kindArray, kindTuple:
		return len(t.Check(v)) == 0
	}
	return t.holds(v) // without making up a message
}

// members checks the fields of an object. A null is an absent field.
func (c *checker) members(t *Type, o *value.Object) {
	for _, f := range t.fields {
		v, ok := o.Get(f.Name)
		switch {
		case ok && !value.IsNull(v):
			if !f.Type.holdsWhole(v) { // most fields do, and need no path
				c.at(f.Name, f.Type, v)
			}
		case !f.Type.Nullable():
			c.failAt(f.Name, "Missing required field of type "+f.Type.name)
		}
	}
	if t.rest != nil && t.rest.kind == kindAny {
		return
	}
	for _, f := range o.Fields() {
		switch {
		case t.declares(f.Name) || value.IsNull(f.Value):
		case t.rest == nil:
			c.failAt(f.Name, "Unexpected field provided")
		default:
			c.at(f.Name, t.rest, f.Value)
		}
	}
}

func (t *Type) declares(name string) bool {
	return slices.ContainsFunc(t.fields, func(f Field) bool { return f.Name == name })
}

// holdsWhole reports whether v is of a type without parts, or of one such alternative. False
// may also mean that it takes a closer look.
func (t *Type) holdsWhole(v value.Value) bool {
	switch t.kind {
	case kindObject, kindArray, kindTuple:
		return false
	case kindUnion:
		return slices.ContainsFunc(t.alts, func(a *Type) bool { return a.holdsWhole(v) })
	}
	return t.holds(v)
}

// holds reports whether v is of a type without parts.
func (t *Type) holds(v value.Value) bool {
	switch t.kind {
	case kindAny, kindOther:
		return true
	case kindLiteral:
		return value.Equal(t.lit, v)
	case kindRef:
		ref, ok := v.(value.Ref)
		return ok && ref.Coll == t.coll
	case kindInt:
		// Storage does not keep whether an integer was an Int or a Long.
		n, ok := value.AsInt64(v)
		return ok && n == int64(int32(n))
	case kindLong:
		_, ok := value.AsInt64(v)
		return ok
	case kindNumber:
		_, ok := value.AsFloat(v)
		return ok
	case kindTime:
		// The commit time becomes a Time when it is stored.
		return v.Kind() == value.KindTime || v.Kind() == value.KindTransactionTime
	}
	kind, ok := plainKinds[t.kind]
	return ok && v.Kind() == kind
}

// plainKinds are the types that are just one kind of value.
var plainKinds = map[typeKind]value.Kind{
	kindNull:    value.KindNull,
	kindBoolean: value.KindBool,
	kindDouble:  value.KindDouble,
	kindString:  value.KindString,
	kindBytes:   value.KindBytes,
	kindDate:    value.KindDate,
	kindID:      value.KindID,
	kindUUID:    value.KindUUID,
}

// provided names the type of a value that did not fit.
func (t *Type) provided(v value.Value) string {
	if ref, ok := v.(value.Ref); ok && t.schema != nil {
		if name, ok := t.schema.CollectionName(ref.Coll); ok {
			return "Ref<" + name + ">"
		}
	}
	return value.TypeName(v)
}

// WithDefaults returns doc with the defaults of its absent fields, also inside objects. An
// absent object whose fields have defaults is made of them. eval computes a default; its
// error ends the work.
func (c *Collection) WithDefaults(doc *value.Object, eval func(syntax.Expr) (value.Value, error)) (*value.Object, error) {
	return withDefaults(c.Fields, doc, eval)
}

func withDefaults(fields []Field, o *value.Object, eval func(syntax.Expr) (value.Value, error)) (*value.Object, error) {
	out := o
	for _, f := range fields {
		v, ok := out.Get(f.Name)
		absent := !ok || value.IsNull(v)
		var filled value.Value
		var err error
		switch inner, isObject := v.(*value.Object); {
		case absent && f.Default != nil:
			filled, err = eval(f.Default)
		case f.Type.hasDefaults() && (absent || isObject):
			filled, err = withDefaults(f.Type.fields, inner, eval)
		default:
			continue
		}
		if err != nil {
			return nil, err
		}
		if absent || filled != v {
			out = out.With(f.Name, filled)
		}
	}
	return out, nil
}

// hasDefaults reports whether the type is an object with a default in it. Objects that may
// be null, or may be something else, have none.
func (t *Type) hasDefaults() bool {
	return t.kind == kindObject && slices.ContainsFunc(t.fields, func(f Field) bool {
		return f.Default != nil || f.Type.hasDefaults()
	})
}
