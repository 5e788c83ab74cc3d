package schema

import (
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// maxDays bounds history_days and ttl_days, so that times stay far from overflow.
const maxDays = 1_000_000

// bindCollection fills in c from its declaration.
func (l *loader) bindCollection(c *Collection) {
	d := c.Decl
	if d.Migrations != nil {
		l.unsupported(c.Source, d.Migrations, "`migrations`")
	}
	l.bindFields(c)
	l.bindComputed(c)
	l.bindChecks(c)
	l.bindIndexes(c)
	c.HistoryDays = l.days(c, "history_days", d.HistoryDays)
	c.TTLDays = l.days(c, "ttl_days", d.TTLDays)
	// Fauna: on unless a field is declared. Only a type checker looks at it.
	c.DocumentTTLs = len(d.Fields) == 0
	if d.DocumentTTLs != nil {
		c.DocumentTTLs = *d.DocumentTTLs
	}
}

func (l *loader) bindFields(c *Collection) {
	c.Fields = l.fields(c.Source, c.Decl.Fields)
	for _, f := range c.Decl.Fields {
		if documentMembers[f.Name] {
			l.report(c.Source, f, "Invalid reserved name `%s`", f.Name)
		}
	}
	switch {
	case c.Decl.Wildcard != nil:
		c.Wildcard = l.storedType(c.Source, c.Decl.Wildcard)
	case len(c.Decl.Fields) == 0:
		c.Wildcard = l.simple(kindAny, "Any")
	}
}

// fields binds the fields of a collection or an object type.
func (l *loader) fields(src Source, decls []syntax.FieldDecl) []Field {
	out := make([]Field, 0, len(decls))
	for _, d := range decls {
		f := Field{Name: d.Name, Default: d.Default}
		switch {
		case d.Type != nil:
			f.Type = l.storedType(src, d.Type)
			l.checkDefault(src, f)
		case d.Default != nil:
			f.Type = l.typeOfDefault(d.Default)
		default:
			f.Type = l.simple(kindAny, "Any")
			l.report(src, d, "The field `%s` needs a type or a default", d.Name)
		}
		out = append(out, f)
	}
	return out
}

// checkDefault reports a constant default that does not fit the field's type.
func (l *loader) checkDefault(src Source, f Field) {
	if f.Default == nil {
		return
	}
	if v, ok := constant(f.Default); ok && len(f.Type.Check(v)) > 0 {
		l.report(src, f.Default, "Type `%s` is not a subtype of `%s`", f.Type.provided(v), f.Type)
	}
}

func (l *loader) bindComputed(c *Collection) {
	for _, d := range c.Decl.Computed {
		if documentMembers[d.Name] {
			l.report(c.Source, d, "Invalid reserved name `%s`", d.Name)
		}
		out := Computed{Name: d.Name, Body: l.lambda(c.Source, d.Body, 1, 1)}
		if d.Type != nil {
			out.Type = l.anyType(c.Source, d.Type)
		}
		c.Computed = append(c.Computed, out)
	}
}

func (l *loader) bindChecks(c *Collection) {
	for _, d := range c.Decl.Checks {
		c.Checks = append(c.Checks, Check{Name: d.Name, Body: l.lambda(c.Source, d.Body, 1, 1)})
	}
}

// days reads history_days or ttl_days.
func (l *loader) days(c *Collection, member string, n *int64) int64 {
	if n == nil {
		return 0
	}
	if *n < 0 || *n > maxDays {
		l.report(c.Source, c.Decl.NameSpan, "`%s` must be between 0 and %d", member, maxDays)
		return 0
	}
	return *n
}

// lambda checks that x is a function which can be called with least to most arguments. It
// returns nil, after a report, if x is no function at all.
func (l *loader) lambda(src Source, x syntax.Expr, least, most int) *syntax.LambdaExpr {
	fn, ok := x.(*syntax.LambdaExpr)
	if !ok {
		l.report(src, x, "Expected a function")
		return nil
	}
	n := len(fn.Params)
	switch {
	case fn.Short:
		n = 1
	case fn.HasRest && n <= least:
		n = least
	}
	if n < least || n > most {
		l.report(src, fn, "Invalid function arity. Expected %s, but the function was defined with %s",
			arity(least, most), count(n, "argument"))
	}
	return fn
}

// arity spells a number of arguments: "1 argument", "2 or 3 arguments".
func arity(least, most int) string {
	if least == most {
		return count(least, "argument")
	}
	return strconv.Itoa(least) + " or " + count(most, "argument")
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// dotted spells a path as FSL does: `.a.b`.
func dotted(path []string) string { return "." + strings.Join(path, ".") }
