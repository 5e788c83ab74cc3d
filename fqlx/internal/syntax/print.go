package syntax

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Print writes n, an expression, statement, type, item or query, in one standard form, which
// parses to an equal tree. Comments other than an item's Doc are lost, and so are the cases of
// a match.
func Print(n Node) string { return string(appendNode(nil, n)) }

// AppendQuery appends what [Print] gives for q, without braces around it, to dst.
func AppendQuery(dst []byte, q *Query) []byte { return appendNode(dst, q) }

// PrintSchema writes the items as an FSL file.
func PrintSchema(items []Item) string {
	p := &printer{}
	for i, d := range items {
		if i > 0 {
			p.write("\n")
		}
		p.item(d)
		p.write("\n")
	}
	return string(p.buf)
}

func appendNode(dst []byte, n Node) []byte {
	p := &printer{buf: dst}
	switch n := n.(type) {
	case Expr:
		p.expr(n, anyExpr)
	case Stmt:
		p.stmt(n)
	case Type:
		p.typ(n, 0)
	case Item:
		p.item(n)
	case *Query:
		p.stmts(n.Body.Stmts)
	default:
		panic(fmt.Sprintf("syntax: internal error: cannot print %T", n))
	}
	return p.buf
}

type printer struct {
	buf    []byte
	indent int
}

func (p *printer) write(parts ...string) {
	for _, s := range parts {
		p.buf = append(p.buf, s...)
	}
}

// line begins a new one.
func (p *printer) line() {
	p.buf = append(p.buf, '\n')
	for range p.indent {
		p.buf = append(p.buf, "  "...)
	}
}

// lines writes n things on lines of their own, indented, between the brackets. after ends
// each but the last.
func (p *printer) lines(open, after, close string, n int, each func(i int)) {
	p.write(open)
	p.indent++
	for i := range n {
		p.line()
		each(i)
		if i < n-1 {
			p.write(after)
		}
	}
	p.indent--
	p.line()
	p.write(close)
}

// commas writes n things on one line.
func (p *printer) commas(open, close string, n int, each func(i int)) {
	p.write(open)
	for i := range n {
		if i > 0 {
			p.write(", ")
		}
		each(i)
	}
	p.write(close)
}

// list writes a list of n things that belong to x: on one line if it is a small one.
func (p *printer) list(x Expr, open, close string, n int, each func(i int)) {
	pad := ""
	if open == "{" && n > 0 {
		pad = " "
	}
	budget := 16
	if n == 0 || fits(x, &budget) {
		p.commas(open+pad, pad+close, n, each)
		return
	}
	p.lines(open, ",", close, n, each)
}

// fits tells whether n is made of few, short nodes and will print on one line. It looks at no
// more nodes than the budget says.
func fits(n Node, budget *int) bool {
	*budget--
	switch n := n.(type) {
	case *StringExpr:
		*budget -= len(n.Value) / 16
	case *BlockExpr:
		return false
	}
	return *budget >= 0 && eachChild(n, func(c Node) bool { return fits(c, budget) })
}

func (p *printer) stmts(list []Stmt) {
	for i, s := range list {
		if i > 0 {
			p.line()
		}
		p.stmt(s)
	}
}

func (p *printer) stmt(s Stmt) {
	switch s := s.(type) {
	case *LetStmt:
		p.write("let ", s.Name)
		if s.Type != nil {
			p.write(": ")
			p.typ(s.Type, 0)
		}
		p.write(" = ")
		p.expr(s.Value, anyExpr)
	case *ExprStmt:
		p.expr(s.X, anyExpr)
	}
}

// What a place in the grammar takes without parentheses, loosest first; an expression says
// what it is in the same terms. Two-place operators are between: operators + precedence.
const (
	argument  = iota // short lambdas too
	anyExpr          // if, at, match, lambda, projection
	operators        // + 1…12
	unary     = operators + 13
	chain     = unary + 1 // a chain with `?.`: what follows it must not become part of it
	base      = chain + 1
)

func levelOf(x Expr) int {
	switch x := x.(type) {
	case *LambdaExpr:
		if x.Short {
			return argument
		}
		return anyExpr
	case *IfExpr, *AtExpr, *MatchExpr, *ProjectExpr:
		return anyExpr
	case *BinaryExpr:
		return operators + precedence[x.Op]
	case *IsaExpr:
		return operators + precedence["isa"]
	case *UnaryExpr:
		return unary
	case *ChainExpr:
		return chain
	}
	return base
}

