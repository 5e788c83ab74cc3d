package eval

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// bindSchema binds the names in every expression of a schema.
func bindSchema(s *schema.Schema) (*prepared, []schema.Problem) {
	p := &preparer{out: &prepared{
		Schema:   s,
		defaults: map[syntax.Expr]*syntax.LambdaExpr{},
		indexes:  map[uint32]bool{},
		methods:  map[string]table{},
	}}
	for _, c := range s.Collections {
		p.collection(c)
	}
	for _, f := range s.Functions {
		p.note(f.Source, resolve.Function(f.Decl))
	}
	for _, r := range s.Roles {
		p.role(r)
	}
	return p.out, p.problems
}

type preparer struct {
	out      *prepared
	problems []schema.Problem
}

func (p *preparer) note(src schema.Source, err *syntax.Error) {
	if err != nil {
		p.problems = append(p.problems, schema.Problem{Source: src, Span: err.Span, Message: err.Msg, Hint: err.Hint})
	}
}

func (p *preparer) lambda(src schema.Source, l *syntax.LambdaExpr) {
	if l != nil {
		p.note(src, resolve.Lambda(l))
	}
}

func (p *preparer) collection(c *schema.Collection) {
	for _, index := range c.Storage {
		p.out.indexes[index.ID] = true
	}
	methods := table{}
	for _, index := range c.Indexes {
		methods[index.Name] = indexMethod(c, index)
	}
	p.out.methods[c.Name] = methods
	for i := range c.Computed {
		p.lambda(c.Source, c.Computed[i].Body)
	}
	for i := range c.Checks {
		p.lambda(c.Source, c.Checks[i].Body)
	}
	p.fields(c.Source, c.Decl.Fields)
}

// fields makes functions of the defaults, also those inside object types.
func (p *preparer) fields(src schema.Source, fields []syntax.FieldDecl) {
	for i := range fields {
		if x := fields[i].Default; x != nil {
			fn, err := resolve.Expr(x)
			p.note(src, err)
			p.out.defaults[x] = fn
		}
		p.typ(src, fields[i].Type)
	}
}

func (p *preparer) typ(src schema.Source, t syntax.Type) {
	switch t := t.(type) {
	case *syntax.NullableType:
		p.typ(src, t.X)
	case *syntax.UnionType:
		for _, alt := range t.Alts {
			p.typ(src, alt)
		}
	case *syntax.ObjectType:
		p.fields(src, t.Fields)
	}
}

func (p *preparer) role(r *schema.Role) {
	for _, actions := range r.Privileges {
		for _, condition := range actions {
			p.lambda(r.Source, condition.Predicate)
		}
	}
	for _, m := range r.Membership {
		p.lambda(r.Source, m.Predicate)
	}
}
