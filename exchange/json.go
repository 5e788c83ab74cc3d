package exchange

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// A decoder of our own, because the lenience of encoding/json is a hole here: it matches
// names case-insensitively ("SUB" overrides "sub"), takes the last of two equal names and
// replaces broken UTF-8 and lone surrogates, so that two subjects may become one.

type jsonKind uint8

const (
	jsonNull jsonKind = iota
	jsonFalse
	jsonTrue
	jsonNumber
	jsonString
	jsonArray
	jsonObject
)

// jsonNode is one value of a document. What it contains follows it directly, up to next.
type jsonNode struct {
	name string // the member's name, unescaped; "" in an array and at the root
	text string // a string unescaped, a number as it is written
	kind jsonKind
	next int // index behind this value and all it contains
}

// jsonDoc is a document in reading order; the root is at index 0. Strings without escapes
// share memory with the source.
type jsonDoc []jsonNode

var errJSONDuplicate = errors.New("two members of one name")

// parseJSON reads one JSON object (RFC 8259) and nothing else. Objects and arrays nest at
// most maxDepth deep, the root counted. Names are unique in each object, text is valid
// UTF-8 without a byte order mark, escapes name whole characters.
func parseJSON(src string, maxDepth int) (jsonDoc, error) {
	p := jsonParser{src: src, maxDepth: maxDepth, doc: make(jsonDoc, 0, 4+len(src)/24)}
	return p.document(func() error { return p.value("") })
}

// member finds a member of the object at index at.
func (d jsonDoc) member(at int, name string) (int, bool) {
	if d[at].kind != jsonObject {
		return 0, false
	}
	for i := at + 1; i < d[at].next; i = d[i].next {
		if d[i].name == name {
			return i, true
		}
	}
	return 0, false
}

// twin returns the first top-level name that a reader which folds case would take for one
// of the registered names, but which is not that name byte for byte. registered maps the
// folded name → the name.
func (d jsonDoc) twin(registered map[string]string) (string, bool) {
	var buf [maxRegisteredName]byte
	for i := 1; i < d[0].next; i = d[i].next {
		folded, ok := foldName(d[i].name, buf[:0])
		if !ok {
			continue
		}
		if name, found := registered[string(folded)]; found && name != d[i].name {
			return name, true
		}
	}
	return "", false
}

// maxRegisteredName bounds the registered names of headers and claims, in bytes.
const maxRegisteredName = 24

// foldName appends name in lower case under Unicode simple folding, or reports that it
// cannot equal an ASCII name of at most maxRegisteredName bytes. Two characters outside
// ASCII fold into it: U+017F (ſ, s) and U+212A (the Kelvin sign, k).
func foldName(name string, buf []byte) ([]byte, bool) {
	for _, r := range name {
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case r == 'ſ':
			r = 's'
		case r == '\u212a':
			r = 'k'
		}
		if r >= utf8.RuneSelf || len(buf) == maxRegisteredName {
			return nil, false
		}
		buf = append(buf, byte(r))
	}
	return buf, true
}

// nameTable maps folded name → name, for twin.
func nameTable(names ...string) map[string]string {
	table := make(map[string]string, len(names))
	for _, name := range names {
		table[strings.ToLower(name)] = name
	}
	return table
}

type jsonParser struct {
	src      string
	pos      int
	depth    int
	maxDepth int
	loose    bool // a lone surrogate is U+FFFD
	doc      jsonDoc
}

// document reads one object, by read, and nothing else.
func (p *jsonParser) document(read func() error) (jsonDoc, error) {
	if !utf8.ValidString(p.src) {
		return nil, errors.New("not UTF-8")
	}
	p.space()
	if p.peek() != '{' {
		return nil, errors.New("not a JSON object")
	}
	if err := read(); err != nil {
		return nil, fmt.Errorf("%w at byte %d", err, p.pos)
	}
	p.space()
	if p.pos != len(p.src) {
		return nil, fmt.Errorf("text behind the object at byte %d", p.pos)
	}
	return p.doc, nil
}

// peek is the next byte, or 0 at the end: 0 is never legal outside a string.
func (p *jsonParser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

func (p *jsonParser) value(name string) error {
	at := len(p.doc)
	p.doc = append(p.doc, jsonNode{name: name})
	kind, text, err := jsonNull, "", error(nil)
	switch p.peek() {
	case '{':
		kind, err = jsonObject, p.nested(func() error { return p.members(p.value) })
	case '[':
		kind, err = jsonArray, p.nested(p.elements)
	default:
		kind, text, err = p.scalar()
	}
	if err != nil {
		return err
	}
	p.doc[at].kind, p.doc[at].text, p.doc[at].next = kind, text, len(p.doc)
	if kind == jsonObject {
		return p.doc.uniqueNames(at)
	}
	return nil
}

// scalar reads a value that is neither an object nor an array.
func (p *jsonParser) scalar() (kind jsonKind, text string, err error) {
	switch c := p.peek(); {
	case c == '"':
		kind = jsonString
		text, err = p.str()
	case c == '-' || '0' <= c && c <= '9':
		kind = jsonNumber
		text, err = p.number()
	case c == 't':
		kind, err = jsonTrue, p.literal("true")
	case c == 'f':
		kind, err = jsonFalse, p.literal("false")
	default:
		err = p.literal("null")
	}
	return kind, text, err
}

func (p *jsonParser) nested(content func() error) error {
	if p.depth++; p.depth > p.maxDepth {
		return fmt.Errorf("nested deeper than %d", p.maxDepth)
	}
	p.pos++
	err := content()
	p.depth--
	return err
}

// members reads what follows `{`: `}` or member *( "," member ) `}`, each value by read.
func (p *jsonParser) members(read func(name string) error) error {
	if p.space(); p.peek() == '}' {
		p.pos++
		return nil
	}
	for {
		name, err := p.name()
		if err != nil {
			return err
		}
		if err := read(name); err != nil {
			return err
		}
		if more, err := p.separator('}'); !more {
			return err
		}
	}
}

// name reads a member's name and goes on to its value.
func (p *jsonParser) name() (string, error) {
	p.space()
	if p.peek() != '"' {
		return "", errors.New("a member name expected")
	}
	name, err := p.str()
	if err != nil {
		return "", err
	}
	if p.space(); p.peek() != ':' {
		return "", errors.New("a colon expected")
	}
	p.pos++
	p.space()
	return name, nil
}

// elements reads what follows `[`: `]` or value *( "," value ) `]`.
func (p *jsonParser) elements() error {
	if p.space(); p.peek() == ']' {
		p.pos++
		return nil
	}
	for {
		p.space()
		if err := p.value(""); err != nil {
			return err
		}
		if more, err := p.separator(']'); !more {
			return err
		}
	}
}

func (p *jsonParser) separator(end byte) (more bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.pos++
		return true, nil
	case end:
		p.pos++
		return false, nil
	default:
		return false, fmt.Errorf("a comma or %c expected", end)
	}
}

