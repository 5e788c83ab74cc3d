package eval

import (
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// change is one create, update or replace of a document.
type change struct {
	coll    *schema.Collection
	updates bool // a document that there is
	// plain says that every key is user data (createData, updateData, replaceData), not
	// metadata such as `ttl`.
	plain bool
	id    value.ID // of the document
	hasID bool     // the id was given
	ttl   int64    // µs, 0 none, if hasTTL
	// hasTTL says that `ttl` is among the keys, be it null.
	hasTTL   bool
	data     *value.Object // user fields, nulls included
	failures []Failure
}

// constraintError is Fauna's constraint_failure.
func constraintError(message string, failures []Failure) *Error {
	e := errorf("constraint_failure", "%s", message)
	e.Failures = failures
	return e
}

func fieldFailure(name, message string) Failure {
	return Failure{Paths: [][]any{{name}}, Message: message}
}

// withoutNulls returns o without null fields, at any depth: a null is an absent field.
// Arrays keep theirs.
func withoutNulls(o *value.Object) *value.Object {
	return o.Map(func(f value.Field) (value.Value, bool) { return stripped(f.Value), !value.IsNull(f.Value) })
}

func stripped(v value.Value) value.Value {
	if o, ok := v.(*value.Object); ok {
		return withoutNulls(o)
	}
	return mapParts(v, stripped)
}

// merge is update's way to combine what there is with what is new: objects field by field,
// everything else replaced. Nulls stay, as marks of what is to go.
func merge(old, patch *value.Object) *value.Object {
	out := slices.Clone(old.Fields())
	for _, f := range patch.Fields() {
		i := slices.IndexFunc(out, func(o value.Field) bool { return o.Name == f.Name })
		if i < 0 {
			out = append(out, f)
			continue
		}
		was, isObject := out[i].Value.(*value.Object)
		is, isToo := f.Value.(*value.Object)
		if isObject && isToo {
			out[i].Value = merge(was, is)
		} else {
			out[i].Value = f.Value
		}
	}
	return value.NewObject(out...)
}

// newChange takes the argument of a write apart. Problems with what it found are kept in
// failures, to be reported when it is their turn: after the permission.
func (ev *evaluator) newChange(coll *schema.Collection, plain bool, arg value.Value) (c change, err error) {
	o, ok := arg.(*value.Object)
	if !ok {
		return c, errArgumentType("data", "Object", arg)
	}
	if !plain { // the id is looked at elsewhere: unlike a field it may be an ID
		o = o.Map(func(f value.Field) (value.Value, bool) { return f.Value, f.Name != "id" })
	}
	stored, err := ev.persist(o)
	if err != nil {
		return c, err
	}
	c = change{coll: coll, plain: plain, data: stored.(*value.Object)}
	if !plain {
		c.data = c.data.Map(func(f value.Field) (value.Value, bool) { return f.Value, !c.takeMember(f) })
	}
	return c, nil
}

// takeMember takes what is no field of the user, and reports whether f is.
func (c *change) takeMember(f value.Field) bool {
	switch {
	case f.Name == "ttl":
		c.takeTTL(f.Value)
	case schema.IsDocumentMember(f.Name):
		c.failures = append(c.failures, fieldFailure(f.Name, "Is a reserved field and cannot be used"))
	default:
		return false
	}
	return true
}

func (c *change) takeTTL(v value.Value) {
	c.hasTTL = true
	switch v := v.(type) {
	case value.Null:
	case value.Time:
		c.ttl = ttlMicros(v)
	default:
		c.failures = append(c.failures, fieldFailure("ttl", "Expected Time | Null, provided "+typeName(v)))
	}
}

// computedConflicts are the keys that name a computed field.
func (c *change) computedConflicts() []Failure {
	var out []Failure
	for _, f := range c.coll.Computed {
		if _, ok := c.data.Get(f.Name); ok && !c.plain {
			out = append(out, fieldFailure(f.Name, "Cannot write to a computed field"))
		}
	}
	return out
}

// lifetime returns the ttl after the change: what was given, else the collection's default
// counted from now (also where the document had another), else what it was.
func (ev *evaluator) lifetime(c *change, was int64) int64 {
	switch days := c.coll.TTLDays; {
	case c.hasTTL:
		return c.ttl
	case days > 0:
		now := ev.tx.Snapshot()
		if days > (math.MaxInt64-now)/dayMicros {
			return math.MaxInt64
		}
		return now + days*dayMicros
	}
	return was
}

const dayMicros = int64(24 * time.Hour / time.Microsecond)

// createDocument is C.create and C.createData. The order of its checks is Fauna's: who may
// not create learns nothing about constraints.
func (ev *evaluator) createDocument(coll *schema.Collection, plain bool, arg value.Value) (value.Value, error) {
	c, err := ev.newChange(coll, plain, arg)
	if err != nil {
		return nil, err
	}
	wrong := c.computedConflicts()
	if wrong == nil && !plain {
		c.id, c.hasID, wrong = givenID(arg.(*value.Object))
	}
	if wrong != nil {
		return nil, constraintError(c.failed(), wrong)
	}
	if !c.hasID {
		if c.id, err = ev.newID(coll.ID); err != nil {
			return nil, err
		}
	}
	after := newDocValue(value.Ref{Coll: coll.ID, ID: c.id}, ev.lifetime(&c, 0), withoutNulls(c.data))
	if c.hasID {
		if err := ev.demand(coll.Name, schema.CreateWithID, after); err != nil {
			return nil, err
		}
	}
	if err := ev.demand(coll.Name, schema.Create, after); err != nil {
		return nil, err
	}
	doc := after.doc
	if doc.data, err = ev.withDefaults(coll, doc.data, c.failed); err != nil {
		return nil, err
	}
	if err := c.validate(doc.data); err != nil {
		return nil, err
	}
	if c.hasID {
		if err := ev.demandFree(coll.Name, after.ref); err != nil {
			return nil, err
		}
	}
	return after.ref, ev.put(&c, nil, after)
}

// failed begins the message of a constraint failure.
func (c *change) failed() string {
	if c.updates {
		return "Failed to update document with id " + strconv.FormatInt(int64(c.id), 10) + " in collection `" + c.coll.Name + "`."
	}
	return "Failed to create document in collection `" + c.coll.Name + "`."
}

// givenID returns the id that a document is to be created with, if one is given.
func givenID(o *value.Object) (id value.ID, given bool, wrong []Failure) {
	v, ok := o.Get("id")
	if !ok {
		return 0, false, nil
	}
	if value.IsNull(v) {
		return 0, false, []Failure{fieldFailure("id", "Missing required field of type ID | String | Long")}
	}
	id, ok = asID(v)
	switch {
	case !ok:
		return 0, false, []Failure{fieldFailure("id", "Expected ID | String | Long, provided "+typeName(v))}
	case id < 0:
		return 0, false, []Failure{fieldFailure("id", "id must be nonnegative")}
	}
	return id, true, nil
}

// demandFree refuses an id given by a user that a document has.
func (ev *evaluator) demandFree(collection string, ref value.Ref) error {
	ev.db.ids.note(ref.Coll, ref.ID)
	there, err := ev.read(ref)
	if err == nil && there != nil {
		return errorf("document_id_exists", "Collection `%s` already contains document with id %d.", collection, ref.ID)
	}
	return err
}

// newID makes an id that no document of the collection has. It looks only where a user has
// given an id from the times to come.
func (ev *evaluator) newID(coll value.CollID) (value.ID, error) {
	for {
		id, err := ev.db.ids.next()
		if err != nil || ev.db.ids.isNew(coll, id) {
			return id, err
		}
		there, err := ev.read(value.Ref{Coll: coll, ID: id})
		if err != nil || there == nil {
			return id, err
		}
	}
}

// withDefaults fills in the defaults of absent fields. failed is asked for the message if one
// fails.
func (ev *evaluator) withDefaults(coll *schema.Collection, data *value.Object, failed func() string) (*value.Object, error) {
	return coll.WithDefaults(data, func(x syntax.Expr) (value.Value, error) {
		v, err := ev.defaultOf(coll, x)
		if e, ok := err.(*Error); ok {
			return nil, constraintError(failed(), []Failure{{
				Paths:   defaultPath(coll, x),
				Message: "Default field evaluation failed.\n" + e.Message,
			}})
		}
		return v, err
	})
}

func (ev *evaluator) defaultOf(coll *schema.Collection, x syntax.Expr) (value.Value, error) {
	var v value.Value
	err := ev.within(resolve.Observation, inDefaults, func() (err error) {
		v, err = ev.applyLambda(coll.Source, ev.prepared.defaults[x])
		return err
	})
	if err != nil {
		return nil, err
	}
	return ev.persist(v)
}

// defaultPath finds the field that a default is of; those inside objects are not named.
func defaultPath(coll *schema.Collection, x syntax.Expr) [][]any {
	for _, f := range coll.Fields {
		if f.Default == x {
			return [][]any{{f.Name}}
		}
	}
	return [][]any{}
}

// validate checks what is to be stored against the collection's definition.
func (c *change) validate(data *value.Object) error {
	failures := c.failures
	for _, f := range c.coll.Check(data) {
		failures = append(failures, Failure{Paths: [][]any{f.Path}, Message: f.Message})
	}
	if failures != nil {
		return constraintError(c.failed(), failures)
	}
	return nil
}

// put writes a document with its index entries, and evaluates the check constraints. before is
// nil if it is new.
func (ev *evaluator) put(c *change, before, after *docValue) error {
	if err := ev.reindex(c.coll, before, after); err != nil {
		return err
	}
	ev.store(after.ref, after.doc)
	return ev.runChecks(c, after)
}

// store writes a document without its index entries.
func (ev *evaluator) store(ref value.Ref, d *document) {
	ev.buf = appendDocKey(ev.buf[:0], ref.Coll, ref.ID)
	n := len(ev.buf)
	ev.buf = value.AppendBinary(ev.buf, d.data)
	ev.tx.Put(store.Key{Prefix: ev.buf[:n:n]}, ev.buf[n:], d.ttl)
	ev.written(ref, d)
}

// written notes that a document changed. One that is expired from the start is not there.
func (ev *evaluator) written(ref value.Ref, d *document) {
	ev.wrote = true
	clear(ev.reads)
	if d != nil && d.ttl != 0 && d.ttl <= ev.tx.Snapshot() {
		d = nil
	}
	if ev.docs == nil {
		ev.docs = make(map[docKey]*document, 8)
	}
	ev.docs[docKey{ref.Coll, ref.ID}] = d
}

func (ev *evaluator) runChecks(c *change, after *docValue) error {
	var failures []Failure
	for _, check := range c.coll.Checks {
		var v value.Value
		err := ev.within(resolve.Read, inChecks, func() (err error) {
			v, err = ev.applyLambda(c.coll.Source, check.Body, after)
			return err
		})
		if err != nil {
			return err
		}
		switch v := v.(type) {
		case value.Bool:
			if !v {
				failures = append(failures, checkFailure("Document failed check constraint `"+check.Name+"`"))
			}
		case value.Null:
			failures = append(failures, checkFailure("Document failed check constraint `"+check.Name+"`"))
		default:
			failures = append(failures, checkFailure("Error evaluating check constraint `"+check.Name+"`: function returned a non-boolean value"))
		}
	}
	if failures != nil {
		return constraintError(c.failed(), failures)
	}
	return nil
}

func checkFailure(message string) Failure { return Failure{Paths: [][]any{}, Message: message} }

// changeDocument is update, replace and their …Data twins of a user document. It begins with
// a read: a document that is missing or may not be read is an error of its own.
func (ev *evaluator) changeDocument(ref value.Ref, plain, replace bool, arg value.Value) (value.Value, error) {
	coll := ev.schema.CollectionByID(ref.Coll)
	c, err := ev.newChange(coll, plain, arg)
	if err != nil {
		return nil, err
	}
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	c.updates, c.id = true, ref.ID
	if f := c.computedConflicts(); f != nil {
		return nil, constraintError(c.failed(), f)
	}
	if _, ok := arg.(*value.Object).Get("id"); ok && !plain {
		c.failures = append(c.failures, fieldFailure("id", "Is a reserved field and cannot be used"))
	}
	after := newDocValue(ref, 0, c.data)
	next := after.doc
	if replace {
		next.ttl = ev.lifetime(&c, 0)
	} else {
		old, err := ev.fields(before.doc)
		if err != nil {
			return nil, err
		}
		next.ttl, next.data = ev.lifetime(&c, before.doc.ttl), merge(old, c.data)
	}
	next.data = withoutNulls(next.data)
	if err := ev.demand(coll.Name, schema.Write, before, after); err != nil {
		return nil, err
	}
	if replace {
		if next.data, err = ev.withDefaults(coll, next.data, c.failed); err != nil {
			return nil, err
		}
	}
	if err := c.validate(next.data); err != nil {
		return nil, err
	}
	return ref, ev.put(&c, before, after)
}

// demandLive returns a document in its state of now, pinned.
func (ev *evaluator) demandLive(ref value.Ref) (*docValue, error) {
	doc, cause, err := ev.look(ref)
	if err != nil {
		return nil, err
	}
	if cause != "" {
		return nil, ev.nullDocError(nullCause{ref, cause})
	}
	return &docValue{ref: ref, doc: doc}, nil
}

// deleteDocument deletes a user document. What it returns is the document that is gone.
func (ev *evaluator) deleteDocument(coll *schema.Collection, ref value.Ref) (value.Value, error) {
	before, err := ev.demandLive(ref)
	if err != nil {
		return nil, err
	}
	if err := ev.demand(coll.Name, schema.Delete, before); err != nil {
		return nil, err
	}
	if err := ev.reindex(coll, before, nil); err != nil {
		return nil, err
	}
	ev.remove(before.ref)
	return &docValue{ref: before.ref, cause: causeDeleted}, nil
}

// remove deletes a document without its index entries.
func (ev *evaluator) remove(ref value.Ref) {
	ev.buf = appendDocKey(ev.buf[:0], ref.Coll, ref.ID)
	ev.tx.Delete(store.Key{Prefix: ev.buf})
	ev.written(ref, nil)
}
