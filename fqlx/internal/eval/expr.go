package eval

import (
	"errors"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// errCut ends a chain at a `?.` behind a null. It travels up to the ChainExpr or `!` around
// it, where ev.cut says which null it was.
var errCut = errors.New("chain cut short")

// cutAt ends the chain under way because of v, a null or a document that cannot be read.
func (ev *evaluator) cutAt(v value.Value) (value.Value, error) {
	ev.cut = v
	return nil, errCut
}

// eval evaluates x, operands from left to right.
func (ev *evaluator) eval(f *frame, x syntax.Expr) (value.Value, error) {
	if err := ev.spend(1); err != nil {
		return nil, ev.locate(err, x.Span())
	}
	switch x := x.(type) {
	case *syntax.NameExpr:
		if x.Slot.Kind == syntax.Global {
			return ev.global(x)
		}
		return f.get(x.Slot), nil
	case *syntax.ThisExpr:
		return f.get(x.Slot), nil
	case *syntax.StringExpr:
		return value.String(x.Value), nil
	case *syntax.NumberExpr:
		if x.IsFloat {
			return value.Double(x.Float), nil
		}
		return value.Integer(x.Int), nil
	case *syntax.BoolExpr:
		return value.Bool(x.Value), nil
	case *syntax.NullExpr:
		return null, nil
	case *syntax.ValueExpr:
		return ev.values[x.Index], nil
	}
	if ev.nested >= maxNested {
		return nil, ev.fail(x.Span(), "stack_overflow", "expressions are nested more than %d deep", maxNested)
	}
	ev.nested++
	v, err := ev.evalCompound(f, x)
	ev.nested--
	return v, err
}

func (f *frame) get(s syntax.Slot) value.Value {
	if s.Kind == syntax.Local {
		return f.vars[s.Index]
	}
	return f.captured[s.Index]
}

// evalCompound evaluates what has parts.
func (ev *evaluator) evalCompound(f *frame, x syntax.Expr) (value.Value, error) {
	switch x := x.(type) {
	case *syntax.FieldExpr:
		return ev.evalField(f, x)
	case *syntax.CallExpr:
		return ev.evalCall(f, x)
	case *syntax.BinaryExpr:
		return ev.evalBinary(f, x)
	case *syntax.BlockExpr:
		return ev.evalBlock(f, x)
	case *syntax.IfExpr:
		return ev.evalIf(f, x)
	case *syntax.ObjectExpr:
		return ev.evalObject(f, x)
	case *syntax.ArrayExpr:
		return ev.evalArray(f, x)
	case *syntax.UnaryExpr:
		return ev.evalUnary(f, x)
	case *syntax.ChainExpr:
		return ev.evalChain(f, x)
	case *syntax.BangExpr:
		return ev.evalBang(f, x)
	case *syntax.LambdaExpr:
		return ev.closure(f, x), nil
	case *syntax.ProjectExpr:
		return ev.evalProject(f, x)
	case *syntax.TemplateExpr:
		return ev.evalTemplate(f, x)
	case *syntax.IndexExpr:
		return ev.evalIndex(f, x)
	case *syntax.IsaExpr:
		return ev.evalIsa(f, x)
	}
	return nil, ev.fail(x.Span(), "internal_failure", "cannot evaluate %T", x)
}

func (ev *evaluator) evalBlock(f *frame, x *syntax.BlockExpr) (v value.Value, err error) {
	for _, stmt := range x.Stmts {
		switch s := stmt.(type) {
		case *syntax.LetStmt:
			if v, err = ev.eval(f, s.Value); err != nil {
				return nil, err
			}
			f.vars[s.Slot] = v
		case *syntax.ExprStmt:
			if v, err = ev.eval(f, s.X); err != nil {
				return nil, err
			}
		}
	}
	return v, nil
}

func (ev *evaluator) evalIf(f *frame, x *syntax.IfExpr) (value.Value, error) {
	cond, err := ev.evalBool(f, x.Cond)
	switch {
	case err != nil:
		return nil, err
	case cond:
		return ev.eval(f, x.Then)
	case x.Else == nil:
		return null, nil
	}
	return ev.eval(f, x.Else)
}

// evalBool evaluates what must be a Boolean.
func (ev *evaluator) evalBool(f *frame, x syntax.Expr) (bool, error) {
	v, err := ev.eval(f, x)
	if err != nil {
		return false, err
	}
	b, ok := v.(value.Bool)
	if !ok {
		return false, ev.locate(errType("Boolean", v), x.Span())
	}
	return bool(b), nil
}

func (ev *evaluator) evalObject(f *frame, x *syntax.ObjectExpr) (value.Value, error) {
	fields := make([]value.Field, len(x.Fields))
	for i := range x.Fields {
		v, err := ev.eval(f, x.Fields[i].Value)
		if err != nil {
			return nil, err
		}
		fields[i] = value.Field{Name: x.Fields[i].Key, Value: v}
	}
	return value.NewObject(fields...), nil
}

func (ev *evaluator) evalArray(f *frame, x *syntax.ArrayExpr) (value.Value, error) {
	elems := make(value.Array, len(x.Elems))
	return elems, ev.evalAll(f, x.Elems, elems)
}

// evalArgs evaluates the arguments of a call.
func (ev *evaluator) evalArgs(f *frame, xs []syntax.Expr) ([]value.Value, error) {
	args := ev.takeSlots(len(xs))
	return args, ev.evalAll(f, xs, args)
}

func (ev *evaluator) evalAll(f *frame, xs []syntax.Expr, out []value.Value) (err error) {
	for i, x := range xs {
		if out[i], err = ev.eval(f, x); err != nil {
			return err
		}
	}
	return nil
}

func (ev *evaluator) evalTemplate(f *frame, x *syntax.TemplateExpr) (value.Value, error) {
	parts := make([]string, len(x.Parts))
	for i, part := range x.Parts {
		v, err := ev.eval(f, part)
		if err == nil {
			parts[i], err = ev.display(v)
		}
		if err != nil {
			return nil, ev.locate(err, part.Span())
		}
	}
	if err := ev.roomFor(parts...); err != nil {
		return nil, ev.locate(err, x.Span())
	}
	return value.String(strings.Join(parts, "")), nil
}

func (ev *evaluator) evalChain(f *frame, x *syntax.ChainExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err == errCut {
		return ev.nullFor(ev.cut)
	}
	return v, err
}

// nullFor is the null that a chain ends in at v, which is a null or a missing document.
func (ev *evaluator) nullFor(v value.Value) (value.Value, error) {
	if value.IsNull(v) {
		return v, nil
	}
	cause, err := ev.nullCauseOf(v)
	if cause == causeNotFound || cause == causeDeleted {
		cause = "document " + cause
	}
	return nullOf(cause), err
}

// evalBang evaluates x!, the end of a chain as far as nulls are concerned.
func (ev *evaluator) evalBang(f *frame, x *syntax.BangExpr) (value.Value, error) {
	inner := x.X
	if c, ok := inner.(*syntax.ChainExpr); ok {
		inner = c.X // for the document that cut it, not only the null
	}
	v, err := ev.eval(f, inner)
	switch {
	case err == errCut:
		v = ev.cut
	case err != nil:
		return nil, err
	}
	if !mayBeNull(v) {
		return v, nil
	}
	if err := ev.assertNotNull(v); err != nil {
		return nil, ev.locate(err, syntax.Span{Start: lastLink(x.X).Start, End: x.Span().End})
	}
	return v, nil
}

// assertNotNull returns the error that Fauna's `!` gives for v.
func (ev *evaluator) assertNotNull(v value.Value) error {
	if n, ok := v.(value.Null); ok {
		if n.Cause == "" {
			return errorf("null_value", "Null literal value")
		}
		return errorf("null_value", "Null value, due to %s", n.Cause)
	}
	cause, err := ev.nullCauseOf(v)
	switch {
	case err != nil:
		return err
	case cause == "":
		return nil
	}
	return ev.errMissing(v, cause)
}

// errMissing is the error for a document that is not there for a reason.
func (ev *evaluator) errMissing(doc value.Value, cause string) *Error {
	ref, _ := refOf(doc)
	switch {
	case cause == causeDenied:
		return errorf("null_value", "Null value, due to permission denied")
	case cause == causeCollectionGone:
		return errorf("document_not_found", "Document with id %d does not exist because the collection was deleted.", int64(ref.ID))
	case ref.Name != "":
		return errorf("document_not_found", "%s `%s` not found.", ev.collectionName(ref.Coll), ref.Name)
	}
	return errorf("document_not_found", "Collection `%s` does not contain document with id %d.", ev.collectionName(ref.Coll), int64(ref.ID))
}

// mayBeNull reports whether v is null or a reference to what may be missing.
func mayBeNull(v value.Value) bool {
	k := v.Kind()
	return k == value.KindNull || k == value.KindRef
}

// lastLink is where the last link of a chain stands: name, arguments, index.
func lastLink(x syntax.Expr) syntax.Span {
	switch x := x.(type) {
	case *syntax.ChainExpr:
		return lastLink(x.X)
	case *syntax.FieldExpr:
		return x.NameSpan
	case *syntax.CallExpr:
		return x.ArgsSpan
	case *syntax.IndexExpr:
		return indexSpan(x)
	}
	return x.Span()
}

func indexSpan(x *syntax.IndexExpr) syntax.Span {
	return syntax.Span{Start: x.X.Span().End, End: x.Span().End}
}

func (ev *evaluator) evalField(f *frame, x *syntax.FieldExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err != nil {
		return nil, err
	}
	if x.Optional && mayBeNull(v) {
		if stop, err := ev.stopsAt(v, x.Name); stop || err != nil {
			return ev.cutUnless(err, v, x.NameSpan)
		}
	}
	return ev.getMember(v, x.Name, x.NameSpan)
}

// stopsAt reports whether v?.name is null because v is.
func (ev *evaluator) stopsAt(v value.Value, name string) (bool, error) {
	if value.IsNull(v) {
		return true, nil
	}
	ref, _ := refOf(v)
	if name == "id" || name == "coll" || name == "exists" || name == "name" && ref.Name != "" {
		return false, nil // also a missing document has these
	}
	cause, err := ev.nullCauseOf(v)
	return cause != "", err
}

func (ev *evaluator) cutUnless(err error, v value.Value, at syntax.Span) (value.Value, error) {
	if err != nil {
		return nil, ev.locate(err, at)
	}
	return ev.cutAt(v)
}

func (ev *evaluator) evalIndex(f *frame, x *syntax.IndexExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err != nil {
		return nil, err
	}
	if x.Optional && mayBeNull(v) {
		if stop, err := ev.stopsAt(v, "[]"); stop || err != nil {
			return ev.cutUnless(err, v, indexSpan(x))
		}
	}
	args, err := ev.evalArgs(f, x.Args)
	if err != nil {
		return nil, err
	}
	elem, err := ev.index(v, args)
	if err != nil {
		return nil, ev.locate(err, indexSpan(x))
	}
	return elem, nil
}

// index returns v[args].
func (ev *evaluator) index(v value.Value, args []value.Value) (value.Value, error) {
	switch v.(type) {
	case value.String:
		return ev.runBuiltin(stringMethods["at"], "[]", v, args)
	case value.Array:
		return ev.runBuiltin(arrayMethods["at"], "[]", v, args)
	case *value.Object:
		return ev.runBuiltin(builtin{params: keyParam, fn: objectAt}, "[]", v, args)
	case value.Null:
		return nil, errNullAccess("[]")
	}
	if v.Kind() == value.KindRef {
		return ev.runBuiltin(builtin{params: keyParam, fn: documentAt}, "[]", v, args)
	}
	return nil, errNoFunction("[]", v)
}

var keyParam = []string{"key: String"}

func objectAt(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return fieldOf(this.(*value.Object), string(args[0].(value.String))), nil
}

func documentAt(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.docField(this, string(args[0].(value.String)))
}

// null is the null that nothing is to be said about.
var null value.Value = value.Null{}

// nullOf is the null that came about for a reason.
func nullOf(cause string) value.Value { return value.Null{Cause: cause} }

// missingField is the null that a field is which is not there.
func missingField(name string) value.Value { return nullOf("missing field `" + name + "`") }

// fieldOf returns a field of o, or null with the field's name as its cause.
func fieldOf(o *value.Object, name string) value.Value {
	if v, ok := o.Get(name); ok {
		return v
	}
	return missingField(name)
}

func (ev *evaluator) evalIsa(f *frame, x *syntax.IsaExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err != nil {
		return nil, err
	}
	t, err := ev.eval(f, x.Type)
	if err != nil {
		return nil, err
	}
	m, ok := t.(value.Module)
	if !ok {
		return nil, ev.locate(errArgument("type_object", "expected a module object"), x.Type.Span())
	}
	return value.Bool(ev.isA(v, m)), nil
}
