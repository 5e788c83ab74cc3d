package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// Levels of types, as those of expressions.
const (
	unionType    = 1
	nullableType = 2
)

func (p *printer) typ(t Type, level int) {
	is := nullableType
	switch t.(type) {
	case *FuncType:
		is = 0
	case *UnionType:
		is = unionType
	}
	if is < level {
		p.write("(")
		defer p.write(")")
	}
	switch t := t.(type) {
	case *NamedType:
		p.write(t.Name)
		if len(t.Args) > 0 {
			p.types("<", t.Args, ">")
		}
	case *NullableType:
		p.typ(t.X, nullableType)
		p.write("?")
	case *UnionType:
		for i, alt := range t.Alts {
			if i > 0 {
				p.write(" | ")
			}
			p.typ(alt, nullableType)
		}
	case *LiteralType:
		p.expr(t.X, base)
	case *TupleType:
		p.types("[", t.Elems, "]")
	case *ObjectType:
		p.objectType(t)
	case *FuncType:
		p.write("(")
		p.types("", t.Params, "")
		if t.Rest != nil {
			if len(t.Params) > 0 {
				p.write(", ")
			}
			p.write("...")
			p.typ(t.Rest, 0)
		}
		p.write(") => ")
		p.typ(t.Result, 0)
	}
}

func (p *printer) types(open string, list []Type, close string) {
	p.commas(open, close, len(list), func(i int) { p.typ(list[i], 0) })
}

func (p *printer) objectType(t *ObjectType) {
	n := len(t.Fields)
	if t.Wildcard != nil {
		n++
	}
	if n == 0 {
		p.write("{}")
		return
	}
	p.commas("{ ", " }", n, func(i int) {
		if i == len(t.Fields) {
			p.write("*: ")
			p.typ(t.Wildcard, 0)
			return
		}
		p.fieldDecl(&t.Fields[i])
	})
}

// fieldDecl = key [ ":" type ] [ "=" expr ]
func (p *printer) fieldDecl(f *FieldDecl) {
	p.write(key(f.Name))
	if f.Type != nil {
		p.write(": ")
		p.typ(f.Type, 0)
	}
	if f.Default != nil {
		p.write(" = ")
		p.expr(f.Default, anyExpr)
	}
}

func (p *printer) item(d Item) {
	switch d := d.(type) {
	case *CollectionDecl:
		p.doc(d.Doc)
		p.annotation("alias", d.Alias)
		p.write("collection ", name(d.Name), " ")
		p.members(collectionMembers(p, d))
	case *FunctionDecl:
		p.doc(d.Doc)
		p.annotation("role", d.Role)
		p.annotation("alias", d.Alias)
		p.function(d)
	case *RoleDecl:
		p.doc(d.Doc)
		p.write("role ", name(d.Name), " ")
		p.members(roleMembers(p, d))
	case *AccessProviderDecl:
		p.doc(d.Doc)
		p.write("access provider ", name(d.Name), " ")
		p.text(d.Text)
	default:
		panic(fmt.Sprintf("syntax: internal error: cannot print %T", d))
	}
}

func (p *printer) doc(doc string) {
	if doc == "" {
		return
	}
	for _, l := range strings.Split(doc, "\n") {
		p.write(strings.TrimRight("// "+l, " "), "\n")
	}
}

func (p *printer) annotation(kind, value string) {
	if value != "" {
		p.write("@", kind, "(", name(value), ")\n")
	}
}

// text writes a block that was kept as text, which stays as it is.
func (p *printer) text(text string) {
	if text == "" {
		p.write("{}")
		return
	}
	p.lines("{", "", "}", 1, func(int) { p.write(text) })
}

// members writes each on a line.
func (p *printer) members(list []func()) {
	if len(list) == 0 {
		p.write("{}")
		return
	}
	p.lines("{", "", "}", len(list), func(i int) { list[i]() })
}

// each makes printers of the elements of a list.
func each[T any](list []T, print func(*T)) []func() {
	var fs []func()
	for i := range list {
		fs = append(fs, func() { print(&list[i]) })
	}
	return fs
}

