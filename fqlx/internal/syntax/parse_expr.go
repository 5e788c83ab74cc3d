package syntax

// precedence holds the two-place operators, loosest first. All group to the left but `**`.
var precedence = map[string]int{
	"??": 1,
	"||": 2,
	"&&": 3,
	"==": 4, "!=": 4, "=~": 4, "!~": 4,
	">": 5, "<": 5, ">=": 5, "<=": 5,
	"isa": 6,
	"|":   7,
	"^":   8,
	"&":   9,
	"+":   10, "-": 10,
	"*": 11, "/": 11, "%": 11,
	"**": 12,
}

// startsExpr tells whether an expression or statement can begin with the next character.
func (p *parser) startsExpr() bool {
	switch c := p.peek(); c {
	case '\'', '"', '(', '[', '{', '.', '~', '!', '-':
		return true
	case '+':
		return p.startsNumber()
	case '<':
		return p.startsHeredoc()
	case 0:
		return p.template
	default:
		return isLetter(c) || isDigit(c)
	}
}

// expr parses an expression where a short lambda may not stand.
func (p *parser) expr() Expr {
	start := p.pos
	x, short := p.anyExpr()
	if short {
		p.fail(Error{Span: Span{start, p.end}, Msg: "Invalid anonymous field access"})
	}
	return x
}

// arg parses an expression where a short lambda may stand: an argument, a value in a
// projection, the inside of parentheses.
func (p *parser) arg() Expr {
	start := p.pos
	x, short := p.anyExpr()
	if short {
		return &LambdaExpr{span: Span{start, p.end}, Short: true, Body: x}
	}
	return x
}

// anyExpr parses an expression. It is short if its outermost part is a short lambda's body,
// which then reaches up to here.
//
//	expr = if | at | match | lambda | operand operators [ projection ]
func (p *parser) anyExpr() (x Expr, short bool) {
	p.enter()
	start := p.pos
	switch word := p.word(); {
	case word == "if":
		x = p.ifExpr()
	case word == "at":
		x = p.atExpr()
	case word == "match":
		x = p.matchExpr()
	case p.has("("):
		var isLambda bool
		if x, isLambda = p.parens(true); !isLambda {
			x, short = p.operators(start, x, false)
		}
	case word != "" && !keywords[word]:
		n := p.name()
		if p.has("=>") {
			x = p.lambda(start, &LambdaExpr{Params: []Param{{span: n.span, Name: n.Name}}})
			break
		}
		x, short = p.operators(start, n, false)
	default:
		x, short = p.base()
		x, short = p.operators(start, x, short)
	}
	p.leave()
	return x, short
}

// operators parses what can follow the base of an expression.
func (p *parser) operators(start int, x Expr, short bool) (Expr, bool) {
	x = p.chain(start, x)
	x, short = p.binary(start, x, short, 1)
	return p.projection(start, x), short
}

// ifExpr = "if" "(" expr ")" expr [ "else" expr ]
func (p *parser) ifExpr() Expr {
	start := p.pos
	p.take(len("if"))
	x := &IfExpr{Cond: p.parenthesised()}
	x.Then = p.expr()
	if next := p.skip(p.pos); p.wordAt(next) == "else" {
		p.pos = next
		p.take(len("else"))
		p.nl()
		x.Else = p.expr()
	}
	x.span = Span{start, p.end}
	return x
}

// atExpr = "at" "(" expr ")" expr
func (p *parser) atExpr() Expr {
	start := p.pos
	p.take(len("at"))
	x := &AtExpr{Time: p.parenthesised()}
	x.Body = p.expr()
	x.span = Span{start, p.end}
	return x
}

// parenthesised = "(" expr ")", with white space around it
func (p *parser) parenthesised() Expr {
	p.nl()
	if !p.has("(") {
		p.expected("`(`")
	}
	p.take(1)
	p.nl()
	x := p.expr()
	p.nl()
	if !p.has(")") {
		p.expected("`)`")
	}
	p.take(1)
	p.nl()
	return x
}

// matchExpr = "match" operand "{" … "}"
func (p *parser) matchExpr() Expr {
	start := p.pos
	p.take(len("match"))
	p.nl()
	from := p.pos
	x, short := p.operand()
	if short {
		p.fail(Error{Span: Span{from, p.end}, Msg: "Invalid anonymous field access"})
	}
	p.braces()
	m := &MatchExpr{span: Span{start, p.end}, X: x}
	p.ws()
	return m
}

