package syntax

import "strings"

// seen finds duplicates: it holds where each member of a block, or item of a file, stands.
type seen map[string]Span // "what\0name" → the first

func (s seen) add(p *parser, what, name string, at Span) {
	key := what + "\x00" + name
	if first, ok := s[key]; ok {
		if name != "" {
			what += " `" + name + "`"
		}
		p.fail(Error{Span: at, Msg: "Duplicate " + what, Hint: "Originally defined here", HintSpan: first})
	}
	s[key] = at
}

func (s seen) has(what, name string) bool {
	_, ok := s[what+"\x00"+name]
	return ok
}

// schema = { item }, with newlines, semicolons or comments between
func (p *parser) schema() []Item {
	var items []Item
	names := seen{}
	for {
		doc, start, parted := p.itemGap()
		if p.pos == len(p.src) {
			return items
		}
		if len(items) > 0 && !parted {
			p.expected("end-of-input")
		}
		p.links = 0
		item := p.item(names, doc, start)
		p.checkHeight(item)
		items = append(items, item)
	}
}

// itemGap skips to the next item. The comments directly above it are its documentation; start
// is where they begin, or the item if there are none. More than blanks must part two items.
func (p *parser) itemGap() (doc string, start int, parted bool) {
	var lines []string
	ownLine := p.pos == 0 // what follows an item on its line says something of that item
	newlines := 0
	for {
		from := p.pos
		switch c := p.peek(); {
		case c == ' ' || c == '\t' || c == '\r':
			p.pos++
			continue
		case c == '\n':
			newlines++
			fallthrough
		case c == ';':
			ownLine = ownLine || c == '\n'
			parted = true
			p.pos++
			continue
		case p.has("//"):
			p.pos = p.lineComment(p.pos)
		case p.has("/*"):
			p.pos = p.blockComment(p.pos)
		default:
			if len(lines) == 0 || newlines > 1 {
				return "", p.pos, parted
			}
			return strings.Join(lines, "\n"), start, parted
		}
		if newlines > 1 || len(lines) == 0 {
			lines, start = nil, from
		}
		if ownLine {
			lines = append(lines, commentLines(p.src[from:p.pos])...)
		}
		newlines = 0
		parted = true
	}
}

// commentLines is a comment without its markers, also the stars down its left side.
func commentLines(c string) []string {
	if text, ok := strings.CutPrefix(c, "//"); ok {
		return []string{strings.TrimRight(strings.TrimPrefix(text, " "), " \t\r")}
	}
	lines := strings.Split(strings.Trim(c[2:len(c)-2], "* \t\r\n"), "\n")
	for i, l := range lines {
		l = strings.Trim(l, " \t\r")
		lines[i] = strings.TrimPrefix(strings.TrimPrefix(l, "*"), " ")
	}
	return lines
}

type annotation struct {
	span
	kind, value string
	valueSpan   Span
}

// annotations = { "@" name "(" name ")" }
func (p *parser) annotations() []annotation {
	var list []annotation
	kinds := seen{}
	for p.has("@") {
		a := annotation{span: p.here()}
		p.take(1)
		p.nl()
		var at Span
		a.kind, at = p.ident()
		if a.kind != "alias" && a.kind != "role" {
			p.fail(Error{Span: at, Msg: "Invalid annotation `" + a.kind + "`"})
		}
		p.nl()
		if !p.has("(") {
			p.expected("`(`")
		}
		p.take(1)
		p.nl()
		a.value, a.valueSpan = p.schemaName("identifier")
		p.nl()
		if !p.has(")") {
			p.expected("`)`")
		}
		p.take(1)
		a.End = p.end
		kinds.add(p, "annotation", a.kind, a.span)
		list = append(list, a)
		p.nl()
	}
	return list
}

// schemaName = name | string. Strings are for names from before FQL v10.
func (p *parser) schemaName(expected ...string) (string, Span) {
	if c := p.peek(); c != '\'' && c != '"' {
		if p.word() == "" {
			p.expected(expected...)
		}
		return p.ident()
	}
	switch s := p.quoted().(type) {
	case *StringExpr:
		return s.Value, s.span
	case *TemplateExpr:
		p.fail(Error{Span: s.span, Msg: "Names do not support interpolation"})
	}
	return "", Span{}
}

