package eval

import (
	"fmt"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// checkCode looks at code that is about to be stored for what is wrong with it whenever it
// runs, as far as that shows without types: names that mean nothing, and effects that it may
// not have where it stands. In a query such mistakes come out when it runs. In a predicate
// they would be silent: an error there is a denial.
func checkCode(s *schema.Schema, code []storedCode) []schema.Problem {
	c := &codeChecker{schema: s}
	for _, x := range code {
		c.source = x.source
		c.names(x.body)
		c.effects(x)
	}
	return c.problems
}

// codeChecker is one run of checkCode.
type codeChecker struct {
	schema   *schema.Schema
	source   schema.Source
	problems []schema.Problem
}

func (c *codeChecker) report(at syntax.Span, format string, args ...any) {
	c.problems = append(c.problems, schema.Problem{Source: c.source, Span: at, Message: fmt.Sprintf(format, args...)})
}

// names reports global names that nothing has, and what is no member of a module.
func (c *codeChecker) names(x syntax.Expr) {
	for _, name := range resolve.Globals(x) {
		switch {
		case builtinGlobal(name.Name) != nil || c.schema.Collection(name.Name) != nil || c.schema.Function(name.Name) != nil:
		case faunaNames[name.Name]:
			c.report(name.Span(), "`%s` is not supported by this engine", name.Name)
		default:
			c.report(name.Span(), "Unbound variable `%s`", name.Name)
		}
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		if f, ok := n.(*syntax.FieldExpr); ok {
			if module, ok := f.X.(*syntax.NameExpr); ok && module.Slot.Kind == syntax.Global {
				c.member(module.Name, f)
			}
		}
		return true
	})
}

// member reports what a module or collection does not have.
func (c *codeChecker) member(module string, f *syntax.FieldExpr) {
	if _, known := c.memberEffect(module, f.Name); known {
		return
	}
	if faunaMembers[module+"."+f.Name] {
		c.report(f.NameSpan, "`%s.%s` is not supported by this engine", module, f.Name)
		return
	}
	kind := "Module"
	if c.schema.Collection(module) != nil {
		kind = "Collection"
	}
	c.report(f.NameSpan, "Type `%s%s` does not have field `%s`", module, kind, f.Name)
}

// memberEffect returns the effect of module.name, and whether there is such a thing. What is
// not known to be a module may have anything.
func (c *codeChecker) memberEffect(module, name string) (e resolve.Effect, known bool) {
	if coll := c.schema.Collection(module); coll != nil {
		if b, ok := userMethods[name]; ok {
			return b.effect, true
		}
		for _, index := range coll.Indexes {
			if index.Name == name {
				return resolve.Read, true
			}
		}
		return resolve.Pure, false
	}
	switch {
	case module == "FQL":
		return resolve.Pure, builtinGlobal(name) != nil && name != "FQL"
	case !isBuiltinModule(module):
		return resolve.Pure, true
	}
	b, ok := coreModules[module][name]
	if !ok {
		b, ok = systemModules[module][name]
	}
	return b.effect, ok
}

// effects reports an effect that is beyond the limit for certain. What a method of some value
// does depends on the value, and shows only when it runs.
func (c *codeChecker) effects(x storedCode) {
	most, at := resolve.EffectOf(x.body, c.effectOf)
	if most > x.limit {
		name, span := mentioned(at)
		c.report(span, "%s", errEffect(most, name, x.where).Message)
	}
	if x.limit > resolve.Pure {
		return
	}
	// See indexedField: functions are out of its reach.
	for _, name := range resolve.Globals(x.body) {
		if c.schema.Function(name.Name) != nil {
			c.report(name.Span(), "A call of the function `%s` in %s is not supported by this engine", name.Name, x.where)
		}
	}
}

func (c *codeChecker) effectOf(name string) resolve.Effect {
	module, member, isMember := strings.Cut(name, ".")
	switch {
	case isMember:
		e, _ := c.memberEffect(module, member)
		return e
	case globals[name] != nil:
		return globals[name].effect
	}
	return resolve.Pure
}

// mentioned returns the name that stands in x, and where.
func mentioned(x syntax.Expr) (string, syntax.Span) {
	if f, ok := x.(*syntax.FieldExpr); ok {
		return f.Name, f.NameSpan
	}
	return x.(*syntax.NameExpr).Name, x.Span()
}