func (p *printer) expr(x Expr, level int) {
	if levelOf(x) < level {
		p.parens(x)
		return
	}
	switch x := x.(type) {
	case *NullExpr:
		p.write("null")
	case *BoolExpr:
		p.write(strconv.FormatBool(x.Value))
	case *NumberExpr:
		p.number(x)
	case *StringExpr:
		p.write(quote(x.Value))
	case *TemplateExpr:
		p.template(x)
	case *ValueExpr:
		p.write("\x00")
	case *NameExpr:
		p.write(x.Name)
	case *BlockExpr:
		p.lines("{", "", "}", len(x.Stmts), func(i int) { p.stmt(x.Stmts[i]) })
	case *ObjectExpr:
		p.list(x, "{", "}", len(x.Fields), func(i int) {
			p.write(key(x.Fields[i].Key), ": ")
			p.expr(x.Fields[i].Value, anyExpr)
		})
	case *ArrayExpr:
		p.array(x)
	case *IfExpr:
		p.ifExpr(x)
	case *AtExpr:
		p.write("at (")
		p.expr(x.Time, anyExpr)
		p.write(") ")
		p.expr(x.Body, anyExpr)
	case *LambdaExpr:
		p.lambda(x)
	case *ProjectExpr:
		p.expr(x.X, operators)
		p.write(" ")
		p.projection(x)
	case *UnaryExpr:
		p.unary(x)
	case *BinaryExpr:
		p.binary(x.L, x.Op, x.R)
	case *IsaExpr:
		p.binary(x.X, "isa", x.Type)
	case *MatchExpr:
		p.write("match ")
		p.expr(x.X, unary)
		p.write(" {}")
	default:
		p.chain(x)
	}
}

func (p *printer) parens(x Expr) {
	p.write("(")
	p.expr(x, argument)
	p.write(")")
}

func (p *printer) chain(x Expr) {
	switch x := x.(type) {
	case *ChainExpr:
		p.expr(x.X, base)
	case *BangExpr:
		p.expr(x.X, chain)
		p.write("!")
	case *FieldExpr:
		p.expr(x.X, base)
		if x.Optional {
			p.write("?")
		}
		p.write(".", x.Name)
	case *IndexExpr:
		p.target(x.X, x.Optional)
		p.commas("[", "]", len(x.Args), func(i int) { p.expr(x.Args[i], argument) })
	case *CallExpr:
		p.target(x.Fn, x.Optional)
		p.commas("(", ")", len(x.Args), func(i int) { p.expr(x.Args[i], argument) })
	case *ThisExpr: // nothing: the dot behind it is written by what it is the target of
	default:
		panic(fmt.Sprintf("syntax: internal error: cannot print %T", x))
	}
}

// target writes what brackets are behind.
func (p *printer) target(x Expr, optional bool) {
	p.expr(x, base)
	if _, ok := x.(*ThisExpr); ok {
		p.write(".")
	} else if optional {
		p.write("?.")
	}
}

func (p *printer) array(x *ArrayExpr) {
	if x.Tuple {
		p.commas("(", ")", len(x.Elems), func(i int) { p.expr(x.Elems[i], argument) })
		return
	}
	p.list(x, "[", "]", len(x.Elems), func(i int) { p.expr(x.Elems[i], anyExpr) })
}

func (p *printer) ifExpr(x *IfExpr) {
	p.write("if (")
	p.expr(x.Cond, anyExpr)
	p.write(") ")
	if x.Else == nil {
		p.expr(x.Then, anyExpr)
		return
	}
	if takesElse(x.Then) {
		p.parens(x.Then)
	} else {
		p.expr(x.Then, anyExpr)
	}
	p.write(" else ")
	p.expr(x.Else, anyExpr)
}

// takesElse tells whether an else behind x would become part of it.
func takesElse(x Expr) bool {
	for {
		switch e := x.(type) {
		case *IfExpr:
			if e.Else == nil {
				return true
			}
			x = e.Else
		case *AtExpr:
			x = e.Body
		case *LambdaExpr:
			if e.Short {
				return false // will be in parentheses
			}
			x = e.Body
		default:
			return false
		}
	}
}

func (p *printer) lambda(x *LambdaExpr) {
	if x.Short {
		p.expr(x.Body, anyExpr)
		return
	}
	if len(x.Params) == 1 && !x.HasRest {
		p.write(x.Params[0].Name)
	} else {
		p.params(x)
	}
	p.write(" => ")
	p.expr(x.Body, anyExpr)
}

