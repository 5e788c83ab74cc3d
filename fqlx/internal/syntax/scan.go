package syntax

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"strconv"
	"strings"
	"unicode/utf8"
)

// keywords cannot be identifiers, though they can be keys and the names of fields.
var keywords = map[string]bool{
	"if": true, "else": true, "at": true, "match": true, "case": true, "let": true, "null": true,
	"true": true, "false": true, "isa": true, "join": true, "on": true, "of": true,
}

// IsIdent tells whether s may be a name in FQL: `[a-zA-Z_][a-zA-Z0-9_]*` and no keyword.
func IsIdent(s string) bool { return isWord(s) && !keywords[s] }

func isWord(s string) bool {
	return s != "" && isLetter(s[0]) && wordEnd(s, 0) == len(s)
}

func isLetter(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || c == '_'
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// isDisplay tells whether Fauna lets r stand as itself in strings and comments. It refuses
// control characters other than white space and those that reorder or hide text.
func isDisplay(r rune) bool {
	switch {
	case r <= 0x08, 0x0e <= r && r <= 0x1f, r == 0x7f, r == 0xfeff, 0xfff0 <= r && r <= 0xffff,
		0x2000 <= r && r <= 0x200f, 0x2028 <= r && r <= 0x202f, 0x2060 <= r && r <= 0x206f:
		return false
	}
	return true
}

// wordEnd is the end of the letters, digits and underscores from i on.
func wordEnd(s string, i int) int {
	for i < len(s) && (isLetter(s[i]) || isDigit(s[i])) {
		i++
	}
	return i
}

// peek is the next byte. At the end of the text it is 0xff, which no UTF-8 has.
func (p *parser) peek() byte { return p.byteAt(p.pos) }

func (p *parser) byteAt(i int) byte {
	if i < len(p.src) {
		return p.src[i]
	}
	return 0xff
}

func (p *parser) has(prefix string) bool { return strings.HasPrefix(p.src[p.pos:], prefix) }

// take consumes a token of n bytes.
func (p *parser) take(n int) {
	p.pos += n
	p.end = p.pos
}

// word is the identifier or keyword at the current place, or "".
func (p *parser) word() string { return p.wordAt(p.pos) }

func (p *parser) wordAt(i int) string {
	if i >= len(p.src) || !isLetter(p.src[i]) {
		return ""
	}
	return p.src[i:wordEnd(p.src, i)]
}

// ident takes an identifier. `or` is what else might have stood there.
func (p *parser) ident(or ...string) (string, Span) {
	w := p.word()
	if w == "" {
		p.expected(append(or, "identifier")...)
	}
	at := Span{p.pos, p.pos + len(w)}
	if keywords[w] {
		p.failKeyword(w, at)
	}
	p.take(len(w))
	return w, at
}

func (p *parser) failKeyword(word string, at Span) {
	p.fail(Error{Span: at, Msg: "Invalid identifier", Label: "`" + word + "` is a keyword"})
}

// ws skips blanks and block comments: what does not end a line.
func (p *parser) ws() { p.pos = p.skipBlanks(p.pos) }

// nl skips white space and comments of all kinds.
func (p *parser) nl() { p.pos = p.skip(p.pos) }

func (p *parser) skipBlanks(i int) int {
	for {
		switch c := p.byteAt(i); {
		case c == ' ', c == '\t':
			i++
		case c == '/' && p.byteAt(i+1) == '*':
			i = p.blockComment(i)
		default:
			return i
		}
	}
}

func (p *parser) skip(from int) int {
	if from == p.skipFrom {
		return p.skipTo
	}
	i := from
	for {
		i = p.skipBlanks(i)
		switch c := p.byteAt(i); {
		case c == '\n', c == '\r':
			i++
		case c == '/' && p.byteAt(i+1) == '/':
			i = p.lineComment(i)
		default:
			p.skipFrom, p.skipTo = from, i
			return i
		}
	}
}

// lineComment is the end of the comment at i, before its newline.
func (p *parser) lineComment(i int) int {
	for i < len(p.src) && p.src[i] != '\n' {
		i = p.char(i, "comment")
	}
	return i
}

// blockComment is the end of the comment at i. These nest.
func (p *parser) blockComment(start int) int {
	depth := 0
	for i := start; i < len(p.src); {
		switch {
		case strings.HasPrefix(p.src[i:], "/*"):
			depth++
			i += 2
		case strings.HasPrefix(p.src[i:], "*/"):
			depth--
			i += 2
			if depth == 0 {
				return i
			}
		default:
			i = p.char(i, "comment")
		}
	}
	p.pos = len(p.src)
	p.fail(Error{Span: p.here(), Msg: "Expected `*/`", Hint: "The comment begins here", HintSpan: Span{start, start + 2}})
	return 0
}

// char is the end of the character at i, which must be one that may stand for itself.
func (p *parser) char(i int, in string) int {
	if c := p.src[i]; 0x20 <= c && c < 0x7f {
		return i + 1
	}
	r, size := utf8.DecodeRuneInString(p.src[i:])
	if isDisplay(r) {
		return i + size
	}
	e := Error{Span: Span{i, i + size}, Msg: fmt.Sprintf("Invalid character %U in %s", r, in)}
	switch {
	case r == 0 && p.template:
		e.Msg = "A template value cannot stand in a " + in
	case r == utf8.RuneError && size == 1:
		e.Msg = "Invalid UTF-8 in " + in
	case in != "comment":
		e.Hint = fmt.Sprintf(`Write it as \u{%x}`, r)
	}
	p.fail(e)
	return 0
}

// sep takes what separates statements, members and items: newlines, semicolons, line
// comments. It tells whether there was any.
func (p *parser) sep() (found bool) {
	for {
		p.ws()
		switch c := p.peek(); {
		case c == ';', c == '\n', c == '\r':
			p.pos++
		case p.has("//"):
			p.pos = p.lineComment(p.pos)
		default:
			return found
		}
		found = true
	}
}

// startsNumber tells whether a number begins at the current place. Blanks may follow a sign.
func (p *parser) startsNumber() bool {
	switch p.peek() {
	case '+', '-':
		return isDigit(p.byteAt(p.skipBlanks(p.pos + 1)))
	}
	return isDigit(p.peek())
}

// number = [ "+" | "-" ] ( "0x" hex | "0o" octal | "0b" binary | decimal [ "." digits ] [ exponent ] )
//
// Underscores may stand among the digits, but not before the first one of a decimal. A decimal
// does not begin with 0 unless it is 0.
func (p *parser) number() *NumberExpr {
	start := p.pos
	sign := ""
	switch p.peek() {
	case '-':
		sign = "-"
		fallthrough
	case '+':
		p.take(1)
		p.ws()
	}
	n := &NumberExpr{}
	if p.peek() == '0' && strings.IndexByte("xXoObB", p.byteAt(p.pos+1)) >= 0 {
		p.radixNumber(n, sign)
	} else {
		p.decimalNumber(n, sign)
	}
	n.span = Span{start, p.end}
	return n
}

func (p *parser) radixNumber(n *NumberExpr, sign string) {
	base, bits, allowed, name := 2, 1, "01_", "binary digit"
	switch p.byteAt(p.pos + 1) {
	case 'x', 'X':
		base, bits, allowed, name = 16, 4, "0123456789abcdefABCDEF_", "hex digit"
	case 'o', 'O':
		base, bits, allowed, name = 8, 3, "01234567_", "octal digit"
	}
	p.take(2)
	start := p.pos
	for strings.IndexByte(allowed, p.peek()) >= 0 {
		p.take(1)
	}
	digits := strings.ReplaceAll(p.src[start:p.pos], "_", "")
	if digits == "" {
		p.expected(name)
	}
	digits = strings.TrimLeft(digits, "0")
	if digits == "" {
		digits = "0"
	}
	i, err := strconv.ParseInt(sign+digits, base, 64)
	if err == nil {
		n.Int = i
		return
	}
	n.IsFloat = true
	n.Float = math.Inf(1)
	// Anything longer is beyond the range of float64; this bounds the work for big.
	if len(digits)*bits <= 1024+bits {
		big, _ := new(big.Int).SetString(digits, base)
		n.Float, _ = big.Float64()
	}
	if sign != "" {
		n.Float = -n.Float
	}
}

func (p *parser) decimalNumber(n *NumberExpr, sign string) {
	start := p.pos
	first := p.peek()
	p.take(1)
	if first != '0' {
		p.digits()
	}
	if p.peek() == '.' && isDigit(p.byteAt(p.pos+1)) {
		n.IsFloat = true
		p.take(1)
		p.digits()
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		n.IsFloat = true
		p.take(1)
		if c := p.peek(); c == '+' || c == '-' {
			p.take(1)
		}
		if !isDigit(p.peek()) {
			p.expected("digit")
		}
		p.digits()
	}
	text := sign + strings.ReplaceAll(p.src[start:p.pos], "_", "")
	if !n.IsFloat {
		i, err := strconv.ParseInt(text, 10, 64)
		if err == nil {
			n.Int = i
			return
		}
		n.IsFloat = true
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		panic("syntax: internal error: number " + text)
	}
	n.Float = f // ±Inf when out of range, as in Fauna
}

func (p *parser) digits() {
	for isDigit(p.peek()) || p.peek() == '_' {
		p.take(1)
	}
}
