package schema

import "github.com/fauna-login/fauna-login/fqlx/internal/syntax"

// bindFunction fills in f from its declaration.
func (l *loader) bindFunction(f *Function) {
	d := f.Decl
	if f.Role != "" && !builtinRoles[f.Role] && l.s.roles[f.Role] == nil {
		l.report(f.Source, d.NameSpan, "Role `%s` does not exist.", f.Role)
	}
	bind := func(t syntax.Type) *Type {
		if t == nil {
			return nil
		}
		return l.anyType(f.Source, t)
	}
	f.Params = make([]*Type, len(d.Params))
	for i, p := range d.Params {
		f.Params[i] = bind(p.Type)
	}
	if d.Rest != nil {
		f.Rest = bind(d.Rest.Type)
	}
	f.Result = bind(d.Result)
}
