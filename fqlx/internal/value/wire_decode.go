package value

import (
	"encoding/base64"
	"strconv"
	"strings"
)

// ValueError says why well-formed JSON is no value of the format. It is worded to stand
// behind "Invalid argument 'k': " (Fauna: UndecidedValue).
type ValueError string

func (e ValueError) Error() string { return string(e) }

const (
	errInvalidInteger = ValueError("invalid integer")
	errInvalidLong    = ValueError("invalid long")
	errInvalidDouble  = ValueError("invalid double")
	errInvalidTime    = ValueError("invalid time")
	errInvalidDate    = ValueError("invalid date")
	errInvalidBytes   = ValueError("invalid bytes")
	errUntagged       = ValueError("numbers must be tagged")
	errTooManyKeys    = ValueError("too many keys in tagged value")
	errNumberRange    = ValueError("number out of range")
	errLegacyDoc      = ValueError("doc id must be in the format <coll>:<id>")
)

// DecodeJSON reads one value in a wire format, with nothing behind it. Errors are those of
// [Reader]; broken JSON is reported rather than a value that is wrong.
//
// Tagged: {"@mod":"X"} gives a [Module] and @ref, @doc and the older {"@doc":"C:1"} a
// [Reference]; that the names exist is not checked here. @set, @stream and @uuid cannot be
// sent. Simple: numbers become Int, Long or, with a fraction or exponent or beyond 64
// bits, Double; other kinds cannot be expressed.
func DecodeJSON(data []byte, f Format) (Value, error) {
	r := NewReader(data)
	v, err := r.Value(f)
	if _, wrong := err.(ValueError); err != nil && !wrong {
		return nil, err
	}
	if broken := r.End(); broken != nil {
		return nil, broken
	}
	return v, err
}

// Value reads a value in a wire format. After a [ValueError] it has been read to its end
// all the same, and the Reader can go on behind it.
func (r *Reader) Value(f Format) (Value, error) {
	start, depth := r.pos, r.depth
	r.judged = false
	v, err := r.value(f)
	if err == nil {
		return v, nil
	}
	if _, wrong := err.(ValueError); wrong {
		r.pos, r.depth = start, depth
		if broken := r.skip(); broken != nil {
			return nil, broken
		}
	}
	return nil, err
}

func (r *Reader) value(f Format) (Value, error) {
	switch c := r.Peek(); {
	case c == '"':
		s, err := r.String()
		return String(s), err
	case c == '{':
		return r.object(f)
	case c == '[':
		return r.array(f)
	case isNumberStart(c):
		return r.plainNumber(f)
	}
	return r.literal()
}

func (r *Reader) plainNumber(f Format) (Value, error) {
	text, whole, err := r.number()
	if err != nil {
		return nil, err
	}
	if f == Tagged {
		return nil, errUntagged
	}
	if whole {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return Integer(n), nil
		}
	}
	d, err := strconv.ParseFloat(text, 64)
	if err != nil {
		return nil, errNumberRange
	}
	return Double(d), nil
}

func (r *Reader) array(f Format) (Value, error) {
	out := Array{}
	err := r.Array(func() error {
		v, err := r.value(f)
		if len(out) == 0 {
			out = make(Array, 0, 4)
		}
		out = append(out, v)
		return err
	})
	return out, err
}

func (r *Reader) object(f Format) (Value, error) {
	if f != Tagged {
		return r.fields(f, false)
	}
	tag, end, err := r.peekTag()
	switch {
	case err != nil:
		return nil, err
	case tag != "":
		return r.tagged(tag, end)
	}
	return r.fields(f, true)
}

// fields reads an object as it stands. With tags, a tag among the names is a mistake.
func (r *Reader) fields(f Format, tags bool) (Value, error) {
	if r.fieldsRead == nil {
		r.fieldsRead = make([]Field, 0, usualFields)
	}
	outside := len(r.fieldsRead)
	err := r.Object(func(name string) error {
		if tags && strings.HasPrefix(name, "@") {
			return errTooManyKeys
		}
		v, err := r.value(f)
		r.fieldsRead = append(r.fieldsRead, Field{name, v})
		return err
	})
	fields := append(make([]Field, 0, len(r.fieldsRead)-outside), r.fieldsRead[outside:]...)
	r.fieldsRead = r.fieldsRead[:outside]
	return &Object{fields}, err
}

// peekTag returns the first name of the object ahead if that is a tag, and where the name
// ends. Nothing is taken.
func (r *Reader) peekTag() (tag string, end int, err error) {
	start := r.pos
	defer func() { r.pos = start }()
	r.pos++
	if r.Peek() != '"' {
		return "", 0, nil
	}
	name, err := r.text()
	if err != nil || len(name) == 0 || name[0] != '@' {
		return "", 0, err
	}
	for _, known := range knownTags {
		if name == known {
			return known, r.pos, nil
		}
	}
	return name, r.pos, nil
}

var knownTags = [...]string{"@int", "@long", "@double", "@time", "@date", "@bytes", "@mod", "@object", "@ref", "@doc"}

