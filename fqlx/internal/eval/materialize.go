package eval

import (
	"strconv"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// maxPageDepth is how deep sets within sets are written out (Fauna). Deeper ones are cursors.
const maxPageDepth = 10

// materializer turns a result into what can be sent: documents written out, sets as their
// first page, functions as text. It runs before the commit, so the commit time is still a
// placeholder, see finish.
type materializer struct {
	ev *evaluator
	// inside says that a document's fields are being written: documents in there are
	// references, unread (Fauna: MaterializedValue).
	inside bool
	pages  int // sets around the value
}

// materialize returns v as kinds of the wire.
func (ev *evaluator) materialize(v value.Value) (value.Value, error) {
	m := materializer{ev: ev}
	return m.value(v)
}

// count takes the size of a part of the result from the budget.
func (m *materializer) count(bytes int) error {
	b := &m.ev.budget
	b.resultBytes += int64(bytes)
	if b.resultBytes > b.limits.Result {
		return errorf("value_too_large", "Value too large: the result exceeds the limit of %d bytes.", b.limits.Result)
	}
	return m.ev.spend(1)
}

func (m *materializer) value(v value.Value) (value.Value, error) {
	size := 8
	switch v := v.(type) {
	case value.String:
		size += len(v)
	case value.Bytes:
		size += len(v)
	}
	if err := m.count(size); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case value.Array:
		return m.array(v)
	case *value.Object:
		fields, err := m.fields(v.Fields())
		return value.NewObject(fields...), err
	case value.Ref, *docValue:
		return m.document(v)
	case *set:
		return m.page(v)
	case value.TransactionTime:
		m.ev.sawCommitTime = true
	case function:
		return value.String(v.String()), nil
	}
	return v, nil
}

func (m *materializer) array(a value.Array) (value.Value, error) {
	out := make(value.Array, len(a))
	for i, e := range a {
		v, err := m.value(e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, nil
}

func (m *materializer) fields(fields []value.Field) ([]value.Field, error) {
	out := make([]value.Field, len(fields))
	for i, f := range fields {
		if err := m.count(len(f.Name)); err != nil {
			return nil, err
		}
		v, err := m.value(f.Value)
		if err != nil {
			return nil, err
		}
		out[i] = value.Field{Name: f.Name, Value: v}
	}
	return out, nil
}

// document writes out a document, or the reference to one that is null or held by another.
func (m *materializer) document(d value.Value) (value.Value, error) {
	ref, _ := refOf(d)
	out := value.Reference{Coll: string(m.ev.collModule(ref.Coll)), Name: ref.Name}
	if !isNamed(ref.Coll) {
		out.ID = strconv.FormatInt(int64(ref.ID), 10)
	}
	if m.inside {
		return out, nil
	}
	doc, cause, err := m.ev.look(d)
	if err != nil {
		return nil, err
	}
	if cause != "" {
		out.Missing, out.Cause = true, cause
		return out, nil
	}
	fields, err := m.ev.ownFields(d, doc)
	if err != nil {
		return nil, err
	}
	m.inside = true
	fields, err = m.fields(fields)
	m.inside = false
	return &value.Document{Coll: out.Coll, ID: out.ID, Name: out.Name, Fields: fields}, err
}

func (m *materializer) page(s *set) (value.Value, error) {
	if m.pages >= maxPageDepth {
		cursor, err := m.ev.cursor(s)
		return &value.Page{After: cursor}, err
	}
	elems, rest, err := m.ev.page(s, s.pageSize())
	if err != nil {
		return nil, err
	}
	m.pages++
	data, err := m.array(elems)
	m.pages--
	if err != nil {
		return nil, err
	}
	out := &value.Page{Data: data.(value.Array)}
	if rest != nil {
		out.After, err = m.ev.cursor(rest)
	}
	return out, err
}

// finish puts the commit time into a materialised value.
func finish(v value.Value, t value.Time) value.Value {
	switch v := v.(type) {
	case value.TransactionTime:
		return t
	case value.Array:
		for i := range v { // made by the materializer, and nobody else's yet
			v[i] = finish(v[i], t)
		}
	case *value.Object:
		finishFields(v.Fields(), t)
	case *value.Document:
		finishFields(v.Fields, t)
	case *value.Page:
		finish(v.Data, t)
	}
	return v
}

func finishFields(fields []value.Field, t value.Time) {
	for i := range fields {
		fields[i].Value = finish(fields[i].Value, t)
	}
}
