package schema

import (
	"fmt"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// named are the types that a single name stands for.
var named = map[string]struct {
	kind   typeKind
	stored bool // whether a field may have it (Fauna: SchemaTypeResolver)
}{
	"Any":     {kindAny, true},
	"Null":    {kindNull, true},
	"Boolean": {kindBoolean, true},
	"Int":     {kindInt, true},
	"Long":    {kindLong, true},
	"Double":  {kindDouble, true},
	"Float":   {kindDouble, true},
	"Number":  {kindNumber, true},
	"String":  {kindString, true},
	"Bytes":   {kindBytes, true},
	"Time":    {kindTime, true},
	"Date":    {kindDate, true},
	"ID":      {kindID, false},
	"UUID":    {kindUUID, false},
	"Never":   {kindNever, false},
	"Object":  {kindObject, false},
}

// storedType binds the type of a field; anyType that of an argument, a result or a
// computed field, which may also be a set or a function. Both report what they do not
// know and then return Any.
func (l *loader) storedType(src Source, t syntax.Type) *Type {
	b := &typeBinder{l, src, true}
	bound := b.bind(t)
	if bound.kind == kindRef && strings.HasPrefix(bound.name, "EmptyRef<") {
		return b.refuse(t, "Type `%s` is not persistable", bound)
	}
	return bound
}

func (l *loader) anyType(src Source, t syntax.Type) *Type {
	return (&typeBinder{l, src, false}).bind(t)
}

type typeBinder struct {
	l      *loader
	src    Source
	stored bool
}

func (l *loader) simple(kind typeKind, name string) *Type {
	return &Type{kind: kind, name: name, schema: l.s}
}

func (b *typeBinder) bind(t syntax.Type) *Type {
	switch t := t.(type) {
	case *syntax.NamedType:
		return b.named(t)
	case *syntax.NullableType:
		return b.union(b.bind(t.X), b.l.simple(kindNull, "Null"))
	case *syntax.UnionType:
		alts := make([]*Type, len(t.Alts))
		for i, a := range t.Alts {
			alts[i] = b.bind(a)
		}
		return b.union(alts...)
	case *syntax.LiteralType:
		return b.literal(t)
	case *syntax.TupleType:
		elems := make([]*Type, len(t.Elems))
		for i, e := range t.Elems {
			elems[i] = b.bind(e)
		}
		return &Type{kind: kindTuple, name: "[" + joinTypes(elems, ", ") + "]", alts: elems, schema: b.l.s}
	case *syntax.ObjectType:
		return b.object(t)
	case *syntax.FuncType:
		return b.function(t)
	}
	return b.refuse(t, "Unknown type")
}

func (b *typeBinder) refuse(n syntax.Node, format string, args ...any) *Type {
	b.l.report(b.src, n, format, args...)
	return b.l.simple(kindAny, "Any")
}

func (b *typeBinder) named(t *syntax.NamedType) *Type {
	switch t.Name {
	case "Ref", "EmptyRef", "Array", "Set":
		if len(t.Args) != 1 {
			return b.refuse(t, "Type `%s` has 1 parameter", t.Name)
		}
		return b.generic(t)
	}
	if len(t.Args) > 0 {
		return b.refuse(t, "Type `%s` has no parameters", t.Name)
	}
	n, ok := named[t.Name]
	switch {
	case !ok:
		return b.reference(t, t.Name, "%s")
	case b.stored && !n.stored:
		return b.refuse(t, "Type `%s` is not persistable", t.Name)
	case n.kind == kindDouble:
		return b.l.simple(kindDouble, "Double")
	case n.kind == kindObject:
		rest := b.l.simple(kindAny, "Any")
		return &Type{kind: kindObject, name: objectName(nil, rest), rest: rest, schema: b.l.s}
	}
	return b.l.simple(n.kind, t.Name)
}

// generic binds Ref<X>, EmptyRef<X>, Array<T> and Set<T>.
func (b *typeBinder) generic(t *syntax.NamedType) *Type {
	if t.Name == "Ref" || t.Name == "EmptyRef" {
		arg, ok := t.Args[0].(*syntax.NamedType)
		if !ok || len(arg.Args) > 0 {
			return b.refuse(t.Args[0], "Expected a collection")
		}
		return b.reference(arg, arg.Name, t.Name+"<%s>")
	}
	if t.Name == "Set" && b.stored {
		return b.refuse(t, "Type `Set` is not persistable")
	}
	elem := b.bind(t.Args[0])
	kind := kindArray
	if t.Name == "Set" {
		kind = kindOther
	}
	return &Type{kind: kind, name: t.Name + "<" + elem.name + ">", alts: []*Type{elem}, schema: b.l.s}
}

// reference binds the type of a document of the collection called coll. It is printed as
// form with the collection's own name, also where coll is an alias.
func (b *typeBinder) reference(n syntax.Node, coll, form string) *Type {
	id, ok := b.l.s.CollectionNumber(coll)
	if !ok {
		return b.refuse(n, "Unknown type `%s`", coll)
	}
	own, _ := b.l.s.CollectionName(id)
	return &Type{kind: kindRef, name: fmt.Sprintf(form, own), coll: id, schema: b.l.s}
}

// union flattens alternatives. One that is there already is left out.
func (b *typeBinder) union(alts ...*Type) *Type {
	u := &Type{kind: kindUnion, schema: b.l.s}
	seen := map[string]bool{}
	for _, a := range alts {
		flat := []*Type{a}
		if a.kind == kindUnion {
			flat = a.alts
		}
		for _, f := range flat {
			if !seen[f.name] {
				seen[f.name] = true
				u.alts = append(u.alts, f)
			}
		}
	}
	if len(u.alts) == 1 {
		return u.alts[0]
	}
	u.name = joinTypes(u.alts, " | ")
	return u
}

func (b *typeBinder) literal(t *syntax.LiteralType) *Type {
	v, ok := constant(t.X)
	if !ok {
		return b.refuse(t, "Expected a literal")
	}
	if value.IsNull(v) {
		return b.l.simple(kindNull, "Null")
	}
	name := b.src.cut(t)
	if s, ok := v.(value.String); ok {
		name = quote(string(s))
	}
	return &Type{kind: kindLiteral, name: name, lit: v, schema: b.l.s}
}

func (b *typeBinder) object(t *syntax.ObjectType) *Type {
	out := &Type{kind: kindObject, schema: b.l.s}
	if t.Wildcard != nil {
		out.rest = b.bind(t.Wildcard)
	}
	if b.stored {
		out.fields = b.l.fields(b.src, t.Fields)
	} else {
		out.fields = b.argumentFields(t.Fields)
	}
	out.name = objectName(out.fields, out.rest)
	return out
}

// argumentFields binds the fields of an object that is not stored, and so has no defaults.
func (b *typeBinder) argumentFields(decls []syntax.FieldDecl) []Field {
	out := make([]Field, 0, len(decls))
	for _, d := range decls {
		if d.Type == nil || d.Default != nil {
			b.l.report(b.src, d, "Only a field of a collection has a default")
			continue
		}
		out = append(out, Field{Name: d.Name, Type: b.bind(d.Type)})
	}
	return out
}

func (b *typeBinder) function(t *syntax.FuncType) *Type {
	if b.stored {
		return b.refuse(t, "A function is not persistable")
	}
	params := make([]*Type, len(t.Params))
	for i, p := range t.Params {
		params[i] = b.bind(p)
	}
	if t.Rest != nil {
		params = append(params, b.l.simple(kindOther, "..."+b.bind(t.Rest).name))
	}
	name := "(" + joinTypes(params, ", ") + ") => " + b.bind(t.Result).name
	return b.l.simple(kindOther, name)
}

// typeOfDefault is the type of a field that has only a default: that of a constant, of a
// time, else Any.
func (l *loader) typeOfDefault(x syntax.Expr) *Type {
	switch v, _ := constant(x); v.(type) {
	case value.String:
		return l.simple(kindString, "String")
	case value.Bool:
		return l.simple(kindBoolean, "Boolean")
	case value.Int:
		return l.simple(kindInt, "Int")
	case value.Long:
		return l.simple(kindLong, "Long")
	case value.Double:
		return l.simple(kindDouble, "Double")
	}
	if call, ok := x.(*syntax.CallExpr); ok {
		if fn, ok := call.Fn.(*syntax.FieldExpr); ok {
			module, _ := fn.X.(*syntax.NameExpr)
			switch {
			case module == nil:
			case module.Name == "Time" && fn.Name == "now":
				return l.simple(kindTime, "Time")
			case module.Name == "Date" && fn.Name == "today":
				return l.simple(kindDate, "Date")
			}
		}
	}
	return l.simple(kindAny, "Any")
}

// constant returns the value of a literal.
func constant(x syntax.Expr) (value.Value, bool) {
	switch x := x.(type) {
	case *syntax.NullExpr:
		return value.Null{}, true
	case *syntax.BoolExpr:
		return value.Bool(x.Value), true
	case *syntax.StringExpr:
		return value.String(x.Value), true
	case *syntax.NumberExpr:
		if x.IsFloat {
			return value.Double(x.Float), true
		}
		return value.Integer(x.Int), true
	}
	return nil, false
}
