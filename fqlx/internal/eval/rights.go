package eval

import (
	"errors"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// builtinRoles are the roles that are not declared.
var builtinRoles = map[string]abac.Builtin{
	"admin":           abac.Admin,
	"server":          abac.Server,
	"server-readonly": abac.ServerReadonly,
	"client":          abac.Client,
}

// rightsOf returns the rights of one role, of Fauna's own or of the schema.
func (ev *evaluator) rightsOf(role string) (abac.Rights, error) {
	if b, ok := builtinRoles[role]; ok {
		return abac.Rights{Builtin: b}, nil
	}
	r := ev.schema.Role(role)
	if r == nil {
		return abac.Rights{}, errorf("permission_denied", "Role `%s` does not exist.", role)
	}
	return abac.Rights{Roles: []*schema.Role{r}}, nil
}

// memberRights returns the rights of an identity: the union of the roles that it is a member
// of now. No roles is no error: such a caller may just do very little.
func (ev *evaluator) memberRights(identity value.Ref) (abac.Rights, error) {
	var out abac.Rights
	for _, role := range ev.schema.MemberRoles(identity.Coll) {
		ok, err := ev.isMember(role, identity)
		if err != nil {
			return abac.Rights{}, err
		}
		if ok {
			out.Roles = append(out.Roles, role)
		}
	}
	return out, nil
}

func (ev *evaluator) isMember(role *schema.Role, identity value.Ref) (bool, error) {
	for _, m := range role.Membership {
		if m.Collection.ID != identity.Coll {
			continue
		}
		if m.Predicate == nil {
			return true, nil
		}
		return ev.holds(role.Source, m.Predicate, []value.Value{identity})
	}
	return false, nil
}

// allows reports whether the rights of now permit the action on the resource. Predicates
// are evaluated for args. An error means that the query must end, not that it is denied.
func (ev *evaluator) allows(resource string, a schema.Action, args ...value.Value) (bool, error) {
	var fatal error
	ok := ev.rights.Allows(resource, a, func(src schema.Source, p *syntax.LambdaExpr) bool {
		if fatal != nil {
			return false
		}
		granted, err := ev.holds(src, p, args)
		fatal = err
		return granted
	})
	return ok && fatal == nil, fatal
}

// holds evaluates a predicate. It holds only if its result is exactly true; an error in it
// is false. It reads everything there is, also behind the caller's back, and changes nothing
// (Fauna: "auth predicates"). That the query is out of time is still an error: the caller
// must not go on as if the answer were no.
func (ev *evaluator) holds(src schema.Source, p *syntax.LambdaExpr, args []value.Value) (bool, error) {
	rights, role, past := ev.rights, ev.role, ev.past
	ev.rights, ev.role, ev.past = abac.Rights{Builtin: abac.Predicate}, predicateRole, 0
	defer func() { ev.rights, ev.role, ev.past = rights, role, past }()
	var result value.Value
	err := ev.within(resolve.Read, inPredicates, func() (err error) {
		result, err = ev.applyLambda(src, p, args...)
		return err
	})
	if err == nil {
		granted, ok := result.(value.Bool)
		return ok && bool(granted), nil
	}
	if ctxErr := ev.ctx.Err(); ctxErr != nil {
		return false, ctxErr
	}
	var failed *Error
	if errors.As(err, &failed) {
		return false, nil
	}
	return false, err
}

// predicateRole is the role that predicates run with. No role of a schema has such a name.
const predicateRole = "*predicate*"

// isCallers reports whether source is text of the caller.
func isCallers(source schema.Source) bool {
	return source.Name == queryName || source.Name == queryCursorName
}

// asCaller evaluates something of the caller with the caller's own rights. What a function
// with @role or a predicate is given, a lambda or a set, may have been written to read more
// than its author may: text of the caller counts as the caller wherever it is called from.
// Fauna lets it have the rights of the function.
func (ev *evaluator) asCaller(f func() (value.Value, error)) (value.Value, error) {
	rights, role := ev.rights, ev.role
	ev.rights, ev.role = ev.own, ""
	v, err := f()
	ev.rights, ev.role = rights, role
	return v, err
}

// readKey names a decision: may these roles read this document.
type readKey struct {
	ref   value.Ref
	roles *(*schema.Role) // the first of a slice that is never changed
	n     int
}

// mayRead asks for the permission to read d. It is asked before d is looked for, so without
// it a missing document looks like any other.
func (ev *evaluator) mayRead(d value.Value) (bool, error) {
	ref, _ := refOf(d)
	resource := ev.resource(ref.Coll)
	if len(ev.rights.Roles) == 0 { // no predicate to ask
		if ev.rights.HasAny(resource, schema.Read) {
			return true, nil
		}
		return ev.isOwn(ref)
	}
	pinned, isPinned := d.(*docValue)
	if isPinned {
		open := *pinned // the predicate sees the very state that is asked for
		open.guarded = false
		d = &open
	}
	k := readKey{ref, &ev.rights.Roles[0], len(ev.rights.Roles)}
	if ok, known := ev.reads[k]; known && !isPinned {
		return ok, nil
	}
	ok, err := ev.allows(resource, schema.Read, d)
	if err == nil && !ok {
		ok, err = ev.isOwn(ref)
	}
	if err == nil && !isPinned && len(ev.reads) < maxRemembered {
		if ev.reads == nil {
			ev.reads = make(map[readKey]bool, 8)
		}
		ev.reads[k] = ok
	}
	return ok, err
}

// mayReadSome reports whether there may be documents of the collection that can be read.
func (ev *evaluator) mayReadSome(id value.CollID) bool {
	return ev.rights.HasAny(ev.resource(id), schema.Read)
}

// isOwn reports whether ref is a token or the credential of the caller's own identity. Those
// it may read without any role, and the tokens it may delete (Fauna: baseline permissions).
func (ev *evaluator) isOwn(ref value.Ref) (bool, error) {
	if !isOwned(ref.Coll) || ev.identity == nil {
		return false, nil
	}
	doc, err := ev.read(ref)
	if err != nil || doc == nil {
		return false, err
	}
	data, err := ev.fields(doc)
	if err != nil {
		return false, err
	}
	owner, _ := data.Get(fieldDocument)
	return owner == *ev.identity, nil
}

// mayCall asks for the permission to call a function. Its name resolves without.
func (ev *evaluator) mayCall(f *schema.Function, args []value.Value) error {
	ok, err := ev.allows(f.Name, schema.Call, args...)
	if err == nil && !ok {
		return errPermissionDenied()
	}
	return err
}

// demand is allows with the error that Fauna gives.
func (ev *evaluator) demand(resource string, a schema.Action, args ...value.Value) error {
	ok, err := ev.allows(resource, a, args...)
	if err == nil && !ok {
		return errPermissionDenied()
	}
	return err
}
