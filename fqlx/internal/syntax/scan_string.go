package syntax

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

// text collects the parts of a string: runs of characters and interpolated expressions.
type text struct {
	parts []Expr
	run   []byte
	from  int // where the run begins in the source
}

// flush makes a part of the run and the tail, which ends at `end` in the source.
func (t *text) flush(tail string, end int) {
	if len(t.run) > 0 {
		tail = string(append(t.run, tail...))
		t.run = t.run[:0]
	}
	if tail != "" {
		t.parts = append(t.parts, &StringExpr{span: Span{t.from, end}, Value: tail})
	}
}

// expr is the finished string.
func (t *text) expr(at Span) Expr {
	switch {
	case len(t.parts) == 0:
		return &StringExpr{span: at}
	case len(t.parts) == 1:
		if s, ok := t.parts[0].(*StringExpr); ok {
			s.span = at
			return s
		}
	}
	return &TemplateExpr{span: at, Parts: t.parts}
}

// quoted = "'" { char | escape } "'" | `"` { char | escape | "#{" expr "}" } `"`
//
// The result is a *StringExpr or a *TemplateExpr. Newlines are characters like others.
func (p *parser) quoted() Expr {
	start, quote := p.pos, p.peek()
	p.take(1)
	t := text{from: p.pos}
	for verbatim := p.pos; ; {
		c := p.peek()
		if c != quote && c != '\\' && !(c == '#' && quote == '"' && p.byteAt(p.pos+1) == '{') {
			if p.pos == len(p.src) {
				p.unterminated(string(quote), Span{start, start + 1})
			}
			p.pos = p.char(p.pos, "string")
			continue
		}
		before := p.src[verbatim:p.pos]
		switch c {
		case quote:
			t.flush(before, p.pos)
			p.take(1)
			return t.expr(Span{start, p.pos})
		case '\\':
			t.run = append(t.run, before...)
			t.run = utf8.AppendRune(t.run, p.escape())
		case '#':
			t.flush(before, p.pos)
			t.parts = append(t.parts, p.interpolation())
			t.from = p.pos
		}
		verbatim = p.pos
	}
}

func (p *parser) unterminated(want string, opening Span) {
	p.fail(Error{Span: p.here(), Msg: "Expected `" + want + "`", Hint: "The string begins here", HintSpan: opening})
}

// interpolation = "#{" expr "}"
func (p *parser) interpolation() Expr {
	p.take(2)
	p.nl()
	x := p.expr()
	p.nl()
	if !p.has("}") {
		p.expected("`}`")
	}
	p.take(1)
	if s, ok := x.(*StringExpr); ok {
		// The characters around it are StringExprs, too: keep them apart.
		return &TemplateExpr{span: s.span, Parts: []Expr{s}}
	}
	return x
}

// escape = `\` ( one of \0'"`nrvtbf# | "x" 2 hex | "u" 4 hex | "u{" 1…6 hex "}" )
func (p *parser) escape() rune {
	start := p.pos
	p.take(1)
	c := p.peek()
	if i := strings.IndexByte("\\'\"`#0nrvtbf", c); i >= 0 {
		p.take(1)
		return rune("\\'\"`#\x00\n\r\v\t\b\f"[i])
	}
	var digits string
	switch c {
	case 'x':
		p.take(1)
		digits = p.hex(2, 2)
	case 'u':
		p.take(1)
		if p.has("{") {
			p.take(1)
			digits = p.hex(1, 6)
			if !p.has("}") {
				more := ""
				if len(digits) < 6 {
					more = "hex digit"
				}
				p.expected("`}`", more)
			}
			p.take(1)
			break
		}
		if !isHex(p.peek()) {
			p.expected("`{`", "hex digit")
		}
		digits = p.hex(4, 4)
	default:
		p.expected("escape code")
	}
	n, err := strconv.ParseUint(digits, 16, 32)
	if err != nil {
		panic("syntax: internal error: escape " + digits)
	}
	r := rune(n)
	switch {
	case r > utf8.MaxRune:
		p.fail(Error{Span: Span{start, p.pos}, Msg: "Invalid escape", Label: "outside of valid unicode range"})
	case !utf8.ValidRune(r):
		p.fail(Error{Span: Span{start, p.pos}, Msg: "Invalid escape", Label: "surrogates are disallowed"})
	}
	return r
}

func isHex(c byte) bool {
	return isDigit(c) || 'a' <= c && c <= 'f' || 'A' <= c && c <= 'F'
}

