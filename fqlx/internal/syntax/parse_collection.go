package syntax

import (
	"maps"
	"slices"
	"strings"
)

// collection = "collection" name "{" { field | compute | unique | check | index | setting } "}"
func (p *parser) collection(h itemHead) Item {
	d := &CollectionDecl{Doc: h.doc, Name: h.name, NameSpan: h.nameSpan, Alias: h.alias}
	found := seen{}
	p.members(h.keyword, func(word string, at Span) {
		if p.startsField() {
			p.fieldDecl(d, found)
		} else {
			p.collectionMember(d, found, word, at)
		}
	})
	d.span = Span{h.start, p.end}
	return d
}

// startsField tells whether a name and `:` or `=` come next. Such a member is a field,
// whatever its name.
func (p *parser) startsField() bool {
	i := p.pos
	switch c := p.peek(); {
	case c == '*':
		return true
	case c == '\'' || c == '"':
		if i = p.stringEnd(i); i < 0 {
			return false
		}
	case isLetter(c):
		i = wordEnd(p.src, i)
	}
	i = p.skipBlanks(i)
	c := p.byteAt(i)
	return c == ':' || c == '=' && p.byteAt(i+1) != '>'
}

func (p *parser) collectionMember(d *CollectionDecl, found seen, word string, at Span) {
	switch word {
	case "compute":
		d.Computed = append(d.Computed, p.compute(found, at))
	case "unique":
		d.Uniques = append(d.Uniques, p.unique(found, at))
	case "check":
		d.Checks = append(d.Checks, p.check(found, at))
	case "index":
		d.Indexes = append(d.Indexes, p.indexDecl(found, at))
	case "history_days":
		d.HistoryDays = p.days(at)
		found.add(p, "history days", "", Span{at.Start, p.end})
	case "ttl_days":
		d.TTLDays = p.days(at)
		found.add(p, "ttl days", "", Span{at.Start, p.end})
	case "document_ttls":
		d.DocumentTTLs = p.flag(at)
		found.add(p, "document TTLs", "", Span{at.Start, p.end})
	case "migrations":
		d.Migrations = p.migrations(at)
		found.add(p, "migration block", "", d.Migrations.span)
	case "":
		p.expected("`}`")
	default:
		p.fail(Error{Span: at, Msg: "Invalid field or member `" + word + "`"})
	}
}

// field = ( name | "*" ) [ ":" type ] [ "=" expr ]
func (p *parser) fieldDecl(d *CollectionDecl, found seen) {
	start := p.pos
	f := FieldDecl{Name: "*", span: p.here()}
	if p.has("*") {
		p.take(1)
	} else {
		var at Span
		f.Name, at = p.schemaName("identifier")
		p.checkIdent(f.Name, at)
		f.span = at
	}
	found.add(p, "field", f.Name, f.span)
	p.ws()
	if p.has(":") || f.Name == "*" {
		f.Type = p.colonType()
	}
	if p.has("=") {
		p.take(1)
		p.nl()
		f.Default = p.expr()
	}
	f.span = Span{start, p.end}
	switch {
	case f.Name != "*":
		if f.Type != nil {
			p.checkDefaults(f.Type, f.Default)
		}
		d.Fields = append(d.Fields, f)
	case f.Default != nil:
		p.fail(Error{Span: f.Default.Span(), Msg: "No default allowed for wildcard field"})
	default:
		p.noDefaults(f.Type, "", Span{})
		d.Wildcard = f.Type
	}
}

// compute = "compute" name [ ":" type ] "=" ( lambda | "(" lambda ")" )
func (p *parser) compute(found seen, at Span) ComputedDecl {
	c := ComputedDecl{}
	var name Span
	c.Name, name = p.identName(at)
	found.add(p, "field", c.Name, name)
	if p.has(":") {
		p.take(1)
		p.nl()
		c.Type = p.plainType()
	}
	if !p.has("=") {
		p.fail(Error{Span: at, Msg: "Computed fields require a value"})
	}
	p.take(1)
	p.nl()
	from := p.pos
	c.Body = p.expr()
	if _, ok := c.Body.(*LambdaExpr); !ok {
		p.fail(Error{Span: Span{from, p.end}, Msg: "Expected lambda"})
	}
	c.span = Span{at.Start, p.end}
	return c
}

// check = "check" name "(" lambda ")"
func (p *parser) check(found seen, at Span) CheckDecl {
	c := CheckDecl{}
	var name Span
	c.Name, name = p.identName(at)
	found.add(p, "check constraint name", c.Name, name)
	p.valueOf(at)
	c.Body = p.parenLambda(Error{
		Msg:   "Expected lambda check predicate",
		Label: "Check constraints require parenthesis around the lambda",
	})
	c.span = Span{at.Start, p.end}
	return c
}

// unique = "unique" "[" path { "," path } "]"
func (p *parser) unique(found seen, at Span) UniqueDecl {
	p.unnamed(at)
	from := p.pos
	u := UniqueDecl{Paths: p.paths("terms", false)}
	list := Span{from, p.end}
	if len(u.Paths) == 0 {
		p.fail(Error{Span: list, Msg: "Expected non-empty terms for a unique constraint"})
	}
	key := "unique\x00" + pathSet(u.Paths)
	if first, ok := found[key]; ok {
		p.fail(Error{
			Span: list, Msg: "Duplicate unique constraint.",
			Hint: "This unique constraint covers the same fields.", HintSpan: first,
		})
	}
	found[key] = list
	u.span = Span{at.Start, p.end}
	return u
}

