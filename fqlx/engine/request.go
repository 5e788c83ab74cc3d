package engine

import (
	"errors"
	"fmt"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// query is a decoded request body (Fauna: FQL2Request). text is the source of the query
// with one NUL byte for each of values.
type query struct {
	text      string
	values    []value.Value
	arguments []value.Field
	// mistake is a value or key in the template that cannot be meant. It is a mistake of
	// the query, not of the request.
	mistake *syntax.Error
}

// requestError is a body that is no request. Its text is the message for the client.
type requestError string

func (e requestError) Error() string { return string(e) }

const (
	errNoBody = requestError("No request body provided")
	errShape  = requestError("Invalid request body")
	errNUL    = requestError("Invalid request body: a query must not contain NUL characters")
)

// decodeRequest reads a body in one pass:
//
//	{"query": Q, "arguments": {name: value}}
//	Q := "FQL" | {"fql": ["FQL" or Q, …]} | {"value": V} | {"object": {key: Q}} | {"array": [Q, …]}
//
// Values within the query are tagged, whatever the format of the request is; arguments are
// in that format.
func decodeRequest(body []byte, format value.Format) (*query, error) {
	if len(body) == 0 {
		return nil, errNoBody
	}
	d := decoder{r: value.NewReader(body)}
	err := d.request(format)
	if err == nil {
		err = d.r.End()
	}
	if err != nil {
		return nil, explain(err, body)
	}
	d.q.text = string(d.text)
	return &d.q, nil
}

// explain turns a decoder's error into a [requestError]. That the body is not JSON at all
// counts for more than its shape.
func explain(err error, body []byte) error {
	var syntaxErr *value.SyntaxError
	var duplicate *value.DuplicateError
	if err == errShape {
		r := value.NewReader(body)
		if _, broken := r.Raw(); broken != nil {
			err = broken
		} else if broken := r.End(); broken != nil {
			err = broken
		}
	}
	if errors.As(err, &syntaxErr) || errors.As(err, &duplicate) {
		return requestError("Invalid request body: " + err.Error())
	}
	return err
}

// decoder is one run of decodeRequest.
type decoder struct {
	r    *value.Reader
	text []byte
	q    query
}

func (d *decoder) request(format value.Format) error {
	if d.r.Peek() != '{' {
		return errShape
	}
	found := false
	err := d.r.Object(func(name string) error {
		switch name {
		case "query":
			found = true
			_, err := d.query()
			return err
		case "arguments":
			return d.arguments(format)
		}
		return errShape
	})
	if err == nil && !found {
		err = errShape
	}
	return err
}

func (d *decoder) arguments(format value.Format) error {
	if d.r.Peek() != '{' {
		return errShape
	}
	return d.r.Object(func(name string) error {
		v, err := d.r.Value(format)
		if wrong, ok := errors.AsType[value.ValueError](err); ok {
			return requestError(fmt.Sprintf("Invalid argument '%s': %s", name, wrong))
		}
		d.q.arguments = append(d.q.arguments, value.Field{Name: name, Value: v})
		return err
	})
}

// query reads a Q and appends it to the text. plain is true if all of it is one value: then
// it is the last one, and its NUL byte ends the text.
func (d *decoder) query() (plain bool, err error) {
	switch d.r.Peek() {
	case '"':
		return false, d.source()
	case '{':
	default:
		return false, errShape
	}
	kinds := 0
	err = d.r.Object(func(kind string) error {
		if kinds++; kinds > 1 {
			return errShape
		}
		switch kind {
		case "fql":
			return d.template()
		case "value":
			plain = true
			return d.value()
		case "object":
			plain, err = d.object()
			return err
		case "array":
			plain, err = d.array()
			return err
		}
		return errShape
	})
	if err == nil && kinds == 0 {
		err = errShape
	}
	return plain, err
}

// source appends a piece of FQL.
func (d *decoder) source() error {
	s, err := d.r.String()
	if err != nil {
		return err
	}
	if strings.IndexByte(s, 0) >= 0 {
		return errNUL
	}
	d.text = append(d.text, s...)
	return nil
}

// template appends the parts of an fql array, one behind the other.
func (d *decoder) template() error {
	if d.r.Peek() != '[' {
		return errShape
	}
	return d.r.Array(func() error {
		_, err := d.query()
		return err
	})
}

// value appends a placeholder for a value.
func (d *decoder) value() error {
	v, err := d.r.Value(value.Tagged)
	if wrong, ok := errors.AsType[value.ValueError](err); ok {
		d.wrong(string(wrong))
		v, err = value.Null{}, nil
	}
	d.placeholder(v)
	return err
}

func (d *decoder) placeholder(v value.Value) {
	d.text = append(d.text, 0)
	d.q.values = append(d.q.values, v)
}

// wrong notes the first mistake, at the end of the text so far.
func (d *decoder) wrong(message string) {
	if d.q.mistake == nil {
		at := syntax.Span{Start: len(d.text), End: len(d.text) + 1}
		d.q.mistake = &syntax.Error{Span: at, Msg: message}
	}
}

// object appends a composed object: an object literal, or one value if nothing in it is FQL.
func (d *decoder) object() (plain bool, err error) {
	if d.r.Peek() != '{' {
		return false, errShape
	}
	start := d.mark()
	var names []string
	plain = true
	d.text = append(d.text, '{')
	inner := error(nil)
	err = d.r.Object(func(name string) error {
		if strings.IndexByte(name, 0) >= 0 {
			inner = errNUL
			return inner
		}
		d.separate(len(names))
		d.text = append(appendFQLString(d.text, name), ": "...)
		names = append(names, name)
		var isValue bool
		isValue, inner = d.nested()
		plain = plain && isValue
		return inner
	})
	if duplicate, ok := err.(*value.DuplicateError); ok && inner == nil {
		return false, duplicateField(duplicate.Name)
	}
	d.text = append(d.text, '}')
	if err == nil && plain {
		fields := make([]value.Field, len(names))
		for i, v := range d.q.values[start.values:] {
			fields[i] = value.Field{Name: names[i], Value: v}
		}
		d.collapse(start, value.NewObject(fields...))
	}
	return plain, err
}

// array appends a composed array, like object.
func (d *decoder) array() (plain bool, err error) {
	if d.r.Peek() != '[' {
		return false, errShape
	}
	start := d.mark()
	n := 0
	plain = true
	d.text = append(d.text, '[')
	err = d.r.Array(func() error {
		d.separate(n)
		n++
		isValue, err := d.nested()
		plain = plain && isValue
		return err
	})
	d.text = append(d.text, ']')
	if err == nil && plain {
		d.collapse(start, append(value.Array{}, d.q.values[start.values:]...))
	}
	return plain, err
}

// nested appends a Q within an object or array. FQL is put in parentheses, so that its scope
// and precedence hold; the line break keeps a comment at its end from reaching further.
func (d *decoder) nested() (plain bool, err error) {
	start := len(d.text)
	d.text = append(d.text, '(')
	plain, err = d.query()
	if plain {
		d.moveMistake(start)
		d.text = append(d.text[:start], 0)
		return true, err
	}
	d.text = append(d.text, "\n)"...)
	return false, err
}

func (d *decoder) separate(before int) {
	if before > 0 {
		d.text = append(d.text, ", "...)
	}
}

// mark is a point to go back to.
type mark struct{ text, values int }

func (d *decoder) mark() mark { return mark{len(d.text), len(d.q.values)} }

// collapse replaces everything since start by one value.
func (d *decoder) collapse(start mark, v value.Value) {
	d.moveMistake(start.text)
	d.text, d.q.values = d.text[:start.text], d.q.values[:start.values]
	d.placeholder(v)
}

// moveMistake says that the text behind at becomes a placeholder at at.
func (d *decoder) moveMistake(at int) {
	if m := d.q.mistake; m != nil && m.Span.Start > at {
		m.Span = syntax.Span{Start: at, End: at + 1}
	}
}

// duplicateField is a key that a composed object has twice. Fauna finds it when it checks
// the query.
type duplicateField string

func (e duplicateField) Error() string { return "Duplicate object field `" + string(e) + "`" }

// appendFQLString appends s as a string literal in which nothing is interpolated.
func appendFQLString(dst []byte, s string) []byte {
	dst = append(dst, '\'')
	for i := range len(s) {
		if s[i] == '\'' || s[i] == '\\' {
			dst = append(dst, '\\')
		}
		dst = append(dst, s[i])
	}
	return append(dst, '\'')
}
