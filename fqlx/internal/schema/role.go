package schema

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// maxRolesPerResource is how many roles may have a membership of one collection (Fauna: limits).
const maxRolesPerResource = 64

// reservedRoles are the names that no role may have. Fauna reserves the first two. With the
// third a secret or function that names it would not say whose role is meant.
var reservedRoles = set("admin", "server", "client")

func (l *loader) declareRole(d *syntax.RoleDecl, src Source) {
	switch {
	case reservedRoles[d.Name]:
		l.report(src, d.NameSpan, "The identifier `%s` is reserved.", d.Name)
	case !isIdentifier(d.Name):
		l.report(src, d.NameSpan, "Invalid identifier.")
	case l.s.roles[d.Name] != nil:
		l.report(src, d.NameSpan, "A Role already exists with the name `%s`", d.Name)
	default:
		r := &Role{Name: d.Name, Decl: d, Source: src, Privileges: map[string]Privileges{}}
		l.s.Roles = append(l.s.Roles, r)
		l.s.roles[d.Name] = r
	}
}

// bindRole fills in r from its declaration.
func (l *loader) bindRole(r *Role) {
	for _, d := range r.Decl.Privileges {
		name, isFunction, ok := l.resource(d.Resource)
		if !ok {
			l.report(r.Source, d.ResourceSpan, "Resource `%s` does not exist.", d.Resource)
			continue
		}
		if r.Privileges[name] != nil {
			l.report(r.Source, d.ResourceSpan, "Duplicate privileges of `%s`", d.Resource)
			continue
		}
		r.Privileges[name] = l.privileges(r, d, isFunction)
	}
	for _, d := range r.Decl.Membership {
		l.bindMembership(r, d)
	}
}

// resource finds what a privilege is about and returns its own name (not the alias).
func (l *loader) resource(name string) (own string, isFunction, ok bool) {
	if c := l.s.collections[name]; c != nil {
		return c.Name, false, true
	}
	if f := l.s.functions[name]; f != nil {
		return f.Name, true, true
	}
	if id, ok := systemCollections[name]; ok {
		return systemNames[id], false, true
	}
	return "", false, false
}

// predicateArity is how many parameters the predicate of an action may have: least and most.
var predicateArity = map[Action][2]int{
	Read:             {1, 1},
	Write:            {2, 3},
	Create:           {1, 1},
	CreateWithID:     {1, 2},
	Delete:           {1, 1},
	HistoryRead:      {1, 1},
	HistoryWrite:     {4, 4},
	UnrestrictedRead: {1, 1},
	Call:             {0, 255}, // that of the function, which gets the call's arguments
}

func (l *loader) privileges(r *Role, d syntax.PrivilegesDecl, isFunction bool) Privileges {
	out := Privileges{}
	for _, a := range d.Actions {
		action := Action(a.Action)
		switch {
		case action == Call && !isFunction:
			l.report(r.Source, a, "The action `call` is for functions, and `%s` is a collection", d.Resource)
		case action != Call && isFunction:
			l.report(r.Source, a, "The only action on a function is `call`, not `%s`", a.Action)
		}
		var c Condition
		if a.Predicate != nil {
			arity := predicateArity[action]
			c.Predicate = l.lambda(r.Source, a.Predicate, arity[0], arity[1])
		}
		out[action] = c
	}
	return out
}

func (l *loader) bindMembership(r *Role, d syntax.MembershipDecl) {
	c := l.s.collections[d.Collection]
	if c == nil {
		l.report(r.Source, d.CollectionSpan, "Resource `%s` does not exist.", d.Collection)
		return
	}
	if slices.ContainsFunc(r.Membership, func(m Membership) bool { return m.Collection == c }) {
		l.report(r.Source, d.CollectionSpan, "Duplicate membership of `%s`", d.Collection)
		return
	}
	m := Membership{Collection: c}
	if d.Predicate != nil {
		m.Predicate = l.lambda(r.Source, d.Predicate, 1, 1)
	}
	r.Membership = append(r.Membership, m)
	l.s.members[c.ID] = append(l.s.members[c.ID], r)
}
