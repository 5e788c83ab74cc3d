package syntax

// shortLambda parses the first access of `.a.b`, `.[0]` or `.(x)` to the implied argument.
func (p *parser) shortLambda() Expr {
	start := p.pos
	this := &ThisExpr{span: Span{start, start}}
	p.take(1)
	p.nl()
	var x Expr
	switch {
	case p.has("("):
		x = p.call(start, this, false)
	case p.has("["):
		x = p.index(start, this, false)
	default:
		x = p.field(start, this, false)
	}
	return x
}

// chain = { "." word | "?." ( word | "[" args "]" | "(" args ")" ) | "[" args "]" | "(" args ")" | "!" }
//
// Only the forms with a dot may begin a line.
func (p *parser) chain(start int, x Expr) Expr {
	optional := false // a `?.` came since the start or the last `!`
	for {
		switch c := p.peek(); {
		case c == '(':
			x = p.call(start, x, false)
			continue
		case c == '[':
			x = p.index(start, x, false)
			continue
		case c == '!' && p.byteAt(p.pos+1) != '=' && p.byteAt(p.pos+1) != '~':
			x = endChain(x, optional)
			optional = false
			p.take(1)
			x = &BangExpr{span: Span{start, p.end}, X: x}
			p.links++
			p.ws()
			continue
		}
		switch next := p.skip(p.pos); {
		case p.byteAt(next) == '.':
			p.pos = next
			p.take(1)
			p.nl()
			x = p.field(start, x, false)
		case p.byteAt(next) == '?' && p.byteAt(next+1) == '.':
			p.pos = next
			p.take(2)
			p.nl()
			optional = true
			p.links++ // the ChainExpr
			x = p.optional(start, x)
		default:
			return endChain(x, optional)
		}
	}
}

func endChain(x Expr, optional bool) Expr {
	if optional {
		return &ChainExpr{span: x.Span(), X: x}
	}
	return x
}

// optional parses what follows a `?.`.
func (p *parser) optional(start int, x Expr) Expr {
	switch {
	case p.has("("):
		return p.call(start, x, true)
	case p.has("["):
		return p.index(start, x, true)
	}
	return p.field(start, x, true)
}

func (p *parser) field(start int, x Expr, optional bool) Expr {
	word := p.word()
	if word == "" {
		more := ""
		if n, ok := x.(*NumberExpr); ok && !n.IsFloat && n.End == p.pos-1 {
			more = "digit"
		}
		p.expected("identifier", more)
	}
	f := &FieldExpr{X: x, Name: word, NameSpan: Span{p.pos, p.pos + len(word)}, Optional: optional}
	p.take(len(word))
	f.span = Span{start, p.end}
	p.links++
	p.ws()
	return f
}

func (p *parser) index(start int, x Expr, optional bool) Expr {
	i := &IndexExpr{X: x, Args: p.args("]"), Optional: optional}
	i.span = Span{start, p.end}
	p.links++
	p.ws()
	return i
}

func (p *parser) call(start int, fn Expr, optional bool) Expr {
	open := p.pos
	c := &CallExpr{Fn: fn, Args: p.args(")"), Optional: optional}
	c.ArgsSpan = Span{open, p.end}
	c.span = Span{start, p.end}
	p.links++
	p.ws()
	return c
}

// binary parses operators that bind at least as tight as min, and their right operands.
func (p *parser) binary(start int, l Expr, short bool, min int) (Expr, bool) {
	for {
		op, at := p.operator()
		if op == "" || precedence[op] < min {
			return l, short
		}
		prec := precedence[op]
		p.pos = at
		p.take(len(op))
		p.nl()
		p.links++
		from := p.pos
		r, rshort := p.operand()
		if op == "**" { // groups to the right, so recurses as often as it is repeated
			p.enter()
			r, rshort = p.binary(from, r, rshort, prec)
			p.leave()
		} else {
			r, rshort = p.binary(from, r, rshort, prec+1)
		}
		l, short = joinShort(l, short)
		r, rshort = joinShort(r, rshort)
		short = short || rshort
		if op == "isa" {
			l = &IsaExpr{span: Span{start, p.end}, X: l, Type: r}
		} else {
			l = &BinaryExpr{span: Span{start, p.end}, Op: op, OpSpan: Span{at, at + len(op)}, L: l, R: r}
		}
	}
}

// joinShort makes an operand `(.a)` part of the short lambda that the operator is in:
// `(.a + .b) / .c` is one lambda. It must have come from parentheses, since other short
// lambdas do not reach here as lambdas.
func joinShort(x Expr, short bool) (Expr, bool) {
	if l, ok := x.(*LambdaExpr); ok && l.Short {
		return l.Body, true
	}
	return x, short
}

// operator looks for a two-place operator and tells where it is. Some may begin a line.
func (p *parser) operator() (op string, at int) {
	if n := p.lineOperator(); n > 0 {
		return p.src[p.pos : p.pos+n], p.pos
	}
	at = p.skip(p.pos)
	c, d := p.byteAt(at), p.byteAt(at+1)
	switch {
	case (c == '?' || c == '|' || c == '&') && d == c:
		return p.src[at : at+2], at
	case c == '|' || c == '&' || c == '^':
		return p.src[at : at+1], at
	}
	return "", at
}

// lineOperator is the length of the operator at the current place, among those that must be
// on the line where their left operand ends.
func (p *parser) lineOperator() int {
	d := p.byteAt(p.pos + 1)
	switch c := p.peek(); {
	case (c == '=' || c == '!') && (d == '=' || d == '~'),
		(c == '<' || c == '>') && d == '=',
		c == '*' && d == '*':
		return 2
	case c == '<', c == '>', c == '*', c == '+', c == '%',
		c == '/' && d != '/', // a comment
		c == '-' && d != '>': // an arrow of a migration
		return 1
	case c == 'i' && p.word() == "isa":
		return len("isa")
	}
	return 0
}

// projection = "{" ( "*" | member { "," member } [ "," ] ) "}", on the line where x ends
func (p *parser) projection(start int, x Expr) Expr {
	if !p.has("{") {
		return x
	}
	p.enter()
	proj := &ProjectExpr{X: x}
	p.take(1)
	p.nl()
	if p.has("*") {
		proj.All = true
		p.take(1)
		p.nl()
		if !p.has("}") {
			p.expected("`}`")
		}
	}
	for more := !proj.All; more; {
		if len(proj.Fields) == 0 {
			proj.Fields = append(proj.Fields, p.projectField("`*`"))
		} else {
			proj.Fields = append(proj.Fields, p.projectField("`}`"))
		}
		more = p.has(",")
		if more {
			p.take(1)
			p.nl()
			more = !p.has("}")
		} else if !p.has("}") {
			p.expected("`,`", "`}`")
		}
	}
	p.take(1)
	proj.span = Span{start, p.end}
	p.links++
	p.ws()
	p.leave()
	return proj
}

// member = name ":" arg | name [ projection ]
func (p *parser) projectField(or string) ProjectField {
	f := ProjectField{}
	var name Span
	f.Key, name = p.ident(or)
	p.ws()
	if p.has(":") {
		p.take(1)
		p.nl()
		f.Value = p.arg()
	} else {
		this := &ThisExpr{span: Span{name.Start, name.Start}}
		body := p.projection(name.Start, &FieldExpr{span: name, X: this, Name: f.Key, NameSpan: name})
		f.Value = &LambdaExpr{span: body.Span(), Short: true, Body: body}
	}
	f.span = Span{name.Start, p.end}
	p.nl()
	return f
}
