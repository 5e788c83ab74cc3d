package syntax

// typeExpr = union [ "=>" typeExpr ] | "(" params ")" "=>" typeExpr
func (p *parser) typeExpr() Type {
	p.enter()
	start := p.pos
	var t Type
	if p.has("(") {
		params := p.typeParams()
		if p.has("=>") {
			t = p.funcType(start, params)
			p.leave()
			return t
		}
		t = p.grouped(params)
	} else {
		t = p.simpleType()
	}
	t = p.unionType(start, t)
	if p.has("=>") {
		t = p.funcType(start, typeParams{types: []Type{t}})
	}
	p.leave()
	return t
}

// plainType is a type where no defaults can be given.
func (p *parser) plainType() Type {
	t := p.typeExpr()
	p.noDefaults(t, "", Span{})
	return t
}

func (p *parser) funcType(start int, params typeParams) Type {
	p.take(len("=>"))
	p.nl()
	f := &FuncType{Params: params.types, Rest: params.rest, Result: p.typeExpr()}
	f.span = Span{start, p.end}
	return f
}

// union = nullable { "|" nullable }
func (p *parser) unionType(start int, t Type) Type {
	t = p.nullableType(start, t)
	for p.has("|") {
		p.take(1)
		p.nl()
		from := p.pos
		alt := p.nullableType(from, p.simpleType())
		whole := Span{start, p.end}
		if u, ok := t.(*UnionType); ok {
			u.span, u.Alts = whole, append(u.Alts, alt)
		} else {
			t = &UnionType{span: whole, Alts: []Type{t, alt}}
		}
	}
	if p.has("&") {
		p.fail(Error{Span: p.here(), Msg: "Intersection types are not supported"})
	}
	return t
}

// nullable = simple { "?" }
func (p *parser) nullableType(start int, t Type) Type {
	for p.has("?") {
		p.take(1)
		t = &NullableType{span: Span{start, p.end}, X: t}
		p.links++
		p.ws()
	}
	return t
}

// simple = literal | name { "." name } [ "<" types ">" ] | object | "[" types "]" | "(" types ")"
func (p *parser) simpleType() Type {
	start := p.pos
	var t Type
	switch c := p.peek(); {
	case c == '(':
		return p.grouped(p.typeParams())
	case c == '{':
		t = p.objectType()
	case c == '[':
		elems := p.typeList("]")
		t = &TupleType{span: Span{start, p.end}, Elems: elems}
	case c == '\'' || c == '"' || p.startsNumber() || p.word() == "true" || p.word() == "false" || p.word() == "null":
		x, _ := p.base()
		if s, ok := x.(*TemplateExpr); ok {
			p.fail(Error{Span: s.span, Msg: "Types do not support interpolation"})
		}
		t = &LiteralType{span: x.Span(), X: x}
	case isLetter(c):
		t = p.namedType()
	default:
		p.expected("type")
	}
	p.ws()
	return t
}

func (p *parser) namedType() Type {
	start := p.pos
	p.take(len(p.word()))
	for p.has(".") && p.wordAt(p.pos+1) != "" {
		p.take(1 + len(p.wordAt(p.pos+1)))
	}
	t := &NamedType{Name: p.src[start:p.pos]}
	if p.has("<") {
		if t.Args = p.typeList(">"); len(t.Args) == 0 {
			p.fail(Error{Span: Span{p.pos - 1, p.pos}, Msg: "Expected type"})
		}
	}
	t.span = Span{start, p.end}
	return t
}

// openArgs is what could continue t where the parser stands, for the message if nothing fits.
func (p *parser) openArgs(t Type) string {
	if n, ok := t.(*NamedType); ok && n.Args == nil && n.End == p.pos {
		return "`<`"
	}
	return ""
}

