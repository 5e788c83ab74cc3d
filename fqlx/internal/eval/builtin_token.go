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
// is on the result of create only.
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

// ownerEntry is where a token is listed under the document it was made for.
func ownerEntry(owner value.Ref, id value.ID) store.Key {
	return store.Key{Prefix: ownerKey(owner), Suffix: binary.BigEndian.AppendUint64(nil, uint64(id))}
}

func tokenByDocument(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	owner, ok := refOf(args[0])
	if !ok {
		return nil, errArgumentType("document", "Document", args[0])
	}
	return &set{source: &indexScan{coll: schema.CollToken, prefix: ownerKey(owner)}}, nil
}

// secretDoc is the argument of a create, update or replace of a Token or Key.
type secretDoc struct {
	coll     string
	id       value.ID
	hasID    bool
	ttl      int64
	hasTTL   bool
	fields   []value.Field // document or role, data: as stored, nulls included
	failures []Failure
}

// takeSecretDoc reads the argument. own is the one field that is the collection's own.
func (ev *evaluator) takeSecretDoc(coll, own string, arg value.Value, failed string) (*secretDoc, error) {
	o := arg.(*value.Object)
	d := &secretDoc{coll: coll}
	var err error
	if d.id, d.hasID, err = givenID(arg, failed); err != nil {
		return nil, err
	}
	for _, f := range o.Fields() {
		switch f.Name {
		case "id":
		case "ttl":
			d.takeTTL(f.Value)
		case own, "data":
			own := value.NewObject(f) // for the path in the error
			stored, err := ev.persist(own)
			if err != nil {
				return nil, err
			}
			d.take(f.Name, stored.(*value.Object).Fields()[0].Value)
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
	o, isObject := v.(*value.Object)
	switch {
	case name != "data":
	case isObject:
		v = withoutNulls(o)
	case !value.IsNull(v):
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
	var err error
	if !d.hasID {
		if d.id, err = ev.newID(coll); err != nil {
			return nil, err
		}
	}
	ref := value.Ref{Coll: coll, ID: d.id}
	doc := &document{ttl: d.ttl, data: withoutNulls(value.NewObject(d.fields...))}
	pending := &docValue{ref: ref, doc: doc}
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
	if coll == schema.CollToken {
		d.checkOwner(ev, d.get(fieldDocument))
	} else {
		d.checkRole(ev, d.get(fieldRole))
	}
	d.checkTTL(ev)
	if d.failures != nil {
		return nil, constraintError("Failed to create "+d.coll+".", d.failures)
	}
	if d.hasID {
		if err := ev.demandFree(d.coll, ref); err != nil {
			return nil, err
		}
	}
	c, err := ev.db.newCredential(kind, d.id)
	if err != nil {
		return nil, err
	}
	doc = &document{ttl: d.ttl, data: doc.data.With(fieldHash, c.hash())}
	ev.store(ref, doc)
	if owner, ok := d.get(fieldDocument).(value.Ref); ok {
		ev.tx.Put(ownerEntry(owner, d.id), nil, d.ttl)
	}
	return &docValue{ref: ref, doc: doc, secret: value.String(c.secret())}, nil
}

// changeToken is update and replace of a Token. The secret stays what it is.
func (ev *evaluator) changeToken(ref value.Ref, replace bool, arg value.Value) (value.Value, error) {
	const failed = "Failed to update Token."
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	d, err := ev.takeSecretDoc("Token", fieldDocument, arg, failed)
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
	if err := ev.demand("Token", schema.Write, before, &docValue{ref: ref, doc: next}); err != nil {
		return nil, err
	}
	owner, _ := next.data.Get(fieldDocument)
	d.checkOwner(ev, owner)
	d.checkTTL(ev)
	if d.failures != nil {
		return nil, constraintError(failed, d.failures)
	}
	if was, ok := old.Get(fieldDocument); ok {
		ev.tx.Delete(ownerEntry(was.(value.Ref), ref.ID))
	}
	ev.tx.Put(ownerEntry(owner.(value.Ref), ref.ID), nil, next.ttl)
	ev.store(ref, next)
	return ref, nil
}

// deleteToken deletes a token: with the privilege, or one of the caller's own identity.
func (ev *evaluator) deleteToken(ref value.Ref) (value.Value, error) {
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	ok, err := ev.ownToken(ref)
	if err == nil && !ok {
		err = ev.demand("Token", schema.Delete, before)
	}
	if err != nil {
		return nil, err
	}
	data, err := ev.fields(before.doc)
	if err != nil {
		return nil, err
	}
	if owner, ok := data.Get(fieldDocument); ok {
		ev.tx.Delete(ownerEntry(owner.(value.Ref), ref.ID))
	}
	ev.remove(ref)
	return &docValue{ref: ref, cause: causeDeleted}, nil
}

func (ev *evaluator) deleteKey(ref value.Ref) (value.Value, error) {
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	if err := ev.demand("Key", schema.Delete, before); err != nil {
		return nil, err
	}
	ev.remove(ref)
	return &docValue{ref: ref, cause: causeDeleted}, nil
}