// itemHead is what all items have.
type itemHead struct {
	doc      string
	start    int
	keyword  Span
	name     string
	nameSpan Span
	alias    string
	role     string
}

// item = annotations ( collection | function | role | access provider )
func (p *parser) item(names seen, doc string, start int) Item {
	notes := p.annotations()
	h := itemHead{doc: doc, start: start}
	for _, a := range notes {
		if a.kind == "alias" {
			h.alias = a.value
		} else {
			h.role = a.value
		}
	}
	word := p.word()
	h.keyword = Span{p.pos, p.pos + len(word)}
	switch word {
	case "":
		p.expected("end-of-input")
	case "collection", "role":
		p.take(len(word))
		p.nl()
		if p.pos == len(p.src) || p.has("{") {
			p.fail(Error{Span: h.keyword, Msg: "Missing required name"})
		}
		h.name, h.nameSpan = p.schemaName("end-of-input", "identifier")
	case "function", "access":
		p.take(len(word))
		p.nl()
		if word == "access" {
			if p.word() != "provider" {
				p.expected("provider")
			}
			p.take(len("provider"))
			p.nl()
		}
		h.name, h.nameSpan = p.schemaName("name")
	default:
		p.fail(Error{Span: h.keyword, Msg: "Invalid schema item `" + word + "`"})
	}
	p.claimNames(names, word, h, notes)
	p.ws()
	switch word {
	case "collection":
		return p.collection(h)
	case "function":
		return p.function(h)
	case "role":
		return p.role(h)
	}
	return p.accessProvider(h)
}

// claimNames checks the annotations and that the names of the item are free in this file.
// Collections and functions share a namespace, but a function that has an alias may be named
// like a collection: the name then means the collection.
func (p *parser) claimNames(names seen, word string, h itemHead, notes []annotation) {
	switch word {
	case "role":
		names.add(p, "role", h.name, h.nameSpan)
	case "access":
		names.add(p, "access provider", h.name, h.nameSpan)
	default:
		const space = "collection or function"
		if word == "collection" {
			names["collection\x00"+h.name] = h.nameSpan
		}
		if word == "collection" || h.alias == "" || !names.has("collection", h.name) {
			names.add(p, space, h.name, h.nameSpan)
		}
		for _, a := range notes {
			if a.kind == "alias" {
				names.add(p, space, a.value, a.valueSpan)
			} else if word == "collection" {
				p.fail(Error{Span: a.span, Msg: "Annotation not supported here"})
			}
		}
		return
	}
	if len(notes) > 0 {
		p.fail(Error{Span: notes[0].span, Msg: "Annotations are not allowed here"})
	}
}

// members = "{" [ member { sep member } [ sep ] ] "}". A member is named by the word it begins
// with, or by "" if it does not begin with one.
func (p *parser) members(of Span, member func(word string, at Span)) {
	p.valueOf(of)
	if !p.has("{") {
		p.expected("a block")
	}
	p.take(1)
	p.nl()
	p.sep()
	for !p.has("}") && p.pos < len(p.src) {
		if p.has("@") {
			p.fail(Error{Span: p.annotations()[0].span, Msg: "Annotations are not allowed here"})
		}
		word := p.word()
		member(word, Span{p.pos, p.pos + len(word)})
		if !p.sep() {
			break
		}
	}
	p.nl()
	if !p.has("}") {
		p.expected("`}`")
	}
	p.take(1)
}

// valueOf goes to the value of a member or item, and fails if it has none.
func (p *parser) valueOf(of Span) {
	p.nl()
	if p.pos == len(p.src) || p.has("}") || p.has(";") {
		p.fail(Error{Span: of, Msg: "Missing required value"})
	}
}