// typeList = [ type { "," type } [ "," ] ], between the bracket before and `close`
func (p *parser) typeList(close string) []Type {
	p.take(1)
	p.nl()
	var list []Type
	for !p.has(close) {
		list = append(list, p.typeExpr())
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

// typeParams is a list of types in parentheses: the parameters of a function type, a tuple or
// one type in parentheses.
type typeParams struct {
	span
	types []Type
	rest  Type
	named Span // the first name, if there is one
}

// typeParams = "(" [ param { "," param } [ "," ] ] ")"
// param      = [ name ":" ] [ "..." ] type, dots only in the last
func (p *parser) typeParams() typeParams {
	t := typeParams{span: p.here()}
	p.take(1)
	p.nl()
	for !p.has(")") {
		if t.rest != nil {
			p.fail(Error{Span: t.rest.Span(), Msg: "Invalid variadic argument"})
		}
		if w := p.word(); w != "" && p.byteAt(p.pos+len(w)) == ':' {
			_, at := p.ident()
			if t.named == (Span{}) {
				t.named = at
			}
			p.take(1)
			p.nl()
		}
		dots := p.has("...")
		if dots {
			p.take(len("..."))
			p.nl()
		}
		param := p.typeExpr()
		if dots {
			t.rest = param
		} else {
			t.types = append(t.types, param)
		}
		p.nl()
		if p.has(",") {
			p.take(1)
			p.nl()
		} else if !p.has(")") {
			p.expected("`)`", "`,`", p.openArgs(param))
		}
	}
	p.take(1)
	t.End = p.end
	p.ws()
	return t
}

// grouped is what params mean when no arrow follows.
func (p *parser) grouped(params typeParams) Type {
	switch {
	case params.rest != nil:
		p.fail(Error{Span: params.rest.Span(), Msg: "Invalid variadic argument"})
	case params.named != Span{}:
		p.fail(Error{Span: params.named, Msg: "Only lambda argument types may be named"})
	case len(params.types) == 1:
		return params.types[0]
	}
	return &TupleType{span: params.span, Elems: params.types}
}

// objectType = "{" [ member { sep member } [ sep ] ] "}", where sep is a comma, a semicolon or
// the end of a line
// member     = key ":" type [ "=" expr ] | "*" ":" type
func (p *parser) objectType() Type {
	t := &ObjectType{span: p.here()}
	p.take(1)
	p.nl()
	var seen map[string]Span
	for !p.has("}") {
		if t.Wildcard != nil {
			p.fail(Error{
				Span: p.here(), Msg: "Wildcard must be the last element in an object",
				Hint: "Wildcard defined here", HintSpan: t.Wildcard.Span(),
			})
		}
		switch {
		case p.has("*"):
			p.take(1)
			p.ws()
			t.Wildcard = p.colonType()
		case p.has("..."):
			p.fail(Error{Span: Span{p.pos, p.pos + 3}, Msg: "Interface types are not supported"})
		default:
			if seen == nil {
				seen = make(map[string]Span)
			}
			t.Fields = append(t.Fields, p.objectTypeField(seen))
		}
		if !p.objectSep() {
			break
		}
	}
	if !p.has("}") {
		p.expected("`}`")
	}
	p.take(1)
	t.End = p.end
	return t
}

func (p *parser) objectTypeField(seen map[string]Span) FieldDecl {
	start := p.pos
	key, at := p.key()
	p.checkKey(seen, key, at)
	f := FieldDecl{Name: key, Type: p.colonType()}
	if p.has("=") {
		p.take(1)
		p.nl()
		f.Default = p.expr()
	}
	f.span = Span{start, p.end}
	return f
}

// objectSep takes a separator and the white space behind it.
func (p *parser) objectSep() bool {
	p.ws()
	c := p.peek()
	if c == ',' || c == ';' {
		p.take(1)
	} else if c != '\n' && c != '\r' && !p.has("//") {
		return false
	}
	p.nl()
	return true
}

// colonType = ":" type
func (p *parser) colonType() Type {
	if !p.has(":") {
		p.expected("`:`")
	}
	p.take(1)
	p.nl()
	return p.typeExpr()
}

// noDefaults fails if an object type in t gives a default; the hint says why it cannot.
func (p *parser) noDefaults(t Type, hint string, at Span) {
	Walk(t, func(n Node) bool {
		o, ok := n.(*ObjectType)
		for i := 0; ok && i < len(o.Fields); i++ {
			if d := o.Fields[i].Default; d != nil {
				p.fail(Error{Span: d.Span(), Msg: "Default values are not allowed here", Hint: hint, HintSpan: at})
			}
		}
		_, isType := n.(Type)
		return isType
	})
}

// checkDefaults lets only nested objects have defaults, and not below an object that has one.
// Each field type of a collection is subject to it.
func (p *parser) checkDefaults(t Type, parent Expr) {
	switch t := t.(type) {
	case *ObjectType:
		for _, f := range t.Fields {
			if parent != nil && f.Default != nil {
				p.fail(Error{
					Span: f.Default.Span(), Msg: "Default values are not allowed here",
					Hint: "Parent has a conflicting default value", HintSpan: parent.Span(),
				})
			}
			below := parent
			if below == nil {
				below = f.Default
			}
			p.checkDefaults(f.Type, below)
		}
		if t.Wildcard != nil {
			p.noDefaults(t.Wildcard, "", Span{})
		}
	case *NullableType:
		p.noDefaults(t, "Parent is nullable", Span{t.End - 1, t.End})
	case *UnionType:
		p.noDefaults(t, "Parent is a union", t.span)
	default:
		p.noDefaults(t, "Parent is not an object", t.Span())
	}
}
