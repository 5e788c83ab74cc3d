package eval

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// storedCode is one expression of a schema, and what it may do where it stands.
type storedCode struct {
	source schema.Source
	body   syntax.Expr
	limit  resolve.Effect
	where  string // "computed fields"
}

// The places where the effect of an expression is capped, in the words of invalid_effect.
const (
	inDefaults   = "default values"
	inComputed   = "computed fields"
	inIndexes    = "computed fields of an index"
	inChecks     = "check constraints"
	inPredicates = "auth predicates"
)

// bindSchema binds the names in every expression of a schema. It also returns these.
func bindSchema(s *schema.Schema) (*prepared, []storedCode, []schema.Problem) {
	p := &preparer{out: &prepared{
		Schema:   s,
		defaults: map[syntax.Expr]*syntax.LambdaExpr{},
		missing:  map[string]value.Value{},
		indexes:  map[uint32]bool{},
		methods:  map[string]table{},
		modules:  map[string]value.Value{},
	}}
	for _, c := range s.Collections {
		p.collection(c)
	}
	for _, f := range s.Functions {
		p.note(f.Source, resolve.Function(f.Decl))
		p.code = append(p.code, storedCode{f.Source, f.Decl.Lambda.Body, resolve.Write, ""})
	}
	for _, r := range s.Roles {
		p.role(r)
	}
	return p.out, p.code, p.problems
}

// preparer is one run of bindSchema.
type preparer struct {
	out      *prepared
	code     []storedCode
	problems []schema.Problem
}

func (p *preparer) note(src schema.Source, err *syntax.Error) {
	if err != nil {
		p.problems = append(p.problems, schema.Problem{Source: src, Span: err.Span, Message: err.Msg, Hint: err.Hint})
	}
}

// lambda binds the names in l (nil: there is none), which may do no more than limit.
func (p *preparer) lambda(src schema.Source, l *syntax.LambdaExpr, limit resolve.Effect, where string) {
	if l != nil {
		p.note(src, resolve.Lambda(l))
		p.code = append(p.code, storedCode{src, l.Body, limit, where})
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
	p.out.modules[c.Name] = value.Module(c.Name)
	if c.Alias != "" {
		p.out.modules[c.Alias] = value.Module(c.Name)
	}
	for i := range c.Computed {
		if isIndexed(c, c.Computed[i].Name) {
			p.lambda(c.Source, c.Computed[i].Body, resolve.Pure, inIndexes)
		} else {
			p.lambda(c.Source, c.Computed[i].Body, resolve.Read, inComputed)
		}
	}
	for i := range c.Checks {
		p.lambda(c.Source, c.Checks[i].Body, resolve.Read, inChecks)
	}
	for i := range c.Fields {
		p.out.missing[c.Fields[i].Name] = missingField(c.Fields[i].Name)
	}
	p.fields(c.Source, c.Decl.Fields)
}

// isIndexed reports whether an index or unique constraint is over the field.
func isIndexed(c *schema.Collection, field string) bool {
	return slices.ContainsFunc(c.Storage, func(index *schema.Index) bool {
		return slices.ContainsFunc(slices.Concat(index.Terms, index.Values), func(p schema.Path) bool { return p.Path[0] == field })
	})
}

// fields makes functions of the defaults, also those inside object types.
func (p *preparer) fields(src schema.Source, fields []syntax.FieldDecl) {
	for i := range fields {
		if x := fields[i].Default; x != nil {
			fn, err := resolve.Expr(x)
			p.note(src, err)
			p.out.defaults[x] = fn
			p.code = append(p.code, storedCode{src, x, resolve.Observation, inDefaults})
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
			p.lambda(r.Source, condition.Predicate, resolve.Read, inPredicates)
		}
	}
	for _, m := range r.Membership {
		p.lambda(r.Source, m.Predicate, resolve.Read, inPredicates)
	}
}