// unnamed goes to the value of a member that has no name.
func (p *parser) unnamed(of Span) {
	p.take(of.End - of.Start)
	line := p.skipBlanks(p.pos)
	p.valueOf(of)
	if c := p.peek(); p.pos == line && (c == '\'' || c == '"') {
		_, at := p.schemaName()
		p.fail(Error{Span: at, Msg: "Name is not allowed here"})
	}
}

// memberName takes the name of a member, behind its keyword.
func (p *parser) memberName(of Span) (string, Span) {
	p.take(of.End - of.Start)
	p.nl()
	if c := p.peek(); !isLetter(c) && c != '\'' && c != '"' {
		p.fail(Error{Span: of, Msg: "Missing required name"})
	}
	name, at := p.schemaName()
	p.ws()
	return name, at
}

// identName is memberName for what must be an identifier, be it quoted.
func (p *parser) identName(of Span) (string, Span) {
	name, at := p.memberName(of)
	p.checkIdent(name, at)
	return name, at
}

func (p *parser) checkIdent(name string, at Span) {
	if !IsIdent(name) {
		shown, _, _ := window(name, 0, 0) // a name in quotes may hold anything
		p.fail(Error{Span: at, Msg: "Invalid identifier `" + shown + "`"})
	}
}

// role = "role" name "{" { privileges | membership } "}"
func (p *parser) role(h itemHead) Item {
	d := &RoleDecl{Doc: h.doc, Name: h.name, NameSpan: h.nameSpan}
	found := seen{}
	p.members(h.keyword, func(word string, at Span) {
		switch word {
		case "privileges":
			x := p.privileges(at)
			found.add(p, word, x.Resource, x.ResourceSpan)
			d.Privileges = append(d.Privileges, x)
		case "membership":
			x := p.membership(at)
			found.add(p, word, x.Collection, x.CollectionSpan)
			d.Membership = append(d.Membership, x)
		case "":
			p.expected("`}`")
		default:
			p.fail(Error{Span: at, Msg: "Invalid member `" + word + "`"})
		}
	})
	d.span = Span{h.start, p.end}
	return d
}

// privileges = "privileges" name "{" { action [ predicate ] } "}"
func (p *parser) privileges(at Span) PrivilegesDecl {
	d := PrivilegesDecl{}
	d.Resource, d.ResourceSpan = p.memberName(at)
	found := seen{}
	p.members(at, func(word string, at Span) {
		switch word {
		case "read", "write", "create", "create_with_id", "delete", "history_read", "history_write",
			"unrestricted_read", "call":
		case "":
			p.expected("`}`")
		default:
			p.fail(Error{Span: at, Msg: "Invalid action `" + word + "`"})
		}
		found.add(p, "action", word, at)
		p.take(len(word))
		a := ActionDecl{Action: word, Predicate: p.predicate()}
		a.span = Span{at.Start, p.end}
		d.Actions = append(d.Actions, a)
	})
	d.span = Span{at.Start, p.end}
	return d
}

// membership = "membership" name [ predicate ]
func (p *parser) membership(at Span) MembershipDecl {
	d := MembershipDecl{}
	d.Collection, d.CollectionSpan = p.memberName(at)
	d.Predicate = p.predicate()
	d.span = Span{at.Start, p.end}
	return d
}

// predicate = [ "{" "predicate" "(" lambda ")" "}" ]
func (p *parser) predicate() Expr {
	p.ws()
	start := p.pos
	if c := p.peek(); p.pos == len(p.src) || strings.IndexByte("\r\n;}", c) >= 0 || p.has("//") {
		return nil
	}
	var x Expr
	count := 0
	p.members(p.here(), func(word string, at Span) {
		if word != "predicate" {
			p.fail(Error{Span: at, Msg: "Expecting a predicate"})
		}
		count++
		p.unnamed(at)
		x = p.parenLambda(Error{Msg: "Expected lambda predicate"})
	})
	if count != 1 {
		p.fail(Error{Span: Span{start, p.end}, Msg: "Expected a single predicate member"})
	}
	return x
}

// parenLambda = "(" lambda ")". Anything else fails with e.
func (p *parser) parenLambda(e Error) Expr {
	start := p.pos
	x := p.expr()
	// A lambda without parentheses starts where the value does.
	if l, ok := x.(*LambdaExpr); !ok || l.Start == start {
		e.Span = Span{start, p.end}
		p.fail(e)
	}
	return x
}

