package eval

import (
	"errors"
	"math"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Why a document reads as null (Fauna: the `cause` of a reference). Before a document's
// existence comes the permission to know about it.
const (
	causeDenied         = "permission denied"
	causeNotFound       = "not found"
	causeDeleted        = "deleted"
	causeCollectionGone = "collection deleted"
)

// document is the state of a live document.
type document struct {
	ts  int64 // commit time in µs; 0 if this transaction wrote it
	ttl int64 // µs; 0 if it has none
	// data are the stored fields. Those of Token, Key and Credential hold more than a query may see:
	// see systemField.
	data *value.Object
	raw  []byte // data as it was read, until somebody asks for it
	// stamped says that the commit time stands in data where its writer put TransactionTime().
	stamped bool
}

// docValue is a document in one certain state, where a [value.Ref] is the document in the
// state of now: what Token.create returns (with the secret), the new document of a
// predicate, what is left after a delete, an element of a set as of an earlier time.
type docValue struct {
	ref    value.Ref
	doc    *document // nil if cause says why
	cause  string
	secret value.String
	// guarded says that the permission to read it still has to be asked for.
	guarded bool
}

func (*docValue) Kind() value.Kind { return value.KindRef }

// newDocValue makes a document that is to be stored.
func newDocValue(ref value.Ref, ttl int64, data *value.Object) *docValue {
	both := &struct { // one piece of memory
		docValue
		document
	}{docValue{ref: ref}, document{ttl: ttl, data: data}}
	both.doc = &both.document
	return &both.docValue
}

// refOf returns the reference that a document value is.
func refOf(v value.Value) (value.Ref, bool) {
	switch v := v.(type) {
	case value.Ref:
		return v, true
	case *docValue:
		return v.ref, true
	}
	return value.Ref{}, false
}

// nullCause says why a document reads as null.
type nullCause struct {
	ref   value.Ref
	cause string
}

// docKey names a document of a collection with ids.
type docKey struct {
	coll value.CollID
	id   value.ID
}

// docState is what an evaluator remembers of the documents it met.
type docState struct {
	docs     map[docKey]*document // nil where there is no such document
	reads    map[readKey]bool     // decisions of predicates; void after a write
	past     int64                // read as of this commit time (µs); 0 reads the snapshot
	view     *store.Tx            // the transaction as of past
	prepared *prepared            // the schema, with what was made of it
	buf      []byte               // for keys and stored documents
	// sawCommitTime: the result holds the commit time, which is not known yet.
	sawCommitTime bool
}

// maxRemembered bounds docs and reads: a scan of a large set must not fill the memory.
const maxRemembered = 8192

func (ev *evaluator) remember(k docKey, d *document) {
	if ev.docs == nil {
		ev.docs = make(map[docKey]*document, 8)
	}
	if _, known := ev.docs[k]; known || len(ev.docs) < maxRemembered {
		ev.docs[k] = d
	}
}

// read returns the document as of now, without asking for permission; nil if there is none.
func (ev *evaluator) read(ref value.Ref) (*document, error) {
	k := docKey{ref.Coll, ref.ID}
	if ev.past == 0 {
		if d, ok := ev.docs[k]; ok {
			return d, nil
		}
	}
	if err := ev.scan(1); err != nil {
		return nil, err
	}
	ev.buf = appendDocKey(ev.buf[:0], ref.Coll, ref.ID)
	entry, ok, err := ev.reader().Get(ev.buf)
	if err != nil {
		return nil, err
	}
	var d *document
	if ok && !ev.expired(entry) {
		d = &document{ts: entry.TS, ttl: entry.TTL, raw: entry.Data}
	}
	if ev.past == 0 {
		ev.remember(k, d)
	}
	return d, nil
}

// reader is what the database is read through: the transaction, or its view of the past.
func (ev *evaluator) reader() *store.Tx {
	if ev.past != 0 {
		return ev.view
	}
	return ev.tx
}

// expired reports whether an entry of the past has expired since. The time to live is that
// of now, whatever time is read (Fauna: document TTL).
func (ev *evaluator) expired(e store.Entry) bool {
	return e.TTL != 0 && e.TTL <= ev.tx.Snapshot()
}

// asOf runs f with the database read as of the commit time ts; 0 changes nothing.
func (ev *evaluator) asOf(ts int64, f func() error) error {
	if ts == 0 || ts == ev.past {
		return f()
	}
	view, done, err := ev.tx.At(ts)
	if err != nil {
		if errors.Is(err, store.ErrTooOld) || errors.Is(err, store.ErrFuture) {
			return errInvalidCursor()
		}
		return err
	}
	defer done()
	past, outer := ev.past, ev.view
	ev.past, ev.view = ts, view
	defer func() { ev.past, ev.view = past, outer }()
	return f()
}

// fields returns the stored fields.
func (ev *evaluator) fields(d *document) (*value.Object, error) {
	if d.data != nil {
		return d.data, nil
	}
	v, err := value.DecodeBinary(d.raw)
	if err != nil {
		return nil, err
	}
	o, ok := v.(*value.Object)
	if !ok {
		return nil, errors.New("a stored document is corrupt")
	}
	if d.ts != 0 && holdsCommitTime(o) {
		o = atCommit(o, value.TimeOfMicros(d.ts)).(*value.Object)
		d.stamped = true
	}
	d.data, d.raw = o, nil
	return o, nil
}

// atCommit returns v with the commit time in the places that stand for it.
func atCommit(v value.Value, t value.Time) value.Value {
	if _, ok := v.(value.TransactionTime); ok {
		return t
	}
	return mapParts(v, func(e value.Value) value.Value { return atCommit(e, t) })
}

// mapParts replaces the elements of an array, or the values of an object's fields, by what f
// makes of them. It returns v itself if nothing changed, and if it is neither.
func mapParts(v value.Value, f func(value.Value) value.Value) value.Value {
	switch whole := v.(type) {
	case *value.Object:
		return whole.Map(func(e value.Field) (value.Value, bool) { return f(e.Value), true })
	case value.Array:
		var out value.Array
		for i, e := range whole {
			n := f(e)
			if out == nil && !value.Identical(e, n) {
				out = append(make(value.Array, 0, len(whole)), whole[:i]...)
			}
			if out != nil {
				out = append(out, n)
			}
		}
		if out != nil {
			return out
		}
	}
	return v
}

// look reads what d names with the rights of now: the document, or why it is null.
func (ev *evaluator) look(d value.Value) (*document, string, error) {
	pinned, isPinned := d.(*docValue)
	if isPinned && !pinned.guarded {
		return pinned.doc, pinned.cause, nil
	}
	ref, _ := refOf(d)
	if ev.resource(ref.Coll) == "" {
		return nil, causeCollectionGone, nil
	}
	ok, err := ev.mayRead(d)
	switch {
	case err != nil:
		return nil, "", err
	case !ok:
		return nil, causeDenied, nil
	case isPinned:
		return pinned.doc, pinned.cause, nil
	case isNamed(ref.Coll):
		return ev.named(ref)
	}
	doc, err := ev.read(ref)
	if err != nil {
		return nil, "", err
	}
	if doc == nil {
		return nil, causeNotFound, nil
	}
	return doc, "", nil
}

// nullCauseOf returns why v reads as null: "" if it does not, or is no document.
func (ev *evaluator) nullCauseOf(v value.Value) (string, error) {
	if _, ok := refOf(v); !ok {
		return "", nil
	}
	if _, pinned := v.(*docValue); !pinned {
		if err := ev.need(resolve.Read, "null check"); err != nil {
			return "", err
		}
	}
	_, cause, err := ev.look(v)
	return cause, err
}

// isNull reports whether v is null, or a document that is missing or may not be read.
func (ev *evaluator) isNull(v value.Value) (bool, error) {
	if value.IsNull(v) {
		return true, nil
	}
	cause, err := ev.nullCauseOf(v)
	return cause != "", err
}

// docField returns d.name. A reference's own parts can always be had, the rest needs a live
// document and the permission to read it.
func (ev *evaluator) docField(d value.Value, name string) (value.Value, error) {
	ref, _ := refOf(d)
	if v := ev.refField(ref, name); v != nil {
		return v, nil
	}
	if _, pinned := d.(*docValue); !pinned {
		if err := ev.need(resolve.Read, name); err != nil {
			return nil, err
		}
	}
	doc, cause, err := ev.look(d)
	if err != nil {
		return nil, err
	}
	if cause != "" {
		return nil, ev.nullDocError(nullCause{ref, cause})
	}
	return ev.fieldIn(d, doc, name)
}

// refField returns what a reference holds itself; nil for other names.
func (ev *evaluator) refField(ref value.Ref, name string) value.Value {
	switch {
	case name == "coll":
		return ev.collModule(ref.Coll)
	case name == "id" && !isNamed(ref.Coll):
		return ref.ID
	case name == "name" && isNamed(ref.Coll):
		return value.String(ref.Name)
	}
	return nil
}

// fieldIn returns a field of the live document doc, which d names.
func (ev *evaluator) fieldIn(d value.Value, doc *document, name string) (value.Value, error) {
	switch name {
	case "ts":
		return doc.time(), nil
	case "ttl":
		if doc.ttl == 0 {
			return missingField(name), nil
		}
		return value.TimeOfMicros(doc.ttl), nil
	}
	data, err := ev.fields(doc)
	if err != nil {
		return nil, err
	}
	ref, _ := refOf(d)
	coll := ev.schema.CollectionByID(ref.Coll)
	if coll == nil {
		return systemField(d, data, name), nil
	}
	if name == "data" {
		return data, nil
	}
	for i := range coll.Computed {
		if coll.Computed[i].Name == name {
			return ev.computed(coll, &coll.Computed[i], d)
		}
	}
	if v, ok := data.Get(name); ok {
		return v, nil
	}
	if v, ok := ev.prepared.missing[name]; ok {
		return v, nil
	}
	return missingField(name), nil
}

// time is the document's ts: of one written just now it is the commit time to be.
func (d *document) time() value.Value {
	if d.ts == 0 {
		return value.TransactionTime{}
	}
	return value.TimeOfMicros(d.ts)
}

// systemField returns a field of a Token, Key, Credential or schema document. Hashes stay inside.
func systemField(d value.Value, data *value.Object, name string) value.Value {
	if name == fieldHash {
		return missingField(name)
	}
	if pinned, ok := d.(*docValue); ok && name == "secret" && pinned.secret != "" {
		return pinned.secret
	}
	if v, ok := data.Get(name); ok {
		return v
	}
	return missingField(name)
}

// computed evaluates a computed field of d. It reads with the rights of whoever asks.
func (ev *evaluator) computed(coll *schema.Collection, c *schema.Computed, d value.Value) (v value.Value, err error) {
	err = ev.within(resolve.Read, inComputed, func() error {
		v, err = ev.applyLambda(coll.Source, c.Body, d)
		return err
	})
	return v, err
}

// docFields returns every field of d in Fauna's order (id coll ts ttl, defined, computed,
// others), nulls left out; or why d is null.
func (ev *evaluator) docFields(d value.Value) (*value.Object, *nullCause, error) {
	ref, _ := refOf(d)
	doc, cause, err := ev.look(d)
	if err != nil {
		return nil, nil, err
	}
	if cause != "" {
		return nil, &nullCause{ref, cause}, nil
	}
	key := value.Field{Name: "id", Value: ref.ID}
	if isNamed(ref.Coll) {
		key = value.Field{Name: "name", Value: value.String(ref.Name)}
	}
	rest, err := ev.ownFields(d, doc)
	if err != nil {
		return nil, nil, err
	}
	head := []value.Field{key, {Name: "coll", Value: ev.collModule(ref.Coll)}}
	return value.NewObject(append(head, rest...)...), nil, nil
}

// ownFields returns the fields of a live document behind id and coll.
func (ev *evaluator) ownFields(d value.Value, doc *document) ([]value.Field, error) {
	data, err := ev.fields(doc)
	if err != nil {
		return nil, err
	}
	ref, _ := refOf(d)
	coll := ev.schema.CollectionByID(ref.Coll)
	out := make([]value.Field, 0, data.Len()+3)
	out = append(out, value.Field{Name: "ts", Value: doc.time()})
	if doc.ttl != 0 {
		out = append(out, value.Field{Name: "ttl", Value: value.TimeOfMicros(doc.ttl)})
	}
	if coll == nil {
		return appendSystemFields(out, d, data), nil
	}
	for i := range coll.Fields {
		if v, ok := data.Get(coll.Fields[i].Name); ok {
			out = append(out, value.Field{Name: coll.Fields[i].Name, Value: v})
		}
	}
	for i := range coll.Computed {
		v, err := ev.computed(coll, &coll.Computed[i], d)
		if err != nil {
			return nil, err
		}
		if !value.IsNull(v) {
			out = append(out, value.Field{Name: coll.Computed[i].Name, Value: v})
		}
	}
	return appendUndeclared(out, coll, data), nil
}

func appendSystemFields(out []value.Field, d value.Value, data *value.Object) []value.Field {
	for _, f := range data.Fields() {
		if f.Name != fieldHash {
			out = append(out, f)
		}
	}
	if pinned, ok := d.(*docValue); ok && pinned.secret != "" {
		out = append(out, value.Field{Name: "secret", Value: pinned.secret})
	}
	return out
}

// appendUndeclared adds the fields that a wildcard let in. What has the name of something
// that every document has, or of a computed field, goes under `data`.
func appendUndeclared(out []value.Field, coll *schema.Collection, data *value.Object) []value.Field {
	var hidden []value.Field
	for _, f := range data.Fields() {
		switch {
		case schema.IsDocumentMember(f.Name) || isComputed(coll, f.Name):
			hidden = append(hidden, f)
		case !isDeclared(coll, f.Name):
			out = append(out, f)
		}
	}
	if hidden != nil {
		out = append(out, value.Field{Name: "data", Value: value.NewObject(hidden...)})
	}
	return out
}

func isDeclared(coll *schema.Collection, name string) bool {
	for i := range coll.Fields {
		if coll.Fields[i].Name == name {
			return true
		}
	}
	return false
}

func isComputed(coll *schema.Collection, name string) bool {
	for i := range coll.Computed {
		if coll.Computed[i].Name == name {
			return true
		}
	}
	return false
}

// nullDocError is what using a null document as if it were there answers.
func (ev *evaluator) nullDocError(n nullCause) *Error {
	switch n.cause {
	case causeDenied:
		return errPermissionDenied()
	case causeDeleted:
		return errorf("document_deleted", "Document in `%s` with id %d was deleted.", ev.collectionName(n.ref.Coll), n.ref.ID)
	}
	return ev.errMissing(n.ref, n.cause)
}

func errPermissionDenied() *Error {
	return errorf("permission_denied", "Insufficient privileges to perform the action.")
}

// resource returns the own name of a collection, under which roles know it; "" if it is gone.
func (ev *evaluator) resource(id value.CollID) string {
	name, _ := ev.schema.CollectionName(id)
	return name
}

// collModule is a document's `coll`. Fauna calls a collection that is gone Deleted.
func (ev *evaluator) collModule(id value.CollID) value.Module {
	if name := ev.resource(id); name != "" {
		return value.Module(name)
	}
	return "Deleted"
}

// isNamed reports whether documents of a collection have names instead of ids.
func isNamed(id value.CollID) bool {
	switch id {
	case schema.CollCollection, schema.CollFunction, schema.CollRole, schema.CollAccessProvider, schema.CollDatabase:
		return true
	}
	return false
}

// ttlMicros returns a time as a store's ttl: whole µs, and never 0, which means none.
func ttlMicros(t value.Time) int64 {
	switch sec := t.Std().Unix(); {
	case sec >= math.MaxInt64/1_000_000-1:
		return math.MaxInt64
	case sec <= 0:
		return 1 // expired long ago
	}
	return t.Micros()
}
