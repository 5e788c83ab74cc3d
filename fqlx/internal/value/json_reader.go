package value

import (
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// MaxDepth is how deep arrays and objects may nest in JSON, tags counted.
const MaxDepth = 64

// A Reader takes JSON (RFC 8259) apart from front to back, in one pass and without building
// a tree: the caller says what it expects next. It is strict. Text that two readers could
// understand differently is refused: repeated names, invalid UTF-8, half surrogate pairs,
// a byte order mark.
//
// Errors are [*SyntaxError] or [*DuplicateError], after which the Reader cannot go on, and
// [ValueError], after which it can.
type Reader struct {
	data   string
	pos    int
	depth  int
	judged bool // the ValueError on its way up has been weighed against its object's names
	// fieldsRead are the fields so far of the objects under way within each other: how many an
	// object has shows only at its end.
	fieldsRead []Field
}

// NewReader returns a Reader of data, of which it makes one copy: the strings that it returns
// are parts of that.
func NewReader(data []byte) *Reader { return &Reader{data: string(data)} }

// SyntaxError says that the input is not JSON, is nested too deeply, or is not of the
// shape that the caller asked for.
type SyntaxError struct {
	Msg    string
	Offset int // in bytes
}

func (e *SyntaxError) Error() string { return e.Msg }

// DuplicateError says that an object holds the same name twice.
type DuplicateError struct{ Name string }

func (e *DuplicateError) Error() string { return "duplicate field '" + e.Name + "'" }

// Peek returns the first byte of the next token without taking it, which tells its kind:
// one of { [ " t f n - 0…9 before a value. It is 0 at the end of the input.
func (r *Reader) Peek() byte {
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; c {
		case ' ', '\t', '\n', '\r':
		default:
			return c
		}
	}
	return 0
}

// End checks that nothing but white space is left.
func (r *Reader) End() error {
	if r.Peek() != 0 || r.pos < len(r.data) {
		return r.unexpected()
	}
	return nil
}

// Object reads an object, calling field for each name. field must read exactly one value;
// its error ends the walk and is returned as it is.
func (r *Reader) Object(field func(name string) error) error {
	more, err := r.enter('{', '}', "an object")
	var seen nameSet
	for more && err == nil {
		var name string
		if name, err = r.name(); err != nil {
			return err
		}
		if !seen.add(name) {
			return &DuplicateError{name}
		}
		if err = field(name); err == nil {
			more, err = r.more('}')
		}
	}
	return err
}

// Array reads an array, calling element before each one. element must read exactly one
// value; its error ends the walk and is returned as it is.
func (r *Reader) Array(element func() error) error {
	more, err := r.enter('[', ']', "an array")
	for more && err == nil {
		if err = element(); err == nil {
			more, err = r.more(']')
		}
	}
	return err
}

// String reads a string.
func (r *Reader) String() (string, error) { return r.text() }

// Raw reads a value of any kind, checks it, and returns its text: a part of the input.
func (r *Reader) Raw() (string, error) {
	r.Peek()
	start := r.pos
	if err := r.skip(); err != nil {
		return "", err
	}
	return r.data[start:r.pos], nil
}

func (r *Reader) skip() error {
	switch c := r.Peek(); {
	case c == '{':
		return r.Object(func(string) error { return r.skip() })
	case c == '[':
		return r.Array(r.skip)
	case c == '"':
		_, err := r.text()
		return err
	case isNumberStart(c):
		_, _, err := r.number()
		return err
	}
	_, err := r.literal()
	return err
}

// enter takes the bracket open. more is false if the other follows at once.
func (r *Reader) enter(open, end byte, what string) (more bool, err error) {
	if r.Peek() != open {
		return false, r.expected(what)
	}
	if r.depth++; r.depth > MaxDepth {
		return false, &SyntaxError{"JSON exceeds nesting limit", r.pos}
	}
	r.pos++
	if r.Peek() == end {
		r.pos++
		r.depth--
		return false, nil
	}
	return true, nil
}

// more takes what follows an element: a comma, or the bracket end.
func (r *Reader) more(end byte) (bool, error) {
	switch r.Peek() {
	case ',':
		r.pos++
		return true, nil
	case end:
		r.pos++
		r.depth--
		return false, nil
	}
	return false, r.unexpected()
}

// name takes a name and the colon behind it.
func (r *Reader) name() (string, error) {
	if r.Peek() != '"' {
		return "", r.unexpected()
	}
	name, err := r.text()
	if err != nil {
		return "", err
	}
	if r.Peek() != ':' {
		return "", r.unexpected()
	}
	r.pos++
	return name, nil
}

// text takes a string. The result is a part of the input unless it holds escapes.
func (r *Reader) text() (string, error) {
	if r.Peek() != '"' {
		return "", r.expected("a string")
	}
	r.pos++
	part, err := r.plainText()
	if err != nil || r.data[r.pos] == '"' {
		r.pos++
		return part, err
	}
	out := make([]byte, 0, 2*len(part)+16)
	for {
		out = append(out, part...)
		if r.data[r.pos] == '"' {
			r.pos++
			return string(out), nil
		}
		if out, err = r.escape(out); err != nil {
			return "", err
		}
		if part, err = r.plainText(); err != nil {
			return "", err
		}
	}
}