func (p *parser) hex(least, most int) string {
	start := p.pos
	for p.pos-start < most && isHex(p.peek()) {
		p.take(1)
	}
	if p.pos-start < least {
		p.expected("hex digit")
	}
	return p.src[start:p.pos]
}

// stringEnd is the end of the quoted string at i, or -1 if it interpolates or does not end.
// It only looks ahead.
func (p *parser) stringEnd(i int) int {
	quote := p.src[i]
	for i++; i < len(p.src); i++ {
		switch c := p.src[i]; {
		case c == quote:
			return i + 1
		case c == '\\':
			i++
		case c == '#' && quote == '"' && p.byteAt(i+1) == '{':
			return -1
		}
	}
	return -1
}

func (p *parser) startsHeredoc() bool { return p.has("<<-") || p.has("<<+") }

// heredocLine is a line of a heredoc and the newlines behind it.
type heredocLine struct {
	parts    []Expr
	newlines string
	end      int
}

// indent is the number of blanks the line begins with.
func (l heredocLine) indent() int {
	if len(l.parts) == 0 {
		return 0
	}
	s, ok := l.parts[0].(*StringExpr)
	if !ok {
		return 0
	}
	return len(s.Value) - len(strings.TrimLeft(s.Value, " \t"))
}

// heredoc = ( "<<-" | "<<+" ) name newlines { line newlines } name
//
// There are no escapes; only <<+ interpolates. The blanks that all lines begin with are
// removed, blank lines at the start are dropped, the newline before the closing name counts.
func (p *parser) heredoc() Expr {
	start := p.pos
	interpolates := p.has("<<+")
	p.take(3)
	p.ws()
	name := p.word()
	if name == "" {
		p.expected("identifier")
	}
	p.take(len(name))
	opening := Span{start, p.end}
	p.blankLines()

	var lines []heredocLine
	for !p.heredocEnds(name) {
		if p.pos == len(p.src) {
			p.unterminated(name, opening)
		}
		lines = append(lines, p.heredocLine(interpolates))
	}
	return joinHeredoc(lines, Span{start, p.end})
}

// blankLines skips the rest of a line, which must be blank, and the blank lines that follow.
func (p *parser) blankLines() {
	for first := true; ; first = false {
		i := p.pos
		for p.byteAt(i) == ' ' || p.byteAt(i) == '\t' {
			i++
		}
		if c := p.byteAt(i); c != '\n' && c != '\r' {
			if first {
				p.pos = i
				p.expected("a newline")
			}
			return
		}
		p.pos = i
		p.newlines()
	}
}

func (p *parser) newlines() string {
	start := p.pos
	for p.peek() == '\n' || p.peek() == '\r' {
		p.pos++
	}
	return p.src[start:p.pos]
}

// heredocEnds takes the closing name if it begins the line.
func (p *parser) heredocEnds(name string) bool {
	i := p.pos
	for p.byteAt(i) == ' ' || p.byteAt(i) == '\t' {
		i++
	}
	if p.wordAt(i) != name {
		return false
	}
	p.pos = i
	p.take(len(name))
	return true
}

func (p *parser) heredocLine(interpolates bool) heredocLine {
	t := text{from: p.pos}
	verbatim := p.pos
	for p.pos < len(p.src) {
		c := p.peek()
		if c == '\n' || c == '\r' {
			break
		}
		if !interpolates || c != '#' || p.byteAt(p.pos+1) != '{' {
			p.pos = p.char(p.pos, "string")
			continue
		}
		t.flush(p.src[verbatim:p.pos], p.pos)
		t.parts = append(t.parts, p.interpolation())
		t.from, verbatim = p.pos, p.pos
	}
	t.flush(p.src[verbatim:p.pos], p.pos)
	newlines := p.newlines()
	return heredocLine{t.parts, newlines, p.pos}
}

func joinHeredoc(lines []heredocLine, at Span) Expr {
	indent := -1
	for _, l := range lines {
		if n := l.indent(); indent < 0 || n < indent {
			indent = n
		}
	}
	t := text{from: at.Start}
	for _, l := range lines {
		for i, part := range l.parts {
			s, ok := part.(*StringExpr)
			if !ok {
				t.flush("", part.Span().Start)
				t.parts = append(t.parts, part)
				continue
			}
			value := s.Value
			if i == 0 {
				value = value[indent:]
			}
			if len(t.run) == 0 {
				t.from = s.Start
			}
			t.run = append(t.run, value...)
		}
		if len(t.run) == 0 {
			t.from = l.end - len(l.newlines)
		}
		t.run = append(t.run, l.newlines...)
	}
	t.flush("", at.End)
	return t.expr(at)
}