// accessProvider = "access" "provider" name "{" … "}"
func (p *parser) accessProvider(h itemHead) Item {
	d := &AccessProviderDecl{Doc: h.doc, Name: h.name, NameSpan: h.nameSpan}
	p.valueOf(h.keyword)
	d.Text = strings.Trim(p.braces(), " \t\r\n")
	d.span = Span{h.start, p.end}
	return d
}

// function = "function" name "(" params ")" [ ":" type ] block
func (p *parser) function(h itemHead) Item {
	d := &FunctionDecl{Doc: h.doc, Name: h.name, NameSpan: h.nameSpan, Alias: h.alias, Role: h.role}
	if !p.has("(") {
		p.expected("`(`")
	}
	from := p.pos
	p.functionParams(d)
	closing := Span{p.end - 1, p.end}
	if p.has(":") {
		p.take(1)
		p.nl()
		d.Result = p.plainType()
	}
	p.checkTyped(d, closing)
	p.nl()
	if !p.has("{") {
		p.expected("`{`", p.openArgs(d.Result))
	}
	start := p.pos
	p.take(1)
	p.nl()
	l := &LambdaExpr{Body: p.block(start)}
	l.span = Span{from, p.end}
	for _, param := range d.Params {
		param.Type = nil
		l.Params = append(l.Params, param)
	}
	all := d.Params
	if d.Rest != nil {
		l.HasRest, l.Rest = true, d.Rest.Name
		all = append(all[:len(all):len(all)], *d.Rest)
	}
	p.checkParams(all)
	d.Lambda = l
	d.span = Span{h.start, p.end}
	return d
}

// params = [ param { "," param } [ "," ] ]
// param  = [ "..." ] name [ ":" type ], dots only in the last
func (p *parser) functionParams(d *FunctionDecl) {
	p.take(1)
	p.nl()
	for !p.has(")") {
		start := p.pos
		if d.Rest != nil {
			p.fail(Error{Span: d.Rest.span, Msg: "Variadic argument must be the last argument."})
		}
		dots := p.has("...")
		if dots {
			p.take(len("..."))
			p.nl()
		}
		param := Param{}
		param.Name, param.span = p.ident("`)`")
		p.nl()
		if p.has(":") {
			p.take(1)
			p.nl()
			param.Type = p.plainType()
		}
		if dots {
			param.Start = start
			d.Rest = &param
		} else {
			d.Params = append(d.Params, param)
		}
		more := p.openArgs(param.Type)
		if param.Type != nil {
			p.nl()
		}
		if p.has(",") {
			p.take(1)
			p.nl()
		} else if !p.has(")") {
			p.expected("`)`", "`,`", more)
		}
	}
	p.take(1)
	p.ws()
}

// checkTyped wants types for all arguments and the result, or for none.
func (p *parser) checkTyped(d *FunctionDecl, closing Span) {
	all := d.Params
	if d.Rest != nil {
		all = append(all[:len(all):len(all)], *d.Rest)
	}
	d.Typed = d.Result != nil
	if len(all) == 0 {
		return
	}
	first := all[0]
	d.Typed = first.Type != nil
	e := Error{Hint: "Expecting no types due to this argument not having a type", HintSpan: first.span}
	if d.Typed {
		e.Hint, e.HintSpan = "Expecting types due to this type annotation", first.Type.Span()
	}
	for _, param := range all {
		if (param.Type != nil) != d.Typed {
			e.Span, e.Msg = Span{param.End - len(param.Name), param.End}, "All or no arguments must have a type"
			p.fail(e)
		}
	}
	switch {
	case d.Typed && d.Result == nil:
		e.Span, e.Msg = closing, "Return type is required when arguments have a type"
		p.fail(e)
	case !d.Typed && d.Result != nil:
		e.Span, e.Msg = d.Result.Span(), "Return type is not allowed when arguments do not have a type"
		p.fail(e)
	}
}