func (p *jsonParser) literal(word string) error {
	if !strings.HasPrefix(p.src[p.pos:], word) {
		return errors.New("not a JSON value")
	}
	p.pos += len(word)
	return nil
}

// number = [ "-" ] ( "0" / digit1-9 *digit ) [ "." 1*digit ] [ "e" [ sign ] 1*digit ]
func (p *jsonParser) number() (string, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
	}
	leadingZero := p.peek() == '0'
	whole := p.digits()
	ok := whole == 1 || whole > 1 && !leadingZero
	if p.peek() == '.' {
		p.pos++
		ok = p.digits() > 0 && ok
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		ok = p.digits() > 0 && ok
	}
	if !ok {
		return "", errors.New("not a JSON number")
	}
	return p.src[start:p.pos], nil
}

func (p *jsonParser) digits() int {
	start := p.pos
	for '0' <= p.peek() && p.peek() <= '9' {
		p.pos++
	}
	return p.pos - start
}

// str reads a string; the next byte is its opening quote.
func (p *jsonParser) str() (string, error) {
	p.pos++
	start := p.pos
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			return p.src[start : p.pos-1], nil
		case c == '\\':
			return p.escaped(start)
		case c < 0x20:
			return "", errors.New("a control character in a string")
		}
		p.pos++
	}
	return "", errors.New("a string without end")
}

// escaped goes on with a string that began at start and has its first escape at pos.
func (p *jsonParser) escaped(start int) (string, error) {
	var b strings.Builder
	b.WriteString(p.src[start:p.pos])
	for p.pos < len(p.src) {
		c := p.src[p.pos]
		p.pos++
		switch {
		case c == '"':
			return b.String(), nil
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			b.WriteRune(r)
		case c < 0x20:
			return "", errors.New("a control character in a string")
		default:
			b.WriteByte(c)
		}
	}
	return "", errors.New("a string without end")
}

// escape reads what follows a backslash.
func (p *jsonParser) escape() (rune, error) {
	c := p.peek()
	p.pos++
	switch c {
	case '"', '\\', '/':
		return rune(c), nil
	case 'b':
		return '\b', nil
	case 'f':
		return '\f', nil
	case 'n':
		return '\n', nil
	case 'r':
		return '\r', nil
	case 't':
		return '\t', nil
	case 'u':
		return p.unicode()
	}
	return 0, errors.New("an unknown escape")
}

// unicode reads what follows `\u`: four hex digits, or a surrogate pair. A surrogate alone
// is no character (RFC 8259 §8.2) and readers disagree on what to make of it.
func (p *jsonParser) unicode() (rune, error) {
	high, ok := p.hex4()
	if !ok {
		return 0, errors.New("four hex digits expected")
	}
	if !utf16.IsSurrogate(high) {
		return high, nil
	}
	behind := p.pos
	if strings.HasPrefix(p.src[p.pos:], `\u`) {
		p.pos += 2
		if low, ok := p.hex4(); ok {
			if r := utf16.DecodeRune(high, low); r != utf8.RuneError {
				return r, nil
			}
		}
	}
	if p.loose {
		p.pos = behind
		return utf8.RuneError, nil
	}
	return 0, errors.New("a lone surrogate")
}

func (p *jsonParser) hex4() (rune, bool) {
	if len(p.src)-p.pos < 4 {
		return 0, false
	}
	var r rune
	for range 4 {
		c := p.src[p.pos]
		switch {
		case '0' <= c && c <= '9':
			r = r<<4 | rune(c-'0')
		case 'a' <= c && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case 'A' <= c && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
		p.pos++
	}
	return r, true
}

// uniqueNames refuses a repeated name in the object at index at (RFC 7515 §4, RFC 7519 §4).
func (d jsonDoc) uniqueNames(at int) error {
	// Comparing each with each is fastest for what Auth0 sends. An unsigned token may hold
	// thousands of names, though, and must not cost their square.
	const few = 24
	var seen [few]string
	var many map[string]struct{}
	n := 0
	for i := at + 1; i < d[at].next; i = d[i].next {
		name := d[i].name
		switch {
		case n < few:
			for _, s := range seen[:n] {
				if s == name {
					return errJSONDuplicate
				}
			}
			seen[n] = name
		case many == nil:
			many = make(map[string]struct{}, 4*few)
			for _, s := range seen {
				many[s] = struct{}{}
			}
			fallthrough
		default:
			if _, found := many[name]; found {
				return errJSONDuplicate
			}
			many[name] = struct{}{}
		}
		n++
	}
	return nil
}