func (p *printer) params(x *LambdaExpr) {
	n := len(x.Params)
	if x.HasRest {
		n++
	}
	p.commas("(", ")", n, func(i int) {
		if i < len(x.Params) {
			p.write(x.Params[i].Name)
		} else {
			p.write("...", x.Rest)
		}
	})
}

func (p *printer) projection(x *ProjectExpr) {
	if x.All {
		p.write("{ * }")
		return
	}
	p.list(x, "{", "}", len(x.Fields), func(i int) { p.projectField(&x.Fields[i]) })
}

func (p *printer) projectField(f *ProjectField) {
	p.write(f.Key)
	if l, ok := f.Value.(*LambdaExpr); ok && l.Short {
		if isThisField(l.Body, f.Key) {
			return
		}
		if sub, ok := l.Body.(*ProjectExpr); ok && isThisField(sub.X, f.Key) {
			p.write(" ")
			p.projection(sub)
			return
		}
	}
	p.write(": ")
	p.expr(f.Value, argument)
}

// isThisField tells whether x is `.name`.
func isThisField(x Expr, name string) bool {
	f, ok := x.(*FieldExpr)
	if !ok || f.Name != name || f.Optional {
		return false
	}
	_, ok = f.X.(*ThisExpr)
	return ok
}

func (p *printer) unary(x *UnaryExpr) {
	p.write(x.Op)
	if x.Op == "-" && startsUnsigned(x.X) {
		p.parens(x.X)
		return
	}
	p.expr(x.X, unary)
}

// startsUnsigned tells whether x begins with digits. A minus before them would become part of
// the number.
func startsUnsigned(x Expr) bool {
	for {
		switch e := x.(type) {
		case *NumberExpr:
			return e.Int >= 0 && !math.Signbit(e.Float)
		case *FieldExpr:
			x = e.X
		case *IndexExpr:
			x = e.X
		case *CallExpr:
			x = e.Fn
		case *BangExpr:
			x = e.X
		case *ChainExpr:
			x = e.X
		default:
			return false
		}
	}
}

func (p *printer) binary(l Expr, op string, r Expr) {
	left := operators + precedence[op]
	right := left + 1
	if op == "**" {
		left, right = right, left
	}
	p.expr(l, left)
	p.write(" ", op, " ")
	p.expr(r, right)
}

func (p *printer) number(x *NumberExpr) {
	switch {
	case !x.IsFloat:
		p.buf = strconv.AppendInt(p.buf, x.Int, 10)
	case math.IsInf(x.Float, 1):
		p.write("1e999")
	case math.IsInf(x.Float, -1):
		p.write("-1e999")
	default:
		s := strconv.FormatFloat(x.Float, 'g', -1, 64)
		if !strings.ContainsAny(s, ".e") {
			s += ".0"
		}
		p.write(s)
	}
}

func (p *printer) template(x *TemplateExpr) {
	p.write(`"`)
	for _, part := range x.Parts {
		if s, ok := part.(*StringExpr); ok {
			p.buf = appendEscaped(p.buf, s.Value)
			continue
		}
		p.write("#{")
		p.expr(part, anyExpr)
		p.write("}")
	}
	p.write(`"`)
}

// quote is s as a string literal, as Fauna prints it: in double quotes.
func quote(s string) string {
	b := make([]byte, 0, len(s)+2)
	b = append(b, '"')
	b = appendEscaped(b, s)
	return string(append(b, '"'))
}

// name is s as an item's name, key as that of a field in an object, where keywords do.
func name(s string) string {
	if IsIdent(s) {
		return s
	}
	return quote(s)
}

func key(s string) string {
	if isWord(s) {
		return s
	}
	return quote(s)
}

func appendEscaped(b []byte, s string) []byte {
	for i, r := range s {
		if r == '#' {
			if strings.HasPrefix(s[i+1:], "{") {
				b = append(b, '\\')
			}
			b = append(b, '#')
			continue
		}
		if j := strings.IndexRune("\\\x00\"\n\r\v\t\b\f", r); j >= 0 {
			b = append(b, '\\', "\\0\"nrvtbf"[j])
			continue
		}
		if isDisplay(r) {
			b = utf8.AppendRune(b, r)
			continue
		}
		b = fmt.Appendf(b, `\u{%x}`, r)
	}
	return b
}