// tagged reads the object ahead, whose first name is tag, which ends at end.
func (r *Reader) tagged(tag string, end int) (Value, error) {
	start, depth := r.pos, r.depth
	if _, err := r.enter('{', '}', "an object"); err != nil {
		return nil, err
	}
	r.pos = end
	if r.Peek() != ':' {
		return nil, r.unexpected()
	}
	r.pos++
	v, err := r.underTag(tag)
	if err == nil {
		var more bool
		if more, err = r.more('}'); more {
			err = errTooManyKeys
		}
		return v, err
	}
	if _, wrong := err.(ValueError); wrong && !r.judged {
		r.judged = true
		r.pos, r.depth = start, depth
		return nil, r.blame(err)
	}
	return nil, err
}

// blame reads the object ahead, in which err was found, to its end. That it has several
// names counts for more than err.
func (r *Reader) blame(err error) error {
	names := 0
	broken := r.Object(func(string) error {
		names++
		return r.skip()
	})
	switch {
	case broken != nil:
		return broken
	case names > 1:
		return errTooManyKeys
	}
	return err
}

// underTag reads the value that stands under tag.
func (r *Reader) underTag(tag string) (Value, error) {
	switch tag {
	case "@object":
		if r.Peek() != '{' {
			return nil, ValueError("@object requires an object value")
		}
		return r.fields(Tagged, false)
	case "@ref", "@doc":
		return r.reference(tag)
	case "@int", "@long", "@double", "@time", "@date", "@bytes", "@mod":
		if r.Peek() != '"' {
			return nil, ValueError(tag + " requires a string value")
		}
		text, err := r.text()
		if err != nil {
			return nil, err
		}
		return textUnderTag(tag, text)
	}
	return nil, ValueError("invalid tag '" + tag + "'")
}

func textUnderTag(tag string, text string) (Value, error) {
	switch tag {
	case "@int":
		n, err := strconv.ParseInt(text, 10, 32)
		return orError(Int(n), err == nil, errInvalidInteger)
	case "@long":
		n, err := strconv.ParseInt(text, 10, 64)
		return orError(Long(n), err == nil, errInvalidLong)
	case "@double":
		d, ok := parseDouble(text)
		return orError(Double(d), ok, errInvalidDouble)
	case "@time":
		t, ok := ParseTime(text)
		return orError(t, ok, errInvalidTime)
	case "@date":
		d, ok := ParseDate(text)
		return orError(d, ok, errInvalidDate)
	case "@bytes":
		b, ok := ParseBase64(text)
		return orError(Bytes(b), ok, errInvalidBytes)
	default: // @mod
		return Module(text), nil
	}
}

func orError(v Value, ok bool, err ValueError) (Value, error) {
	if !ok {
		return nil, err
	}
	return v, nil
}

// ParseBase64 reads standard base64, padded or not, without line breaks (as Java does).
func ParseBase64(s string) ([]byte, bool) {
	if strings.ContainsAny(s, "\r\n") {
		return nil, false
	}
	encoding := base64.StdEncoding
	if len(s)%4 != 0 {
		encoding = base64.RawStdEncoding
	}
	b, err := encoding.DecodeString(s)
	return b, err == nil
}

// reference reads what stands under @ref or @doc. Of a whole document only what names it
// counts. With both id and name it is the id: name is then a field of the user's.
func (r *Reader) reference(tag string) (Value, error) {
	v, err := r.value(Tagged)
	if err != nil {
		return nil, err
	}
	if s, ok := v.(String); ok {
		return legacyReference(string(s))
	}
	o, ok := v.(*Object)
	if !ok {
		return nil, ValueError(tag + " requires an object value")
	}
	coll, ok := o.Get("coll")
	if !ok {
		return nil, ValueError(tag + " field 'coll' is required")
	}
	module, ok := coll.(Module)
	if !ok {
		return nil, ValueError(tag + " field 'coll' requires a module value")
	}
	ref := Reference{Coll: string(module)}
	if id, ok := o.Get("id"); ok {
		if ref.ID, err = idText(id, tag); err != nil {
			return nil, err
		}
		return ref, nil
	}
	name, ok := o.Get("name")
	if !ok {
		return nil, ValueError(tag + " field 'id' is required")
	}
	text, ok := name.(String)
	if !ok {
		return nil, ValueError(tag + " field 'name' requires a string value")
	}
	if text == "" {
		return nil, ValueError("no such schema object ''")
	}
	ref.Name = string(text)
	return ref, nil
}

// idText returns the digits of an id, which is sent as a string.
func idText(id Value, tag string) (string, error) {
	s, ok := id.(String)
	if !ok {
		return "", ValueError(tag + " field 'id' requires a string value")
	}
	n, err := strconv.ParseInt(string(s), 10, 64)
	if err != nil {
		return "", ValueError(tag + " field 'id' must be an integer")
	}
	return strconv.FormatInt(n, 10), nil
}

// legacyReference reads "C:1" or "Collection:C".
func legacyReference(s string) (Value, error) {
	coll, id, ok := strings.Cut(s, ":")
	if !ok || strings.Contains(id, ":") {
		return nil, errLegacyDoc
	}
	if n, err := strconv.ParseInt(id, 10, 64); err == nil {
		return Reference{Coll: coll, ID: strconv.FormatInt(n, 10)}, nil
	}
	if id == "" {
		return nil, ValueError("invalid document id ''")
	}
	return Reference{Coll: coll, Name: id}, nil
}