// braces skips "{" … "}" with balanced brackets inside and returns the text between.
func (p *parser) braces() string {
	if !p.has("{") {
		p.expected("`{`")
	}
	start := p.pos
	for open := []byte(nil); ; {
		p.nl()
		switch c := p.peek(); {
		case p.pos == len(p.src):
			p.fail(Error{Span: p.here(), Msg: "Expected `}`", Hint: "The block begins here", HintSpan: Span{start, start + 1}})
		case c == '\'' || c == '"':
			p.quoted()
		case p.startsHeredoc():
			p.heredoc()
		case c == 0 && p.template:
			p.value()
		case c == '(':
			open = append(open, ')')
			p.take(1)
		case c == '[' || c == '{':
			open = append(open, c+2)
			p.take(1)
		case c == ')' || c == ']' || c == '}':
			if open[len(open)-1] != c {
				p.expected("`" + string(open[len(open)-1]) + "`")
			}
			open = open[:len(open)-1]
			p.take(1)
			if len(open) == 0 {
				return p.src[start+1 : p.pos-1]
			}
		default:
			p.take(p.char(p.pos, "block") - p.pos)
		}
	}
}

// lambda parses the arrow and the body behind the parameters in l.
//
//	lambda = ( name | "(" [ name { "," name } ] [ "..." name ] ")" ) "=>" expr
func (p *parser) lambda(start int, l *LambdaExpr) Expr {
	p.take(len("=>"))
	p.nl()
	l.Body = p.expr()
	l.span = Span{start, p.end}
	return l
}

// parens parses "(" … ")": an expression in parentheses, a tuple, and at the head of an
// expression a lambda.
//
// Whether it is a lambda shows only behind the ")", so parameters are parsed as expressions.
func (p *parser) parens(head bool) (x Expr, isLambda bool) {
	start := p.pos
	p.take(1)
	p.nl()
	dots := ""
	if head {
		dots = "`...`"
	}
	var elems []Expr
	l := &LambdaExpr{}
	for names := head; !p.has(")"); {
		if head && p.has("...") {
			p.restParam(l)
			break
		}
		if !p.startsExpr() {
			p.expected("`)`", dots, "expression")
		}
		from := p.pos
		elem := p.arg()
		elems = append(elems, elem)
		// A name in parentheses of its own starts later.
		if n, ok := elem.(*NameExpr); ok && names && n.Start == from {
			l.Params = append(l.Params, Param{span: n.span, Name: n.Name})
		} else {
			names = false
		}
		p.nl()
		if p.has(",") {
			p.take(1)
			p.nl()
		} else if !p.has(")") {
			p.expected("`)`", "`,`", dots)
		}
	}
	p.take(1)
	whole := Span{start, p.end}
	p.ws()
	switch {
	case head && len(l.Params) == len(elems) && p.has("=>"):
		p.checkParams(l.Params)
		return p.lambda(start, l), true
	case l.HasRest:
		p.fail(Error{Span: whole, Msg: "invalid variadic tuple"})
	case len(elems) == 1:
		return elems[0], false
	}
	return &ArrayExpr{span: whole, Elems: elems, Tuple: true}, false
}

// restParam = "..." name
func (p *parser) restParam(l *LambdaExpr) {
	p.take(len("..."))
	p.nl()
	rest, at := p.ident()
	l.HasRest, l.Rest = true, rest
	p.nl()
	if !p.has(")") {
		p.expected("`)`")
	}
	p.checkParams(append(l.Params, Param{span: at, Name: rest}))
}

func (p *parser) checkParams(params []Param) {
	if len(params) < 2 {
		return
	}
	seen := make(map[string]Span, len(params))
	for _, param := range params {
		if first, ok := seen[param.Name]; ok && param.Name != "_" {
			p.fail(Error{
				Span: param.span, Msg: "Duplicate lambda argument",
				Hint: "Argument originally defined here", HintSpan: first,
			})
		}
		seen[param.Name] = param.span
	}
}

// operand = base chain. It is what stands on either side of an operator.
func (p *parser) operand() (Expr, bool) {
	start := p.pos
	x, short := p.base()
	return p.chain(start, x), short
}

// base = literal | string | name | value | array | object | block | parens | "." … | unary
func (p *parser) base() (x Expr, short bool) {
	switch c := p.peek(); {
	case isLetter(c):
		return p.named(), false
	case p.startsNumber():
		x = p.number()
	case c == '\'' || c == '"':
		x = p.quoted()
	case c == '(':
		x, _ = p.parens(false)
	case c == '[':
		x = p.array()
	case c == '{':
		x = p.objectOrBlock()
	case c == '.':
		return p.shortLambda(), true
	case c == '-' || c == '~' || c == '!':
		return p.unary()
	case c == 0 && p.template:
		x = p.value()
	case p.startsHeredoc():
		x = p.heredoc()
	default:
		p.expected("expression")
	}
	p.ws()
	return x, false
}

// named parses a name or a literal that looks like one.
func (p *parser) named() Expr {
	at := Span{p.pos, p.pos + len(p.word())}
	var x Expr
	switch p.word() {
	case "null":
		x = &NullExpr{at}
	case "true", "false":
		x = &BoolExpr{at, p.word() == "true"}
	default:
		return p.name()
	}
	p.take(at.End - at.Start)
	p.ws()
	return x
}