// index = "index" name "{" [ "terms" paths ] [ "values" paths ] "}"
func (p *parser) indexDecl(found seen, at Span) IndexDecl {
	d := IndexDecl{}
	var name Span
	d.Name, name = p.identName(at)
	found.add(p, "index name", d.Name, name)
	inner := seen{}
	p.members(at, func(word string, at Span) {
		switch word {
		case "terms":
			p.unnamed(at)
			d.Terms = p.paths("terms", false)
		case "values":
			p.unnamed(at)
			d.Values = p.paths("values", true)
		case "":
			p.expected("`}`")
		default:
			p.fail(Error{Span: at, Msg: "Invalid member `" + word + "`"})
		}
		inner.add(p, word+" definition", "", Span{at.Start, p.end})
	})
	d.span = Span{at.Start, p.end}
	return d
}

func (p *parser) days(at Span) *int64 {
	p.unnamed(at)
	x := p.expr()
	n, ok := x.(*NumberExpr)
	if !ok || n.IsFloat {
		p.fail(Error{Span: x.Span(), Msg: "Expected integer literal"})
	}
	return &n.Int
}

func (p *parser) flag(at Span) *bool {
	p.unnamed(at)
	x := p.expr()
	b, ok := x.(*BoolExpr)
	if !ok {
		p.fail(Error{Span: x.Span(), Msg: "Expected boolean literal"})
	}
	return &b.Value
}

// migrations = "migrations" "{" … "}"
func (p *parser) migrations(at Span) *MigrationsDecl {
	p.unnamed(at)
	if !p.has("{") {
		p.fail(Error{Span: p.here(), Msg: "Expected a migration block"})
	}
	m := &MigrationsDecl{Text: strings.Trim(p.braces(), " \t\r\n")}
	m.span = Span{at.Start, p.end}
	if m.Text == "" {
		p.fail(Error{Span: m.span, Msg: "Empty migration blocks are not allowed"})
	}
	return m
}

// paths = "[" [ path { "," path } ] "]"
// path  = short lambda | "mva" "(" path ")" | "asc" "(" path ")" | "desc" "(" path ")"
//
// The order functions are for values only.
func (p *parser) paths(what string, ordered bool) []PathDecl {
	if !p.has("[") {
		p.fail(Error{Span: p.here(), Msg: "Expected an array of " + what})
	}
	var list []PathDecl
	for _, x := range p.args("]") {
		list = append(list, p.path(x, ordered))
	}
	return list
}

// path reads a path from an expression. mva and an order may each be said once.
func (p *parser) path(x Expr, ordered bool) PathDecl {
	d := PathDecl{span: x.Span()}
	hasOrder := false
	for {
		call, ok := x.(*CallExpr)
		if !ok {
			d.Path = p.fieldPath(x)
			return d
		}
		fn, ok := call.Fn.(*NameExpr)
		if !ok || len(call.Args) != 1 {
			p.fail(Error{Span: x.Span(), Msg: "Invalid field path"})
		}
		switch {
		case fn.Name == "mva" && !d.MVA:
			d.MVA = true
		case (fn.Name == "asc" || fn.Name == "desc") && ordered && !hasOrder:
			d.Desc, hasOrder = fn.Name == "desc", true
		case ordered:
			p.fail(Error{Span: fn.span, Msg: "Expected 'asc', 'desc', or 'mva'"})
		default:
			p.fail(Error{Span: fn.span, Msg: "Expected 'mva'"})
		}
		x = call.Args[0]
	}
}

// fieldPath is the path that a short lambda such as `.a.b` or `.["a b"]` walks.
func (p *parser) fieldPath(x Expr) []string {
	bad := Error{Span: x.Span(), Msg: "Invalid field path"}
	l, ok := x.(*LambdaExpr)
	if !ok || !l.Short {
		p.fail(bad)
	}
	var reversed []string
	for at := l.Body; ; {
		bad.Span = at.Span()
		switch e := at.(type) {
		case *ThisExpr:
			path := make([]string, len(reversed))
			for i, name := range reversed {
				path[len(path)-1-i] = name
			}
			return path
		case *FieldExpr:
			if e.Optional {
				p.fail(bad)
			}
			reversed = append(reversed, e.Name)
			at = e.X
		case *IndexExpr:
			if e.Optional || len(e.Args) != 1 {
				p.fail(bad)
			}
			switch name := e.Args[0].(type) {
			case *StringExpr:
				reversed = append(reversed, name.Value)
			case *NumberExpr:
				p.fail(Error{Span: name.span, Msg: "Positions of an array are not supported in a field path"})
			default:
				p.fail(bad)
			}
			at = e.X
		default:
			p.fail(bad)
		}
	}
}

// pathSet is equal for lists of the same paths in any order.
func pathSet(paths []PathDecl) string {
	set := make(map[string]bool)
	for _, path := range paths {
		key := strings.Join(path.Path, "\x01")
		if path.MVA {
			key = "\x02" + key
		}
		set[key] = true
	}
	return strings.Join(slices.Sorted(maps.Keys(set)), "\x00")
}
