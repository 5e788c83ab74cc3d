package eval

import (
	"errors"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// maxNesting is how deep arrays and objects may nest in a value that is written. A default
// may come to stand some levels down in a document, hence less than can be stored.
const maxNesting = value.MaxStoredDepth / 2

// persist returns v as it can be stored, with documents as references. It takes steps, and
// ends at the size of what can be stored: values share their parts, so a small one may be
// huge when it is written down.
func (ev *evaluator) persist(v value.Value) (value.Value, error) {
	p := persister{ev: ev}
	stored, err := p.value(v)
	return stored, p.explain(err)
}

// persistField is persist for the value of a field that is an object's only one.
func (ev *evaluator) persistField(f value.Field) (value.Value, error) {
	p := persister{ev: ev, depth: 1}
	if err := p.count(0); err != nil {
		return nil, err
	}
	stored, err := p.field(f)
	return stored, p.explain(err)
}

// persister is one run of persist.
type persister struct {
	ev    *evaluator
	depth int
	size  int // in bytes, about
	// bad is a value that cannot be stored, path where it stands, innermost first.
	bad  value.Value
	path []any
}

// errUnstorable says that there is a bad value, which explain looks at.
var errUnstorable = errors.New("cannot be stored")

// explain returns err, or what is behind errUnstorable.
func (p *persister) explain(err error) error {
	if err != errUnstorable {
		return err
	}
	switch p.bad.(type) {
	case value.Array, *value.Object:
		return errorf("value_too_large", "Value too large: arrays and objects nest deeper than the limit %d.", maxNesting)
	case function:
		return errorf("invalid_type", "Anonymous functions cannot be stored. Use a string of FQL instead.")
	}
	slices.Reverse(p.path)
	label := Failure{Paths: [][]any{p.path}}.label()
	return errorf("invalid_type", "Value at `%s` has type %s, which cannot be persisted.",
		strings.TrimSuffix(label, ": "), typeName(p.bad))
}

func (p *persister) refuse(v value.Value) (value.Value, error) {
	p.bad = v
	return nil, errUnstorable
}

// count takes a part of the value from the budget.
func (p *persister) count(bytes int) error {
	if p.size += bytes + 1; p.size > store.MaxValue {
		return errorf("invalid_request", "%v: a value of more than %d bytes", store.ErrTooLarge, store.MaxValue)
	}
	return p.ev.spend(1)
}

func (p *persister) value(whole value.Value) (value.Value, error) {
	bytes := 0
	switch v := whole.(type) {
	case *docValue:
		return p.value(v.ref)
	case value.Ref:
		if v.Name != "" { // a schema document
			return p.refuse(whole)
		}
	case value.ID:
		return p.refuse(whole)
	case value.Array:
		return p.array(whole)
	case *value.Object:
		return p.object(v)
	case value.String:
		bytes = len(v)
	case value.Bytes:
		bytes = len(v)
	}
	if whole.Kind() == value.KindOther {
		return p.refuse(whole)
	}
	return whole, p.count(bytes)
}

// array takes an array as the Value that it came as, which it returns if nothing changes.
func (p *persister) array(a value.Value) (out value.Value, err error) {
	if p.depth >= maxNesting {
		return p.refuse(a)
	}
	if err := p.count(0); err != nil {
		return nil, err
	}
	p.depth++
	i := -1
	out = mapParts(a, func(e value.Value) value.Value {
		if i++; err == nil {
			if e, err = p.value(e); err != nil {
				p.path = append(p.path, i)
			}
		}
		return e
	})
	p.depth--
	return out, err
}

func (p *persister) object(o *value.Object) (out value.Value, err error) {
	if p.depth >= maxNesting {
		return p.refuse(o)
	}
	if err := p.count(0); err != nil {
		return nil, err
	}
	p.depth++
	out = o.Map(func(f value.Field) (value.Value, bool) {
		if err == nil {
			f.Value, err = p.field(f)
		}
		return f.Value, true
	})
	p.depth--
	return out, err
}

func (p *persister) field(f value.Field) (value.Value, error) {
	if err := p.count(len(f.Name)); err != nil {
		return nil, err
	}
	v, err := p.value(f.Value)
	if err != nil {
		p.path = append(p.path, f.Name)
	}
	return v, err
}
