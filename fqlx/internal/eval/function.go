package eval

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// function is a value that can be called: *lambda, *nativeFunction, *userFunction.
type function interface {
	value.Value
	String() string // as Fauna shows it: "[function <lambda>]"
	TypeName() string
	arity() resolve.Arity
	call(ev *evaluator, args []value.Value) (value.Value, error)
}

// lambda is a function written in FQL, with what it took from the frame around it.
type lambda struct {
	expr     *syntax.LambdaExpr
	captured []value.Value
	source   schema.Source
}

func (*lambda) Kind() value.Kind { return value.KindOther }
func (*lambda) TypeName() string { return "Lambda" }
func (*lambda) String() string   { return "[function <lambda>]" }

func (l *lambda) arity() resolve.Arity { return lambdaArity(l.expr) }

func lambdaArity(l *syntax.LambdaExpr) resolve.Arity {
	n := len(l.Params)
	if l.Short && n == 0 {
		n = 1
	}
	return resolve.Arity{Min: n, Max: n, Rest: l.HasRest}
}

func (l *lambda) call(ev *evaluator, args []value.Value) (value.Value, error) {
	if ev.role != "" && isCallers(l.source) {
		return ev.asCaller(func() (value.Value, error) { return ev.enter(l.source, l.expr, l.captured, args) })
	}
	return ev.enter(l.source, l.expr, l.captured, args)
}

// closure makes the value of a lambda expression in f.
func (ev *evaluator) closure(f *frame, x *syntax.LambdaExpr) *lambda {
	l := &lambda{expr: x, source: ev.source}
	if len(x.Captures) > 0 {
		l.captured = make([]value.Value, len(x.Captures))
		for i, slot := range x.Captures {
			l.captured[i] = f.get(slot)
		}
	}
	return l
}

// enter evaluates the body of l in a new frame.
func (ev *evaluator) enter(src schema.Source, l *syntax.LambdaExpr, captured, args []value.Value) (value.Value, error) {
	if want := lambdaArity(l); !want.Accepts(len(args)) {
		return nil, errorf("invalid_function_invocation", "%s", want.Mismatch(len(args)))
	}
	// The call under way is on the stack already, hence one more than the limit.
	if len(ev.stack) > ev.budget.limits.Frames+1 {
		return nil, errorf("stack_overflow", "number of stack frames exceeded limit of %d", ev.budget.limits.Frames)
	}
	f := ev.newFrame(l.Slots, captured)
	n := copy(f.vars, args[:min(len(args), lambdaArity(l).Max)])
	if l.HasRest {
		f.vars[n] = value.Array(slices.Clone(args[n:]))
	}
	outside := ev.source
	ev.source = src
	v, err := ev.eval(f, l.Body)
	ev.source = outside
	if err == errCut { // a `?.` outside of any chain cannot come out of the parser
		return ev.nullFor(ev.cut)
	}
	return v, err
}

// nativeFunction is a function of this engine as a value. this is what it was taken from,
// nil for a global function. callers says that the caller's text took it from there.
type nativeFunction struct {
	name string
	this value.Value
	builtin
	callers bool
}

func (*nativeFunction) Kind() value.Kind       { return value.KindOther }
func (*nativeFunction) TypeName() string       { return "Function" }
func (n *nativeFunction) String() string       { return "[function " + n.name + "()]" }
func (n *nativeFunction) arity() resolve.Arity { return n.builtin.arity() }

func (n *nativeFunction) call(ev *evaluator, args []value.Value) (value.Value, error) {
	if ev.role != "" && n.callers {
		return ev.asCaller(func() (value.Value, error) { return ev.runBuiltin(n.builtin, n.name, n.this, args) })
	}
	return ev.runBuiltin(n.builtin, n.name, n.this, args)
}

// userFunction is a function of the schema.
type userFunction struct{ *schema.Function }

// callersFunction is a function of the schema that the caller's text named.
type callersFunction struct{ userFunction }

func (c callersFunction) call(ev *evaluator, args []value.Value) (value.Value, error) {
	if ev.role != "" {
		return ev.asCaller(func() (value.Value, error) { return c.userFunction.call(ev, args) })
	}
	return c.userFunction.call(ev, args)
}

// function returns the value of a function that is named in the text being evaluated.
func (ev *evaluator) function(f *schema.Function) value.Value {
	if isCallers(ev.source) {
		return callersFunction{userFunction{f}}
	}
	return userFunction{f}
}

func (userFunction) Kind() value.Kind       { return value.KindOther }
func (userFunction) TypeName() string       { return "Function" }
func (u userFunction) String() string       { return "[function " + u.Name + "()]" }
func (u userFunction) arity() resolve.Arity { return lambdaArity(u.Decl.Lambda) }

// param returns the type of the i-th argument, nil if it has none, and its name.
func (u userFunction) param(i int) (t *schema.Type, name string) {
	if i < len(u.Params) {
		return u.Params[i], u.Decl.Params[i].Name
	}
	return u.Rest, u.Decl.Lambda.Rest
}

func (u userFunction) call(ev *evaluator, args []value.Value) (value.Value, error) {
	if want := u.arity(); !want.Accepts(len(args)) {
		return nil, errorf("invalid_function_invocation", "%s", want.Mismatch(len(args)))
	}
	if err := ev.mayCall(u.Function, args); err != nil {
		return nil, err
	}
	for i, arg := range args {
		t, name := u.param(i)
		if t == nil {
			continue
		}
		if ref, ok := refOf(arg); ok {
			arg = ref
		}
		if err := ev.visit(arg); err != nil {
			return nil, err
		}
		if len(t.Check(arg)) > 0 {
			return nil, errArgumentType(name, t.String(), arg)
		}
	}
	if u.Role == "" {
		return ev.enter(u.Source, u.Decl.Lambda, nil, args)
	}
	rights, err := ev.rightsOf(u.Role)
	if err != nil {
		return nil, err
	}
	before, role := ev.rights, ev.role
	ev.rights, ev.role = rights, u.Role
	v, err := ev.enter(u.Source, u.Decl.Lambda, nil, args)
	ev.rights, ev.role = before, role
	return v, err
}

// visit takes a step for each part of v, for what is about to look at all of them. Values
// share their parts: a small one may have very many.
func (ev *evaluator) visit(v value.Value) error {
	if !isNested(v) {
		return nil
	}
	if o, ok := v.(*value.Object); ok {
		for _, f := range o.Fields() {
			if err := ev.visit(f.Value); err != nil {
				return err
			}
		}
		return ev.spend(o.Len())
	}
	for _, e := range v.(value.Array) {
		if err := ev.visit(e); err != nil {
			return err
		}
	}
	return ev.spend(len(v.(value.Array)))
}

// definition is the document that describes u.
func (u userFunction) definition() value.Ref {
	return value.Ref{Coll: schema.CollFunction, Name: u.Name}
}
