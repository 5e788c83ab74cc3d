package resolve

import (
	"fmt"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// Query binds the names in q and fills in its slots.
func Query(q *syntax.Query) *syntax.Error {
	r := resolver{fn: &function{}}
	r.expr(q.Body)
	q.Slots = r.fn.slots
	return r.err
}

// Lambda binds the names in l, which stands alone: a predicate, a check, a computed field.
func Lambda(l *syntax.LambdaExpr) *syntax.Error {
	r := resolver{}
	r.lambda(l)
	return r.err
}

// Function binds the names in the body of d.
func Function(d *syntax.FunctionDecl) *syntax.Error {
	for i := range d.Params {
		d.Params[i].Slot = i
	}
	return Lambda(d.Lambda)
}

// Expr makes x, a default value, into a lambda without parameters and binds its names.
func Expr(x syntax.Expr) (*syntax.LambdaExpr, *syntax.Error) {
	l := &syntax.LambdaExpr{Body: x}
	return l, Lambda(l)
}

// Globals returns the global names in x, in order of appearance. x must have been resolved.
func Globals(x syntax.Expr) []*syntax.NameExpr {
	var names []*syntax.NameExpr
	syntax.Walk(x, func(n syntax.Node) bool {
		if name, ok := n.(*syntax.NameExpr); ok && name.Slot.Kind == syntax.Global {
			names = append(names, name)
		}
		return true
	})
	return names
}

// resolver walks one text. It goes on after a mistake and keeps the first.
type resolver struct {
	fn  *function // the one whose body is being walked
	err *syntax.Error
}

// function is what gets a frame of its own: the query, a lambda, a function's body.
type function struct {
	outer    *function
	visible  []variable // innermost last
	slots    int
	captures []syntax.Slot // of the outer function
	captured []string      // names, in parallel
}

type variable struct {
	name string
	slot int
}

// thisName is the variable that a short lambda's one argument is.
const thisName = ".this"

// define makes a variable of the next slot.
func (f *function) define(name string) int {
	slot := f.slots
	f.slots++
	f.visible = append(f.visible, variable{name, slot})
	return slot
}

// lookup returns where name lives, capturing it from the functions around f if need be.
func (f *function) lookup(name string) syntax.Slot {
	for i := len(f.visible) - 1; i >= 0; i-- {
		if f.visible[i].name == name {
			return syntax.Slot{Kind: syntax.Local, Index: f.visible[i].slot}
		}
	}
	for i, c := range f.captured {
		if c == name {
			return syntax.Slot{Kind: syntax.Captured, Index: i}
		}
	}
	if f.outer == nil {
		return syntax.Slot{}
	}
	slot := f.outer.lookup(name)
	if slot.Kind == syntax.Global {
		return slot
	}
	f.captures = append(f.captures, slot)
	f.captured = append(f.captured, name)
	return syntax.Slot{Kind: syntax.Captured, Index: len(f.captures) - 1}
}

func (r *resolver) fail(at syntax.Span, format string, args ...any) {
	if r.err == nil {
		r.err = &syntax.Error{Span: at, Msg: fmt.Sprintf(format, args...)}
	}
}

func (r *resolver) expr(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.NameExpr:
		x.Slot = r.fn.lookup(x.Name)
	case *syntax.ThisExpr:
		x.Slot = r.fn.lookup(thisName)
	case *syntax.LambdaExpr:
		r.lambda(x)
	case *syntax.BlockExpr:
		r.block(x)
	default:
		r.refuse(x)
		r.parts(x)
	}
}

// parts walks the expressions directly below x.
func (r *resolver) parts(x syntax.Expr) {
	syntax.Walk(x, func(n syntax.Node) bool {
		if n == x {
			return true
		}
		if part, ok := n.(syntax.Expr); ok {
			r.expr(part)
		}
		return false
	})
}

// refuse reports what cannot be evaluated, whatever its parts are.
func (r *resolver) refuse(x syntax.Expr) {
	switch x := x.(type) {
	case *syntax.AtExpr:
		r.fail(x.Span(), "at expressions are not supported by this engine")
	case *syntax.MatchExpr:
		r.fail(x.Span(), "match expr not supported")
	case *syntax.ProjectExpr:
		if x.All {
			r.fail(x.Span(), "project expr not supported")
		}
	case *syntax.BinaryExpr:
		if x.Op == "=~" || x.Op == "!~" {
			r.fail(x.OpSpan, "operator `%s` not supported", x.Op)
		}
	case *syntax.CallExpr:
		r.checkArity(x)
	}
}

// checkArity looks at the one call whose callee cannot be anything else: (x => x)(1).
func (r *resolver) checkArity(call *syntax.CallExpr) {
	l, ok := call.Fn.(*syntax.LambdaExpr)
	if !ok {
		return
	}
	want := Arity{Min: len(l.Params), Max: len(l.Params), Rest: l.HasRest}
	if l.Short {
		want = Arity{Min: 1, Max: 1}
	}
	if n := len(call.Args); !want.Accepts(n) {
		r.fail(call.ArgsSpan, "%s", want.Mismatch(n))
	}
}

func (r *resolver) block(b *syntax.BlockExpr) {
	outside := len(r.fn.visible)
	for _, stmt := range b.Stmts {
		switch s := stmt.(type) {
		case *syntax.LetStmt:
			r.expr(s.Value) // not yet in its own scope
			r.checkName(s.Name, s.NameSpan)
			s.Slot = r.fn.define(s.Name)
		case *syntax.ExprStmt:
			r.expr(s.X)
		}
	}
	r.fn.visible = r.fn.visible[:outside]
}

// lambda gives l's parameters the first slots, in order; the rest parameter follows them.
// The argument of a short lambda has slot 0.
func (r *resolver) lambda(l *syntax.LambdaExpr) {
	f := &function{outer: r.fn}
	for i := range l.Params {
		p := &l.Params[i]
		p.Slot = f.define(p.Name)
		if p.Name != "_" {
			r.checkName(p.Name, p.Span())
		}
	}
	if l.HasRest {
		f.define(l.Rest)
	}
	if l.Short && len(l.Params) == 0 {
		f.define(thisName)
	}
	// A discarded argument has a slot like others, but no name.
	for i := range f.visible {
		if f.visible[i].name == "_" {
			f.visible[i].name = ""
		}
	}
	r.fn = f
	r.expr(l.Body)
	r.fn = f.outer
	l.Slots, l.Captures = f.slots, f.captures
}

func (r *resolver) checkName(name string, at syntax.Span) {
	if name == "FQL" || name == "_" {
		r.fail(at, "`%s` cannot be the name of a variable", name)
	}
}
