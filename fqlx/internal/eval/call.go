package eval

import (
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// builtin is a row of a builtin table: a method or property of a kind of value, or a
// function of a module.
type builtin struct {
	// params are "name" or "name: Type"; a type is checked before fn runs, see checkArg. A
	// "?" behind the name makes the parameter optional, a leading "..." takes the rest.
	params []string
	prop   bool // a property: read without a call
	effect resolve.Effect
	fn     func(ev *evaluator, this value.Value, args []value.Value) (value.Value, error)
}

// table maps a name to what it does. In the table of a module "()" is what calling the
// module itself does: Time("…").
type table map[string]builtin

func (b *builtin) arity() resolve.Arity {
	a := resolve.Arity{Max: len(b.params)}
	for i, p := range b.params {
		switch {
		case strings.HasPrefix(p, "..."):
			a.Rest, a.Max = true, i
		case !isOptional(p):
			a.Min++
		}
	}
	return a
}

func isOptional(param string) bool {
	name, _, _ := strings.Cut(param, ":")
	return strings.HasSuffix(name, "?")
}

func (ev *evaluator) evalCall(f *frame, x *syntax.CallExpr) (value.Value, error) {
	if m, ok := x.Fn.(*syntax.FieldExpr); ok {
		return ev.evalMethodCall(f, x, m)
	}
	fn, err := ev.eval(f, x.Fn)
	if err != nil {
		return nil, err
	}
	if x.Optional && value.IsNull(fn) {
		return ev.cutAt(fn)
	}
	if !isCallable(fn) {
		return nil, ev.locate(errType("Function", fn), x.ArgsSpan)
	}
	args, err := ev.evalArgs(f, x.Args)
	if err != nil {
		return nil, err
	}
	return ev.invoke(fn, args, x.ArgsSpan)
}

// evalMethodCall evaluates x.name(args): a method of x if there is one, else what the
// field holds.
func (ev *evaluator) evalMethodCall(f *frame, x *syntax.CallExpr, m *syntax.FieldExpr) (value.Value, error) {
	this, err := ev.eval(f, m.X)
	if err != nil {
		return nil, err
	}
	if m.Optional && mayBeNull(this) {
		if stop, err := ev.stopsAt(this, m.Name); stop || err != nil {
			return ev.cutUnless(err, this, m.NameSpan)
		}
	}
	b, found, err := ev.find(this, m.Name)
	if err != nil {
		return nil, ev.locate(err, m.NameSpan)
	}
	if found && !b.prop {
		args, err := ev.evalArgs(f, x.Args)
		if err != nil {
			return nil, err
		}
		return ev.callBuiltin(b, m.Name, this, args, x.ArgsSpan)
	}
	fn, err := ev.getMember(this, m.Name, m.NameSpan)
	if err != nil {
		return nil, err
	}
	if x.Optional && value.IsNull(fn) {
		return ev.cutAt(fn)
	}
	if !isCallable(fn) {
		return nil, ev.locate(errNotCallable(fn, m.Name, this), m.NameSpan)
	}
	args, err := ev.evalArgs(f, x.Args)
	if err != nil {
		return nil, err
	}
	return ev.invoke(fn, args, x.ArgsSpan)
}

func errNotCallable(v value.Value, name string, this value.Value) *Error {
	if v == missingField(name) {
		return errNoFunction(name, this)
	}
	return errorf("invalid_function_invocation", "`%s`: Expected a function, found `%s`", name, typeName(v))
}

func isCallable(v value.Value) bool {
	switch v.(type) {
	case function, value.Module:
		return true
	}
	return false
}

// invoke calls fn, which isCallable, from the program.
func (ev *evaluator) invoke(fn value.Value, args []value.Value, at syntax.Span) (value.Value, error) {
	depth := ev.push(at)
	v, err := ev.dispatch(fn, args)
	ev.stack = ev.stack[:depth]
	if err != nil {
		return nil, ev.locate(err, at)
	}
	return v, nil
}

// push notes a call at span, and returns the depth of the stack to go back to.
func (ev *evaluator) push(span syntax.Span) int {
	depth := len(ev.stack)
	ev.stack = append(ev.stack, call{ev.source, span})
	return depth
}

func (ev *evaluator) dispatch(fn value.Value, args []value.Value) (value.Value, error) {
	switch fn := fn.(type) {
	case function:
		return fn.call(ev, args)
	case value.Module:
		return ev.callModule(fn, args)
	}
	return nil, errType("Function", fn)
}

// apply calls fn from a builtin. An error gets the place at, or if that is zero the one of
// the builtin's own call.
func (ev *evaluator) apply(fn value.Value, at syntax.Span, args ...value.Value) (value.Value, error) {
	err := ev.spend(1)
	if err == nil {
		var v value.Value
		if v, err = ev.dispatch(fn, args); err == nil {
			return v, nil
		}
	}
	if at != (syntax.Span{}) {
		err = ev.locate(err, at)
	}
	return nil, err
}

// applyLambda calls l, which captures nothing: a predicate, default, computed field or
// check. It counts as a call within the one under way.
func (ev *evaluator) applyLambda(src schema.Source, l *syntax.LambdaExpr, args ...value.Value) (value.Value, error) {
	depth := len(ev.stack)
	ev.stack = append(ev.stack, call{src, l.Body.Span()})
	v, err := ev.enter(src, l, nil, args)
	ev.stack = ev.stack[:depth]
	return v, err
}

// predicate calls fn for a set or array method: null counts as false, anything but a
// Boolean is an error.
func (ev *evaluator) predicate(fn, arg value.Value) (bool, error) {
	v, err := ev.apply(fn, syntax.Span{}, arg)
	if err != nil {
		return false, err
	}
	switch v := v.(type) {
	case value.Bool:
		return bool(v), nil
	case value.Null:
		return false, nil
	}
	return false, errType("Boolean", v)
}

// callBuiltin calls a method from the program.
func (ev *evaluator) callBuiltin(b builtin, name string, this value.Value, args []value.Value, at syntax.Span) (value.Value, error) {
	depth := ev.push(at)
	v, err := ev.runBuiltin(b, name, this, args)
	ev.stack = ev.stack[:depth]
	if err != nil {
		return nil, ev.locate(err, at)
	}
	return v, nil
}

// runBuiltin checks the arguments and runs b.
func (ev *evaluator) runBuiltin(b builtin, name string, this value.Value, args []value.Value) (value.Value, error) {
	if err := ev.checkArgs(&b, name, args); err != nil {
		return nil, err
	}
	if err := ev.need(b.effect, name); err != nil {
		return nil, err
	}
	if err := ev.spend(weight(this)); err != nil {
		return nil, err
	}
	return b.fn(ev, this, args)
}

// weight is what working on v takes, in steps, beyond the call.
func weight(v value.Value) int {
	switch v := v.(type) {
	case value.String:
		return len(v) / 256
	case value.Array:
		return len(v) / 8
	case *set:
		return len(v.ops) // which a further step copies
	}
	return 0
}

func (ev *evaluator) checkArgs(b *builtin, name string, args []value.Value) error {
	// The ordinary case first: neither optional parameters nor a rest.
	if n := len(args); n != len(b.params) || n > 0 && strings.HasPrefix(b.params[n-1], "...") {
		if want := b.arity(); !want.Accepts(n) {
			return errorf("invalid_function_invocation", "%s", want.Mismatch(n))
		}
	}
	for i := range args {
		if i >= len(b.params) {
			return nil // the rest, untyped
		}
		if err := checkArg(b, name, i, args); err != nil {
			return err
		}
	}
	return nil
}

// checkArg checks one argument against its parameter's type. An Int may come as any number
// that is one.
//
//	Int Number String Boolean Array Object Struct Time Date Function(n)
//
// Function(n) must accept n arguments. Object is an object or a document, Struct only the
// former.
func checkArg(b *builtin, fn string, i int, args []value.Value) error {
	name, want, typed := strings.Cut(b.params[i], ": ")
	if !typed {
		return nil
	}
	arg := args[i]
	ok := false
	switch want {
	case "Int":
		args[i], ok = asInt(arg)
	case "Number":
		ok = isNumber(arg)
	case "String":
		_, ok = arg.(value.String)
	case "Boolean":
		_, ok = arg.(value.Bool)
	case "Array":
		_, ok = arg.(value.Array)
	case "Object":
		ok = arg.Kind() == value.KindObject || arg.Kind() == value.KindRef
	case "Struct":
		ok = arg.Kind() == value.KindObject
	case "Time":
		_, ok = arg.(value.Time)
	case "Date":
		_, ok = arg.(value.Date)
	case "Function(1)", "Function(2)":
		n := int(want[len("Function(")] - '0')
		if err := checkFunction(name, n, arg); err != nil {
			return err
		}
		return nil
	}
	if ok {
		return nil
	}
	if b.arity().Min != len(b.params) {
		return errOverload(b, fn, args)
	}
	return errArgumentType(name, wantName(want), arg)
}

// checkFunction checks that v is a function which accepts n arguments.
func checkFunction(name string, n int, v value.Value) error {
	f, ok := v.(function)
	if !ok {
		return errArgumentType(name, "Function", v)
	}
	if a := f.arity(); !a.Accepts(n) {
		return errorf("invalid_argument", "`%s` should accept %s, provided function requires %s.",
			name, strings.TrimPrefix(resolve.Arity{Min: n, Max: n}.Words("parameter"), "exactly "), a.Words("parameter"))
	}
	return nil
}

// asInt returns v as an Int if it is a whole number of 32 bits.
func asInt(v value.Value) (value.Value, bool) {
	switch n := v.(type) {
	case value.Int:
		return n, true
	case value.Long:
		return value.Int(n), int64(n) == int64(int32(n))
	case value.Double:
		return value.Int(n), n == value.Double(int32(n))
	}
	return v, false
}

// wantName is a parameter's type as Fauna prints it.
func wantName(want string) string {
	switch want {
	case "Array":
		return "Array<Any>"
	case "Object", "Struct":
		return "{ *: Any }"
	}
	name, _, _ := strings.Cut(want, "(")
	return name
}

// errOverload is the error for a wrong argument where a function takes several numbers of
// arguments.
func errOverload(b *builtin, fn string, args []value.Value) *Error {
	want, got := make([]string, len(args)), make([]string, len(args))
	for i := range args {
		_, t, typed := strings.Cut(b.params[i], ": ")
		if want[i] = wantName(t); !typed {
			want[i] = "Any"
		}
		got[i] = typeName(args[i])
	}
	return errorf("invalid_argument", "expected arguments to `%s` of type (%s), received (%s)",
		fn, strings.Join(want, ", "), strings.Join(got, ", "))
}

// typeName is v's type as Fauna prints it in messages.
func typeName(v value.Value) string {
	switch v.Kind() {
	case value.KindArray:
		return "Array<Any>"
	case value.KindObject:
		return "{ *: Any }"
	}
	return value.TypeName(v)
}
