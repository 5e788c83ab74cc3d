package eval

import (
	"encoding/binary"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The collections Token and Key. Their documents hold the hash of a secret; the secret itself
// is on the result of create only. Much of this also serves Credential.
func init() {
	systemModules["Token"] = secretCollection(tokenCreate)
	systemModules["Token"]["byDocument"] = builtin{params: []string{"document"}, effect: resolve.Read, fn: tokenByDocument}
	systemModules["Key"] = secretCollection(keyCreate)
}

func secretCollection(create builtinFunc) table {
	return table{
		"all":        {params: []string{"range?"}, effect: resolve.Read, fn: collAll},
		"byId":       {params: []string{"id"}, fn: collByID},
		"create":     {params: []string{"data: Struct"}, effect: resolve.Write, fn: create},
		"firstWhere": {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collFirstWhere},
		"toString":   {fn: moduleToString},
		"where":      {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collWhere},
	}
}

// ownerEntry is where a token or credential is listed under the document it was made for.
func ownerEntry(ref, owner value.Ref) store.Key {
	key := ownerKey(ref.Coll, owner)
	n := len(key)
	key = binary.BigEndian.AppendUint64(key, uint64(ref.ID))
	return store.Key{Prefix: key[:n:n], Suffix: key[n:]}
}

// ownedBy is the set of the tokens or credentials of a document.
func ownedBy(coll value.CollID, document value.Value) (*set, error) {
	owner, ok := refOf(document)
	if !ok {
		return nil, errArgumentType("document", "Document", document)
	}
	return &set{source: &indexScan{coll: coll, prefix: ownerKey(coll, owner)}}, nil
}

func tokenByDocument(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	s, err := ownedBy(schema.CollToken, args[0])
	if err != nil {
		return nil, err
	}
	return s, nil
}

// secretDoc is the argument of a create, update or replace of a Token, Key or Credential.
type secretDoc struct {
	coll        string
	id          value.ID
	hasID       bool
	ttl         int64
	hasTTL      bool
	fields      []value.Field // document or role, data: as stored, nulls included
	password    value.String  // of a Credential, if hasPassword
	hasPassword bool
	failures    []Failure
}

// takeSecretDoc reads the argument. own is the one field that is the collection's own.
func (ev *evaluator) takeSecretDoc(coll, own string, arg value.Value, failed string) (*secretDoc, error) {
	o := arg.(*value.Object)
	d := &secretDoc{coll: coll}
	var wrong []Failure
	if d.id, d.hasID, wrong = givenID(o); wrong != nil {
		return nil, constraintError(failed, wrong)
	}
	for _, f := range o.Fields() {
		switch f.Name {
		case "id":
		case "ttl":
			d.takeTTL(f.Value)
		case own, "data":
			stored, err := ev.persistField(f)
			if err != nil {
				return nil, err
			}
			d.take(f.Name, stored)
		case fieldPassword:
			d.takePassword(f.Value)
		case "secret", fieldHash:
			d.fail(f.Name, "Failed to update field because it is readonly")
		case "ts", "coll":
			d.fail(f.Name, "Is a reserved field and cannot be used")
		default:
			d.fail(f.Name, "Unexpected field provided")
		}
	}
	return d, nil
}

func (d *secretDoc) fail(field, message string) {
	d.failures = append(d.failures, fieldFailure(field, message))
}

func (d *secretDoc) takeTTL(v value.Value) {
	d.hasTTL = true
	switch v := v.(type) {
	case value.Null:
	case value.Time:
		d.ttl = ttlMicros(v)
	default:
		d.fail("ttl", "Expected Time | Null, provided "+typeName(v))
	}
}

func (d *secretDoc) take(name string, v value.Value) {
	if _, isObject := v.(*value.Object); name == "data" && !isObject && !value.IsNull(v) {
		d.fail(name, "Expected { *: Any } | Null, provided "+typeName(v))
		return
	}
	d.fields = append(d.fields, value.Field{Name: name, Value: v})
}

// checkOwner reports what is wrong with the document that a token is to be for. That it
// exists is not asked (Fauna): it has to when the token is used.
func (d *secretDoc) checkOwner(ev *evaluator, v value.Value) {
	ref, ok := v.(value.Ref)
	switch {
	case v == nil || value.IsNull(v):
		d.fail(fieldDocument, "Missing required field of type Ref<Any>")
	case !ok:
		d.fail(fieldDocument, "Expected Ref<Any>, provided "+typeName(v))
	case ev.schema.CollectionByID(ref.Coll) == nil:
		d.fail(fieldDocument, "Expected document from a user-defined collection.")
	}
}

func (d *secretDoc) checkRole(ev *evaluator, v value.Value) {
	role, ok := v.(value.String)
	_, builtin := builtinRoles[string(role)]
	switch {
	case v == nil || value.IsNull(v):
		d.fail(fieldRole, "Missing required field of type String")
	case !ok:
		d.fail(fieldRole, "Expected String, provided "+typeName(v))
	case !builtin && ev.schema.Role(string(role)) == nil:
		d.fail(fieldRole, "Field refers to an unknown role name `"+string(role)+"`.")
	}
}

// checkTTL refuses a secret that would be dead from the start.
func (d *secretDoc) checkTTL(ev *evaluator) {
	if d.ttl != 0 && d.ttl <= ev.tx.Snapshot() {
		d.fail("ttl", "The ttl must be in the future")
	}
}

func (d *secretDoc) get(name string) value.Value {
	for _, f := range d.fields {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

func tokenCreate(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	d, err := ev.takeSecretDoc("Token", fieldDocument, args[0], "Failed to create Token.")
	if err != nil {
		return nil, err
	}
	return ev.createSecret(schema.CollToken, secretToken, d)
}

func keyCreate(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	if _, ok := args[0].(*value.Object).Get("database"); ok {
		return nil, errUnsupported("Key.create with a database")
	}
	d, err := ev.takeSecretDoc("Key", fieldRole, args[0], "Failed to create Key.")
	if err != nil {
		return nil, err
	}
	return ev.createSecret(schema.CollKey, secretKey, d)
}

// createSecret makes a Token or Key and returns it with its secret, readable by whoever was
// permitted to make it.
func (ev *evaluator) createSecret(coll value.CollID, kind byte, d *secretDoc) (value.Value, error) {
	pending, err := ev.permitCreate(coll, d)
	if err != nil {
		return nil, err
	}
	return ev.issueSecret(kind, pending, d)
}

// permitCreate asks for the permission to create d, and gives it an id. The document that it
// returns is still without a hash.
func (ev *evaluator) permitCreate(coll value.CollID, d *secretDoc) (*docValue, error) {
	var err error
	if !d.hasID {
		if d.id, err = ev.newID(coll); err != nil {
			return nil, err
		}
	}
	pending := newDocValue(value.Ref{Coll: coll, ID: d.id}, d.ttl, withoutNulls(value.NewObject(d.fields...)))
	if d.hasID {
		if err := ev.demand(d.coll, schema.CreateWithID, pending); err != nil {
			return nil, err
		}
	}
	if err := ev.demand(d.coll, schema.Create, pending); err != nil {
		return nil, err
	}
	if coll == schema.CollKey && ev.rights.Builtin != abac.Admin {
		return nil, errPermissionDenied() // a key may be of any role, so no other role makes one
	}
	return pending, nil
}

// checkSecret reports what is wrong with a document that is to be created.
func (ev *evaluator) checkSecret(ref value.Ref, d *secretDoc) error {
	if ref.Coll == schema.CollKey {
		d.checkRole(ev, d.get(fieldRole))
	} else {
		d.checkOwner(ev, d.get(fieldDocument))
	}
	d.checkTTL(ev)
	if d.failures != nil {
		return constraintError("Failed to create "+d.coll+".", d.failures)
	}
	if d.hasID {
		return ev.demandFree(d.coll, ref)
	}
	return nil
}

// issueSecret makes the Token or Key that was permitted.
func (ev *evaluator) issueSecret(kind byte, pending *docValue, d *secretDoc) (value.Value, error) {
	ref, doc := pending.ref, pending.doc
	if err := ev.checkSecret(ref, d); err != nil {
		return nil, err
	}
	c, err := ev.db.newBearer(kind, ref.ID)
	if err != nil {
		return nil, err
	}
	doc.data = doc.data.With(fieldHash, c.hash())
	ev.store(ref, doc)
	if owner, ok := d.get(fieldDocument).(value.Ref); ok {
		ev.tx.Put(ownerEntry(ref, owner), nil, d.ttl)
	}
	pending.secret = value.String(c.secret())
	return pending, nil
}

// changeOwned is update and replace of a Token or Credential. The hash stays what it is,
// unless there is a new password.
func (ev *evaluator) changeOwned(ref value.Ref, replace bool, arg value.Value) (value.Value, error) {
	coll := ev.resource(ref.Coll)
	failed := "Failed to update " + coll + "."
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	d, err := ev.takeSecretDoc(coll, fieldDocument, arg, failed)
	if err != nil {
		return nil, err
	}
	if d.hasID {
		d.fail("id", "Is a reserved field and cannot be used")
	}
	old, err := ev.fields(before.doc)
	if err != nil {
		return nil, err
	}
	hash, _ := old.Get(fieldHash)
	next := &document{ttl: d.ttl}
	if replace {
		next.data = value.NewObject(d.fields...)
	} else {
		next.data = merge(old, value.NewObject(d.fields...))
		if !d.hasTTL {
			next.ttl = before.doc.ttl
		}
	}
	next.data = withoutNulls(next.data).With(fieldHash, hash)
	if err := ev.demand(coll, schema.Write, before, &docValue{ref: ref, doc: next}); err != nil {
		return nil, err
	}
	owner, _ := next.data.Get(fieldDocument)
	d.checkOwner(ev, owner)
	d.checkTTL(ev)
	if d.failures != nil {
		return nil, constraintError(failed, d.failures)
	}
	if ref.Coll == schema.CollCredential {
		if err := ev.demandOnly(owner.(value.Ref), ref.ID); err != nil {
			return nil, err
		}
	}
	if d.hasPassword {
		hash, err := ev.hashPassword(d.password)
		if err != nil {
			return nil, err
		}
		next = &document{ttl: next.ttl, data: next.data.With(fieldHash, hash)}
	}
	if was, ok := old.Get(fieldDocument); ok {
		ev.tx.Delete(ownerEntry(ref, was.(value.Ref)))
	}
	ev.tx.Put(ownerEntry(ref, owner.(value.Ref)), nil, next.ttl)
	ev.store(ref, next)
	return ref, nil
}

// deleteSecret deletes a Token, Key or Credential: with the privilege, or a token of the
// caller's own identity.
func (ev *evaluator) deleteSecret(ref value.Ref) (value.Value, error) {
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	own := false
	if ref.Coll == schema.CollToken {
		own, err = ev.isOwn(ref)
	}
	if err == nil && !own {
		err = ev.demand(ev.resource(ref.Coll), schema.Delete, before)
	}
	if err != nil {
		return nil, err
	}
	data, err := ev.fields(before.doc)
	if err != nil {
		return nil, err
	}
	if owner, ok := data.Get(fieldDocument); ok {
		ev.tx.Delete(ownerEntry(ref, owner.(value.Ref)))
	}
	ev.remove(ref)
	return &docValue{ref: ref, cause: causeDeleted}, nil
}