func (p *parser) name() *NameExpr {
	n := &NameExpr{}
	n.Name, n.span = p.ident()
	p.ws()
	return n
}

func (p *parser) value() *ValueExpr {
	v := &ValueExpr{span: Span{p.pos, p.pos + 1}, Index: p.values}
	p.values++
	p.take(1)
	return v
}

// unary = ( "-" | "~" | "!" ) operand
func (p *parser) unary() (Expr, bool) {
	p.enter()
	x := &UnaryExpr{span: p.here(), Op: p.src[p.pos : p.pos+1]}
	p.take(1)
	p.ws()
	var short bool
	x.X, short = p.operand()
	x.End = p.end
	p.leave()
	return x, short
}

// array = "[" [ expr { "," expr } [ "," ] ] "]"
func (p *parser) array() Expr {
	x := &ArrayExpr{span: p.here()}
	x.Elems = p.list("]", (*parser).expr)
	x.End = p.end
	return x
}

// args = [ arg { "," arg } [ "," ] ], between the bracket before and `close`
func (p *parser) args(close string) []Expr { return p.list(close, (*parser).arg) }

func (p *parser) list(close string, elem func(*parser) Expr) []Expr {
	p.take(1)
	p.nl()
	var list []Expr
	for !p.has(close) {
		if !p.startsExpr() {
			p.expected("`"+close+"`", "expression")
		}
		list = append(list, elem(p))
		p.nl()
		if p.has(",") {
			p.take(1)
			p.nl()
		} else if !p.has(close) {
			p.expected("`"+close+"`", "`,`")
		}
	}
	p.take(1)
	return list
}

// objectOrBlock = "{" "}" | "{" key ":" … "}" | "{" stmts "}"
//
// What follows the first word or string decides; nothing is parsed twice.
func (p *parser) objectOrBlock() Expr {
	start := p.pos
	p.take(1)
	p.nl()
	if p.has("}") || p.startsKey() {
		return p.object(start)
	}
	return p.block(start)
}

// startsKey tells whether `key :` comes next, with nothing but blanks before the colon.
func (p *parser) startsKey() bool {
	i := p.pos
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		if i = p.stringEnd(i); i < 0 {
			return false
		}
	case isLetter(c):
		i = wordEnd(p.src, i)
	default:
		return false
	}
	return p.byteAt(p.skipBlanks(i)) == ':'
}

// block parses a block behind its "{".
func (p *parser) block(start int) *BlockExpr {
	b := &BlockExpr{Stmts: p.stmts("block")}
	if p.has(":") {
		if s, ok := b.Stmts[len(b.Stmts)-1].(*ExprStmt); ok {
			if t, ok := s.X.(*TemplateExpr); ok {
				p.failKey(t)
			}
		}
	}
	if !p.has("}") {
		p.expected("`}`")
	}
	p.take(1)
	b.span = Span{start, p.end}
	return b
}

// object parses `key: expr` fields behind a "{".
func (p *parser) object(start int) Expr {
	x := &ObjectExpr{}
	var seen map[string]Span
	for !p.has("}") {
		key, at := p.key()
		if seen == nil {
			seen = make(map[string]Span)
		}
		p.checkKey(seen, key, at)
		if !p.has(":") {
			p.expected("`:`")
		}
		p.take(1)
		p.nl()
		x.Fields = append(x.Fields, ObjectField{at, key, p.expr()})
		p.nl()
		if p.has(",") {
			p.take(1)
			p.nl()
		} else if !p.has("}") {
			p.expected("`,`", "`}`")
		}
	}
	p.take(1)
	x.span = Span{start, p.end}
	return x
}

// key = word | string. Keywords may be keys.
func (p *parser) key() (string, Span) {
	at := p.here()
	var key string
	switch c := p.peek(); {
	case c == '\'' || c == '"':
		switch s := p.quoted().(type) {
		case *StringExpr:
			key = s.Value
		case *TemplateExpr:
			p.failKey(s)
		}
	case isLetter(c):
		key = p.word()
		p.take(len(key))
	default:
		p.expected("`}`", "identifier")
	}
	at.End = p.end
	p.ws()
	return key, at
}

func (p *parser) failKey(t *TemplateExpr) {
	e := Error{
		Msg:  "Object keys do not support interpolation",
		Hint: "Use Object.fromEntries if you need a dynamic key", HintSpan: t.span,
	}
	for _, part := range t.Parts {
		if _, ok := part.(*StringExpr); !ok {
			e.Span = part.Span()
			break
		}
	}
	p.fail(e)
}

func (p *parser) checkKey(seen map[string]Span, key string, at Span) {
	if first, ok := seen[key]; ok {
		p.fail(Error{Span: at, Msg: "Duplicate key", Hint: "Key originally used here", HintSpan: first})
	}
	seen[key] = at
}