// plainText takes the bytes before the next quote or backslash, which is there.
func (r *Reader) plainText() (string, error) {
	start, ascii := r.pos, true
	for ; r.pos < len(r.data); r.pos++ {
		switch c := r.data[r.pos]; {
		case c == '"' || c == '\\':
			part := r.data[start:r.pos]
			if !ascii && !utf8.ValidString(part) {
				return "", &SyntaxError{fmt.Sprintf("invalid UTF-8 in the string at byte %d", start), start}
			}
			return part, nil
		case c < ' ':
			return "", r.unexpected()
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return "", r.unexpected()
}

// escape takes an escape sequence and appends what it stands for.
func (r *Reader) escape(out []byte) ([]byte, error) {
	r.pos++
	if r.pos == len(r.data) {
		return nil, r.unexpected()
	}
	c := r.data[r.pos]
	switch c {
	case '"', '\\', '/':
	case 'b':
		c = '\b'
	case 'f':
		c = '\f'
	case 'n':
		c = '\n'
	case 'r':
		c = '\r'
	case 't':
		c = '\t'
	case 'u':
		return r.unicodeEscape(out)
	default:
		return nil, r.unexpected()
	}
	r.pos++
	return append(out, c), nil
}

func (r *Reader) unicodeEscape(out []byte) ([]byte, error) {
	start := r.pos - 1
	char, ok := r.hex4()
	if ok && utf16.IsSurrogate(char) {
		ok = r.pos+1 < len(r.data) && r.data[r.pos] == '\\' && r.data[r.pos+1] == 'u'
		if ok {
			r.pos++
			var second rune
			second, ok = r.hex4()
			char = utf16.DecodeRune(char, second)
			ok = ok && char != utf8.RuneError
		}
	}
	if !ok {
		return nil, &SyntaxError{fmt.Sprintf("invalid escape at byte %d", start), start}
	}
	return utf8.AppendRune(out, char), nil
}

// hex4 takes the u and four hexadecimal digits.
func (r *Reader) hex4() (rune, bool) {
	if r.pos+5 > len(r.data) {
		return 0, false
	}
	var n rune
	for _, c := range []byte(r.data[r.pos+1 : r.pos+5]) {
		switch {
		case '0' <= c && c <= '9':
			n = n<<4 | rune(c-'0')
		case 'a' <= c|0x20 && c|0x20 <= 'f':
			n = n<<4 | rune(c|0x20-'a'+10)
		default:
			return 0, false
		}
	}
	r.pos += 5
	return n, true
}

func isNumberStart(c byte) bool { return c == '-' || '0' <= c && c <= '9' }

// number takes a number and returns its text. whole is false if it has a fraction or an
// exponent.
func (r *Reader) number() (text string, whole bool, err error) {
	start := r.pos
	whole = true
	r.accept("-")
	ok := r.accept("0") || r.digits()
	if ok && r.accept(".") {
		whole, ok = false, r.digits()
	}
	if ok && r.accept("eE") {
		r.accept("+-")
		whole, ok = false, r.digits()
	}
	if !ok {
		return "", false, r.unexpected()
	}
	return r.data[start:r.pos], whole, nil
}

func (r *Reader) digits() bool {
	start := r.pos
	for r.pos < len(r.data) && '0' <= r.data[r.pos] && r.data[r.pos] <= '9' {
		r.pos++
	}
	return r.pos > start
}

// accept takes one byte if it is of set.
func (r *Reader) accept(set string) bool {
	for i := 0; r.pos < len(r.data) && i < len(set); i++ {
		if r.data[r.pos] == set[i] {
			r.pos++
			return true
		}
	}
	return false
}

// literal takes true, false or null.
func (r *Reader) literal() (Value, error) {
	rest := r.data[r.pos:]
	for _, l := range literals {
		if strings.HasPrefix(rest, l.text) {
			r.pos += len(l.text)
			return l.value, nil
		}
	}
	return nil, r.unexpected()
}

var literals = [...]struct {
	text  string
	value Value
}{{"true", Bool(true)}, {"false", Bool(false)}, {"null", Null{}}}

func (r *Reader) unexpected() error {
	if r.pos >= len(r.data) {
		return &SyntaxError{"unexpected end of input", r.pos}
	}
	char, _ := utf8.DecodeRuneInString(r.data[r.pos:])
	return &SyntaxError{fmt.Sprintf("unexpected character %q at byte %d", char, r.pos), r.pos}
}

func (r *Reader) expected(what string) error {
	return &SyntaxError{fmt.Sprintf("expected %s at byte %d", what, r.pos), r.pos}
}

// usualFields is how many fields most objects have at most. The argument of an exchange is the largest
// that comes often.
const usualFields = 24

// nameSet holds the names of an object. For most no map is made.
type nameSet struct {
	few  [usualFields]string
	n    int
	many map[string]struct{}
}

// add adds name and reports whether it is new.
func (s *nameSet) add(name string) bool {
	if s.many == nil {
		for _, have := range s.few[:s.n] {
			if have == name {
				return false
			}
		}
		if s.n < len(s.few) {
			s.few[s.n] = name
			s.n++
			return true
		}
		s.many = make(map[string]struct{})
		for _, have := range s.few {
			s.many[have] = struct{}{}
		}
	}
	if _, have := s.many[name]; have {
		return false
	}
	s.many[name] = struct{}{}
	return true
}
