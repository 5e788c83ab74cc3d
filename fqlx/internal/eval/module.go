package eval

import (
	"sync"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// globals are the functions of the global namespace, coreModules the modules that have
// nothing to do with documents; those that have are in systemModules. The files of the
// builtins fill both in.
var (
	globals     = map[string]*nativeFunction{}
	coreModules = map[string]table{
		// Modules that only name a type, for isa.
		"Boolean": {}, "Number": {}, "Int": {}, "Long": {}, "Double": {}, "Float": {}, "String": {}, "Struct": {},
		"Null": {}, "Doc": {}, "UUID": {}, "SetCursor": {}, "EventSource": {},
		"FQL": {}, // the global namespace itself, see fqlMember
	}
)

// faunaNames are global names of Fauna that this engine does not have.
var faunaNames = map[string]bool{"AccessProvider": true, "Database": true}

// faunaMembers are methods of Fauna that this engine does not have, by type and name. The
// regular expressions are Java's: Go's would look alike and match differently.
var faunaMembers = map[string]bool{
	"String.includesRegex":   true,
	"String.indexOfRegex":    true,
	"String.matches":         true,
	"String.matchIndexes":    true,
	"String.replaceRegex":    true,
	"String.replaceAllRegex": true,
	"String.splitRegex":      true,
	"Set.eventSource":        true,
	"Set.toStream":           true,
	"Set.eventsOn":           true,
	"Set.changesOn":          true,
	"FQL.Schema":             true,
	"FQL.evalV4":             true,
}

// global returns what a name stands for that is no variable.
func (ev *evaluator) global(x *syntax.NameExpr) (value.Value, error) {
	// Arguments are variables of the query's own text. In a function or a predicate of the
	// schema they must not be able to stand in for what its author meant.
	if ev.source.Name == queryName {
		for i := range ev.args {
			if ev.args[i].Name == x.Name {
				return ev.args[i].Value, nil
			}
		}
	}
	if v := builtinGlobal(x.Name); v != nil {
		return v, nil
	}
	if m := ev.prepared.modules[x.Name]; m != nil {
		return m, nil
	}
	if f := ev.schema.Function(x.Name); f != nil {
		return ev.function(f), nil
	}
	if faunaNames[x.Name] {
		return nil, ev.locate(errUnsupported(x.Name), x.Span())
	}
	return nil, ev.fail(x.Span(), "unbound_variable", "Unbound variable `%s`", x.Name)
}

// builtinGlobal returns a function or module that every database has; nil for other names.
func builtinGlobal(name string) value.Value { return builtinGlobals()[name] }

// builtinGlobals are those by name, ready as values.
var builtinGlobals = sync.OnceValue(func() map[string]value.Value {
	out := map[string]value.Value{}
	for _, modules := range []map[string]table{coreModules, systemModules} {
		for name := range modules {
			out[name] = builtinModule(name)
		}
	}
	for name, f := range globals {
		out[name] = f
	}
	return out
})

// builtinModule returns a module that every database has, by its own name or its alias.
func builtinModule(name string) value.Module {
	if name == "Credentials" {
		name = "Credential"
	}
	return value.Module(name)
}

func isBuiltinModule(name string) bool {
	if _, ok := coreModules[name]; ok {
		return true
	}
	_, ok := systemModules[name]
	return ok
}

// getMember returns x.name: a field, a property, or a method as a function value.
func (ev *evaluator) getMember(x value.Value, name string, at syntax.Span) (value.Value, error) {
	v, err := ev.member(x, name)
	if err != nil {
		return nil, ev.locate(err, at)
	}
	return v, nil
}

func (ev *evaluator) member(x value.Value, name string) (value.Value, error) {
	if o, ok := x.(*value.Object); ok {
		return fieldOf(o, name), nil
	}
	b, found, err := ev.find(x, name)
	switch {
	case err != nil:
		return nil, err
	case found && b.prop:
		return ev.runBuiltin(b, name, x, nil)
	case found:
		return &nativeFunction{name, x, b, isCallers(ev.source)}, nil
	}
	switch x := x.(type) {
	case value.Null:
		return nil, errNullAccess(name)
	case value.Module:
		if x == "FQL" {
			return fqlMember(name), nil
		}
	case userFunction:
		if name == "definition" {
			return x.definition(), nil
		}
	case callersFunction:
		if name == "definition" {
			return x.definition(), nil
		}
	}
	if x.Kind() == value.KindRef {
		return ev.docField(x, name)
	}
	return missingField(name), nil
}

// fqlMember returns a member of the module FQL: the built-in names, not those of users.
func fqlMember(name string) value.Value {
	if v := builtinGlobal(name); v != nil && name != "FQL" {
		return v
	}
	return missingField(name)
}

// find returns the method or property of x called name.
func (ev *evaluator) find(x value.Value, name string) (builtin, bool, error) {
	if m, ok := x.(value.Module); ok {
		return ev.findInModule(m, name)
	}
	methods, label := methodsOf(x)
	if b, ok := methods[name]; ok {
		return b, true, nil
	}
	if ref, ok := refOf(x); ok && ref.Coll == schema.CollCredential {
		if b, ok := credentialMethods[name]; ok {
			return b, true, nil
		}
	}
	if faunaMembers[label+"."+name] {
		return builtin{}, false, errUnsupported(name)
	}
	return builtin{}, false, nil
}

func (ev *evaluator) findInModule(m value.Module, name string) (builtin, bool, error) {
	if isBuiltinModule(string(m)) {
		b, ok := coreModules[string(m)][name]
		if !ok {
			b, ok = systemModules[string(m)][name]
		}
		if !ok && faunaMembers[string(m)+"."+name] {
			return b, false, errUnsupported(string(m) + "." + name)
		}
		return b, ok, nil
	}
	return ev.collectionMember(m, name)
}

// methodsOf returns the table of x's kind. label is its name in faunaMembers.
func methodsOf(x value.Value) (methods table, label string) {
	switch x.(type) {
	case value.String:
		return stringMethods, "String"
	case value.Array:
		return arrayMethods, "Array"
	case *set:
		return setMethods, "Set"
	case *value.Object:
		return nil, "Object"
	case value.Time:
		return timeMethods, "Time"
	case value.Date:
		return dateMethods, "Date"
	case value.Bytes:
		return bytesMethods, "Bytes"
	}
	if x.Kind() == value.KindRef {
		return documentMethods, "Doc"
	}
	return commonMethods, ""
}

// callModule calls a module: Time("…"), User("1").
func (ev *evaluator) callModule(m value.Module, args []value.Value) (value.Value, error) {
	if members, ok := coreModules[string(m)]; ok {
		b, ok := members["()"]
		if !ok {
			return nil, errType("Function", m)
		}
		return ev.runBuiltin(b, "apply", nil, args)
	}
	return ev.construct(m, args)
}

// isA is `v isa m`.
func (ev *evaluator) isA(v value.Value, m value.Module) bool {
	switch m {
	case "Object":
		_, isModule := v.(value.Module)
		return isModule || v.Kind() == value.KindObject || v.Kind() == value.KindRef
	case "Struct":
		return v.Kind() == value.KindObject
	case "Doc":
		return v.Kind() == value.KindRef
	case "Number":
		return isNumber(v)
	case "Float":
		return v.Kind() == value.KindDouble
	case "Set":
		_, ok := v.(*set)
		return ok
	case "Function":
		_, ok := v.(function)
		return ok || ev.isDocumentOf(v, m)
	case "Array", "Boolean", "Bytes", "Date", "Double", "ID", "Int", "Long", "Null", "String", "Time", "TransactionTime", "UUID":
		return value.TypeName(v) == string(m)
	}
	return v == value.Value(m) || ev.isDocumentOf(v, m)
}

func (ev *evaluator) isDocumentOf(v value.Value, m value.Module) bool {
	ref, ok := refOf(v)
	return ok && ev.collectionName(ref.Coll) == string(m)
}
