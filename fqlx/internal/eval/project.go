package eval

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func (ev *evaluator) evalProject(f *frame, x *syntax.ProjectExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err != nil {
		return nil, err
	}
	v, err = ev.project(v, x.Fields, f)
	if err != nil {
		return nil, ev.locate(err, x.Span())
	}
	return v, nil
}

// project returns x { fields }: an object of the fields, for an array one for each element,
// for a set the same lazily. A missing document gives null, a scalar itself.
func (ev *evaluator) project(x value.Value, fields []syntax.ProjectField, f *frame) (value.Value, error) {
	switch x := x.(type) {
	case *value.Object, value.Module:
		return ev.projectOne(x, fields, f)
	case value.Array:
		return ev.projectArray(x, fields, f)
	case *set:
		return x.project(ev, fields, f), ev.spend(weight(x))
	}
	if x.Kind() != value.KindRef {
		return x, nil
	}
	cause, err := ev.nullCauseOf(x)
	if err != nil {
		return nil, err
	}
	if cause != "" {
		return ev.nullFor(x)
	}
	return ev.projectOne(x, fields, f)
}

// projectArray projects each element, whatever it is: unlike an array, an element that is
// null has no fields to take.
func (ev *evaluator) projectArray(a value.Array, fields []syntax.ProjectField, f *frame) (value.Value, error) {
	out := make(value.Array, len(a))
	for i, elem := range a {
		if err := ev.spend(1); err != nil {
			return nil, err
		}
		v, err := ev.projectOne(elem, fields, f)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (ev *evaluator) projectOne(x value.Value, fields []syntax.ProjectField, f *frame) (value.Value, error) {
	out := make([]value.Field, len(fields))
	for i := range fields {
		v, err := ev.projectField(x, fields[i].Value, f)
		if err != nil {
			return nil, err
		}
		out[i] = value.Field{Name: fields[i].Key, Value: v}
	}
	return value.NewObject(out...), nil
}

// projectField evaluates one member of a projection. A short lambda is about the element;
// a plain .name, the usual one, needs no frame.
func (ev *evaluator) projectField(x value.Value, field syntax.Expr, f *frame) (value.Value, error) {
	l, ok := field.(*syntax.LambdaExpr)
	if !ok || !l.Short {
		return ev.eval(f, field)
	}
	if m, ok := l.Body.(*syntax.FieldExpr); ok && !m.Optional {
		if _, ok := m.X.(*syntax.ThisExpr); ok {
			if err := ev.spend(1); err != nil {
				return nil, err
			}
			return ev.getMember(x, m.Name, m.NameSpan)
		}
	}
	return ev.enter(ev.source, l, ev.closure(f, l).captured, []value.Value{x})
}
