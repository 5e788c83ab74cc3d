package eval

import (
	"fmt"
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// display returns the text of v: what toString() gives and string templates put in.
// Documents show their fields, and within these other documents only their reference.
func (ev *evaluator) display(v value.Value) (string, error) {
	switch s := v.(type) {
	case value.String:
		return string(s), nil
	case value.Array, *value.Object, value.Ref, *docValue:
		size := 0
		p, err := ev.printable(v, false, &size)
		if err != nil {
			return "", err
		}
		return value.Display(p), nil
	}
	return value.Display(v), nil
}

// debug returns the text of v as FQL would read it.
func (ev *evaluator) debug(v value.Value) (string, error) {
	text, err := ev.display(value.Array{v})
	if err != nil {
		return "", err
	}
	return text[1 : len(text)-1], nil
}

// text is a value that shows itself as it is.
type text string

func (text) Kind() value.Kind { return value.KindOther }
func (t text) String() string { return string(t) }

// printable returns v with its documents written out, for value.Display. size counts what
// that will print, roughly: values may be shared, so a small one can have a huge text.
// What holds no document is returned as it is.
func (ev *evaluator) printable(v value.Value, inDocument bool, size *int) (value.Value, error) {
	*size += 2
	if s, ok := v.(value.String); ok {
		*size += len(s)
	}
	if *size > maxString {
		return nil, errorf("value_too_large", "Value too large: string size exceeds limit %d.", maxString)
	}
	if err := ev.spend(1); err != nil {
		return nil, err
	}
	switch v := v.(type) {
	case value.Array:
		return ev.printableArray(v, inDocument, size)
	case *value.Object:
		return ev.printableObject(v, inDocument, size)
	case value.Ref, *docValue:
		return ev.printableDocument(v, inDocument, size)
	}
	return v, nil
}

func (ev *evaluator) printableArray(a value.Array, inDocument bool, size *int) (value.Value, error) {
	out, own := a, false
	for i, elem := range a {
		p, err := ev.printable(elem, inDocument, size)
		if err != nil {
			return nil, err
		}
		if !own && changed(elem, p) {
			out, own = slices.Clone(a), true
		}
		if own {
			out[i] = p
		}
	}
	return out, nil
}

func (ev *evaluator) printableObject(o *value.Object, inDocument bool, size *int) (value.Value, error) {
	out, own := o.Fields(), false
	for i, f := range o.Fields() {
		*size += len(f.Name)
		p, err := ev.printable(f.Value, inDocument, size)
		if err != nil {
			return nil, err
		}
		if !own && changed(f.Value, p) {
			out, own = slices.Clone(out), true
		}
		if own {
			out[i].Value = p
		}
	}
	if !own {
		return o, nil
	}
	return value.NewObject(out...), nil
}

// changed reports whether printable made b out of a.
func changed(a, b value.Value) bool {
	switch a := a.(type) {
	case value.Array:
		b := b.(value.Array)
		return len(a) > 0 && &a[0] != &b[0]
	case *value.Object, *docValue:
		return a != b
	case value.Ref:
		return true
	}
	return false
}

func (ev *evaluator) printableDocument(doc value.Value, inDocument bool, size *int) (value.Value, error) {
	if !inDocument {
		fields, cause, err := ev.docFields(doc)
		if err != nil || cause != nil {
			return null, err
		}
		return ev.printableObject(fields, true, size)
	}
	cause, err := ev.nullCauseOf(doc)
	if err != nil || cause != "" {
		return null, err
	}
	ref, _ := refOf(doc)
	name := ref.Name
	if name == "" {
		name = fmt.Sprint(int64(ref.ID))
	}
	return text(fmt.Sprintf("[doc %s in %s]", name, ev.collectionName(ref.Coll))), nil
}

// collectionName returns the name of a collection by its number, for messages and results.
func (ev *evaluator) collectionName(id value.CollID) string {
	if name, ok := ev.schema.CollectionName(id); ok {
		return name
	}
	return "Deleted" // Fauna
}