func collectionMembers(p *printer, d *CollectionDecl) []func() {
	list := each(d.Fields, p.fieldDecl)
	if d.Wildcard != nil {
		list = append(list, func() {
			p.write("*: ")
			p.typ(d.Wildcard, 0)
		})
	}
	list = append(list, each(d.Computed, p.computed)...)
	list = append(list, each(d.Uniques, func(u *UniqueDecl) { p.paths("unique", u.Paths) })...)
	list = append(list, each(d.Checks, func(c *CheckDecl) {
		p.write("check ", c.Name, " ")
		p.parens(c.Body)
	})...)
	list = append(list, each(d.Indexes, p.index)...)
	if d.HistoryDays != nil {
		list = append(list, func() { p.write("history_days ", strconv.FormatInt(*d.HistoryDays, 10)) })
	}
	if d.TTLDays != nil {
		list = append(list, func() { p.write("ttl_days ", strconv.FormatInt(*d.TTLDays, 10)) })
	}
	if d.DocumentTTLs != nil {
		list = append(list, func() { p.write("document_ttls ", strconv.FormatBool(*d.DocumentTTLs)) })
	}
	if d.Migrations != nil {
		list = append(list, func() {
			p.write("migrations ")
			p.text(d.Migrations.Text)
		})
	}
	return list
}

func (p *printer) computed(c *ComputedDecl) {
	p.write("compute ", c.Name)
	if c.Type != nil {
		p.write(": ")
		p.typ(c.Type, 0)
	}
	p.write(" = ")
	p.expr(c.Body, anyExpr)
}

func (p *printer) index(d *IndexDecl) {
	p.write("index ", d.Name, " ")
	var list []func()
	if d.Terms != nil {
		list = append(list, func() { p.paths("terms", d.Terms) })
	}
	if d.Values != nil {
		list = append(list, func() { p.paths("values", d.Values) })
	}
	p.members(list)
}

func (p *printer) paths(what string, list []PathDecl) {
	p.commas(what+" [", "]", len(list), func(i int) { p.write(list[i].String()) })
}

// String is the path as in FSL: `.a.b`, `desc(mva(.["a b"]))`.
func (d PathDecl) String() string {
	var b strings.Builder
	for i, name := range d.Path {
		switch {
		case isWord(name):
			b.WriteString("." + name)
		case i == 0:
			b.WriteString(".[" + quote(name) + "]")
		default:
			b.WriteString("[" + quote(name) + "]")
		}
	}
	s := b.String()
	if d.MVA {
		s = "mva(" + s + ")"
	}
	if d.Desc {
		s = "desc(" + s + ")"
	}
	return s
}

func (p *printer) function(d *FunctionDecl) {
	p.write("function ", name(d.Name))
	params := d.Params
	if d.Rest != nil {
		params = append(params[:len(params):len(params)], *d.Rest)
	}
	p.commas("(", ")", len(params), func(i int) {
		if i == len(d.Params) {
			p.write("...")
		}
		p.write(params[i].Name)
		if params[i].Type != nil {
			p.write(": ")
			p.typ(params[i].Type, 0)
		}
	})
	if d.Result != nil {
		p.write(": ")
		p.typ(d.Result, 0)
	}
	p.write(" ")
	p.expr(d.Lambda.Body, anyExpr)
}

func roleMembers(p *printer, d *RoleDecl) []func() {
	list := each(d.Privileges, func(x *PrivilegesDecl) {
		p.write("privileges ", name(x.Resource), " ")
		p.members(each(x.Actions, func(a *ActionDecl) {
			p.write(a.Action)
			p.predicate(a.Predicate)
		}))
	})
	return append(list, each(d.Membership, func(m *MembershipDecl) {
		p.write("membership ", name(m.Collection))
		p.predicate(m.Predicate)
	})...)
}

func (p *printer) predicate(x Expr) {
	if x == nil {
		return
	}
	p.lines(" {", "", "}", 1, func(int) {
		p.write("predicate ")
		p.parens(x)
	})
}
