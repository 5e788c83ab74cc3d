package eval

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"slices"
	"strconv"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The first byte of every key says what is kept there. The letters are on disk: never
// change them.
//
//	d ‖ collection ‖ id                  a document (collection and index: 4 bytes, id: 8)
//	i ‖ index ‖ terms   values ‖ id      an index entry; the gap is between prefix and suffix
//	t ‖ identity        id               a token by the document it was made for
//	c ‖ identity        id               a credential, likewise; there is one at most
//	s, v                                 the schema, and its version
//	m                                    what the database was given when it was made
//
// Numbers of collections and indexes are never used twice. What is kept under those of
// dropped ones is out of reach, and a sweep of the store removes it, see [Database].retired.
const (
	prefixDocument   = 'd'
	prefixIndex      = 'i'
	prefixToken      = 't'
	prefixCredential = 'c'
)

func appendDocKey(dst []byte, coll value.CollID, id value.ID) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, prefixDocument), uint32(coll))
	return binary.BigEndian.AppendUint64(dst, uint64(id))
}

func appendIndexKey(dst []byte, index uint32) []byte {
	return binary.BigEndian.AppendUint32(append(dst, prefixIndex), index)
}

// isOwned reports whether documents of a collection belong to a document of a user: those of
// Token and Credential.
func isOwned(coll value.CollID) bool {
	return coll == schema.CollToken || coll == schema.CollCredential
}

// ownerKey is the prefix under which what isOwned by a document is listed.
func ownerKey(coll value.CollID, owner value.Ref) []byte {
	prefix := byte(prefixToken)
	if coll == schema.CollCredential {
		prefix = prefixCredential
	}
	return value.AppendKey(append(make([]byte, 0, usualKey), prefix), owner, false)
}

// idLen is the size of the document id that ends the suffix of every index entry.
const idLen = 8

// indexEntry is a place of a document in an index.
type indexEntry struct{ prefix, suffix []byte }

func (e indexEntry) key() store.Key { return store.Key{Prefix: e.prefix, Suffix: e.suffix} }

func (e indexEntry) compare(o indexEntry) int {
	return cmp.Or(bytes.Compare(e.prefix, o.prefix), bytes.Compare(e.suffix, o.suffix))
}

func (e indexEntry) equal(o indexEntry) bool { return e.compare(o) == 0 }

// holds reports whether e is among entries, which are in order.
func holds(entries []indexEntry, e indexEntry) bool {
	_, found := slices.BinarySearchFunc(entries, e, indexEntry.compare)
	return found
}

// usualKey is the capacity, in bytes, that most keys of index entries fit in.
const usualKey = 96

// newIndexKey begins a key of an index.
func (ev *evaluator) newIndexKey(index *schema.Index) []byte {
	return appendIndexKey(ev.keys.take(usualKey, 10*usualKey)[:0], index.ID)
}

// entries returns where a document stands in an index, in order: once, or once for each
// combination of elements of its mva fields. If all terms are null it stands nowhere. What is
// once is put into room, if there is any.
func (ev *evaluator) entries(room []indexEntry, coll *schema.Collection, index *schema.Index, d *docValue) ([]indexEntry, error) {
	if !hasMVA(index.Terms) && !hasMVA(index.Values) {
		return ev.oneEntry(room, coll, index, d)
	}
	terms, null, err := ev.keyRows(coll, index.Terms, d)
	if err != nil {
		return nil, err
	}
	values, _, err := ev.keyRows(coll, index.Values, d)
	if err != nil {
		return nil, err
	}
	if len(terms)*len(values) > maxArray {
		return nil, errTooManyEntries()
	}
	out := make([]indexEntry, 0, len(terms)*len(values))
	for i, term := range terms {
		if null[i] && len(index.Terms) > 0 {
			continue
		}
		for _, vals := range values {
			key := make([]byte, 0, 5+len(term)+len(vals)+idLen)
			key = append(appendIndexKey(key, index.ID), term...)
			n := len(key)
			key = binary.BigEndian.AppendUint64(append(key, vals...), uint64(d.ref.ID))
			if err := ev.makeKey(key); err != nil {
				return nil, err
			}
			out = append(out, indexEntry{key[:n:n], key[n:]})
		}
	}
	if len(out) > 1 {
		slices.SortFunc(out, indexEntry.compare)
		out = slices.CompactFunc(out, indexEntry.equal)
	}
	return out, nil
}

func hasMVA(paths []schema.Path) bool {
	return slices.ContainsFunc(paths, func(p schema.Path) bool { return p.MVA })
}

// oneEntry is entries for an index without mva fields.
func (ev *evaluator) oneEntry(room []indexEntry, coll *schema.Collection, index *schema.Index, d *docValue) ([]indexEntry, error) {
	key, null, err := ev.appendValues(ev.newIndexKey(index), coll, index.Terms, d)
	if err != nil || null && len(index.Terms) > 0 {
		return nil, err
	}
	n := len(key)
	if key, _, err = ev.appendValues(key, coll, index.Values, d); err != nil {
		return nil, err
	}
	key = binary.BigEndian.AppendUint64(key, uint64(d.ref.ID))
	return append(room[:0], indexEntry{key[:n:n], key[n:]}), ev.makeKey(key)
}

// appendValues appends the keys of the values at paths, and tells whether all of them are null.
func (ev *evaluator) appendValues(dst []byte, coll *schema.Collection, paths []schema.Path, d *docValue) (key []byte, null bool, err error) {
	null = true
	for _, p := range paths {
		v, err := ev.pathValue(coll, d, p.Path)
		if err == nil {
			err = indexable(v, p)
		}
		if err != nil {
			return nil, false, err
		}
		dst = value.AppendKey(dst, v, p.Desc)
		null = null && value.IsNull(v)
		if err := ev.makeKey(dst); err != nil {
			return nil, false, err
		}
	}
	return dst, null, nil
}

func errTooManyEntries() *Error {
	return errorf("invalid_request", "A document has more than %d entries in one index.", maxArray)
}

// keyRows returns the joined keys of the values at paths, one row for each combination, and
// of each whether all of it is null.
func (ev *evaluator) keyRows(coll *schema.Collection, paths []schema.Path, d *docValue) (rows [][]byte, null []bool, err error) {
	rows, null = [][]byte{nil}, []bool{true}
	for _, p := range paths {
		v, err := ev.pathValue(coll, d, p.Path)
		if err != nil {
			return nil, nil, err
		}
		if !p.MVA {
			if err := indexable(v, p); err != nil {
				return nil, nil, err
			}
			for i := range rows {
				rows[i] = value.AppendKey(rows[i], v, p.Desc)
				null[i] = null[i] && value.IsNull(v)
				if err := ev.makeKey(rows[i]); err != nil {
					return nil, nil, err
				}
			}
			continue
		}
		if rows, null, err = ev.cross(rows, null, elements(v), p); err != nil {
			return nil, nil, err
		}
	}
	return rows, null, nil
}

// makeKey takes a key that was made from the budget. It refuses one that the store would
// refuse, before more are made of it.
func (ev *evaluator) makeKey(key []byte) error {
	if len(key) > store.MaxKey {
		return errorf("invalid_request", "%v: a key of %d bytes, above %d", store.ErrTooLarge, len(key), store.MaxKey)
	}
	return ev.build(len(key))
}

// cross continues each row with each of the elements.
func (ev *evaluator) cross(rows [][]byte, null []bool, elems value.Array, p schema.Path) (outRows [][]byte, outNull []bool, err error) {
	for i := range rows {
		for _, e := range elems {
			if err := indexable(e, p); err != nil {
				return nil, nil, err
			}
			row := value.AppendKey(slices.Clone(rows[i]), e, p.Desc)
			if err := ev.makeKey(row); err != nil {
				return nil, nil, err
			}
			outRows = append(outRows, row)
			outNull = append(outNull, null[i] && value.IsNull(e))
		}
		if len(outRows) > maxArray {
			return nil, nil, errTooManyEntries()
		}
	}
	return outRows, outNull, nil
}

// elements are what an mva path indexes: the elements of an array, or a single value.
func elements(v value.Value) value.Array {
	a, ok := v.(value.Array)
	switch {
	case !ok:
		return value.Array{v}
	case len(a) == 0:
		return value.Array{null}
	}
	return a
}

// indexable refuses the commit time, which nobody knows yet when an entry is written.
func indexable(v value.Value, p schema.Path) error {
	if !holdsCommitTime(v) {
		return nil
	}
	path := make([]any, len(p.Path))
	for i, name := range p.Path {
		path[i] = name
	}
	return constraintError("Failed to write an index entry.", []Failure{{
		Paths:   [][]any{path},
		Message: "TransactionTime() cannot be indexed by this engine",
	}})
}

func holdsCommitTime(v value.Value) bool {
	switch v := v.(type) {
	case value.TransactionTime:
		return true
	case value.Array:
		return slices.ContainsFunc(v, holdsCommitTime)
	case *value.Object:
		return slices.ContainsFunc(v.Fields(), func(f value.Field) bool { return holdsCommitTime(f.Value) })
	}
	return false
}

// pathValue returns what a document has at the path of an index; null where it has nothing.
func (ev *evaluator) pathValue(coll *schema.Collection, d *docValue, path []string) (value.Value, error) {
	switch path[0] {
	case "id":
		return d.ref.ID, nil
	case "ttl":
		if d.doc.ttl == 0 {
			return null, nil
		}
		return value.TimeOfMicros(d.doc.ttl), nil
	}
	data, err := ev.fields(d.doc)
	if err != nil {
		return nil, err
	}
	if path[0] == "data" && len(path) > 1 {
		return valueAt(data, path[1:]), nil
	}
	for i := range coll.Computed {
		if coll.Computed[i].Name == path[0] {
			v, err := ev.indexedField(coll, &coll.Computed[i], d)
			return valueAt(v, path[1:]), err
		}
	}
	return valueAt(data, path), nil
}

// indexedField is a computed field for an index. It must follow from the stored fields alone,
// or the entry could not be found again when the document changes: reads, functions of the
// schema, the clock, the caller and the commit time are out of reach here. An error makes
// the value null, as in Fauna, but not that the query is at one of its limits: whoever brings
// it there could keep a document out of an index, and past a unique constraint.
func (ev *evaluator) indexedField(coll *schema.Collection, c *schema.Computed, d *docValue) (value.Value, error) {
	if data, err := ev.fields(d.doc); err != nil || d.doc.stamped || holdsCommitTime(data) {
		return null, err
	}
	d = &docValue{ref: d.ref, doc: &document{ttl: d.doc.ttl, data: d.doc.data}}
	rights, identity, token := ev.rights, ev.identity, ev.token
	ev.rights, ev.identity, ev.token = abac.Rights{}, nil, nil
	defer func() { ev.rights, ev.identity, ev.token = rights, identity, token }()
	var v value.Value
	err := ev.within(resolve.Pure, inIndexes, func() (err error) {
		if v, err = ev.applyLambda(coll.Source, c.Body, d); err == nil {
			v, err = ev.persist(v)
		}
		return err
	})
	switch {
	case isLimit(err):
		return nil, err
	case err != nil || holdsCommitTime(v):
		return null, nil
	}
	return v, nil
}

// isLimit reports whether an error says that a query is at one of its limits, or at its end
// for another reason that is not in what was evaluated.
func isLimit(err error) bool {
	failed, ok := errors.AsType[*Error](err)
	if !ok {
		return err != nil
	}
	switch failed.Code {
	case "invalid_request", "stack_overflow", "value_too_large":
		return true
	}
	return false
}

func valueAt(v value.Value, path []string) value.Value {
	for _, name := range path {
		switch o := v.(type) {
		case *value.Object:
			field, ok := o.Get(name)
			if !ok {
				return null
			}
			v = field
		case value.Ref:
			if name != "id" {
				return null
			}
			v = o.ID
		default:
			return null
		}
	}
	return v
}

// reindex brings the indexes of a collection from one state of a document to the next, and
// checks the unique constraints. before is nil of a document that is created, after of one
// that is deleted.
func (ev *evaluator) reindex(coll *schema.Collection, before, after *docValue) error {
	var failures []Failure
	var roomBefore, roomAfter [1]indexEntry // which most need
	for _, index := range coll.Storage {
		was, err := ev.entriesOf(roomBefore[:], coll, index, before)
		if err != nil {
			return err
		}
		is, err := ev.entriesOf(roomAfter[:], coll, index, after)
		if err != nil {
			return err
		}
		for _, e := range was {
			if !holds(is, e) {
				ev.tx.Delete(e.key())
			}
		}
		failed, err := ev.violations(coll, index, is, after)
		if err != nil {
			return err
		}
		failures = append(failures, failed...)
		for _, e := range is {
			kept := holds(was, e) && before.doc.ttl == after.doc.ttl
			if !kept {
				ev.tx.Put(e.key(), nil, after.doc.ttl)
			}
		}
	}
	if failures != nil {
		return constraintError("Failed unique constraint.", failures)
	}
	return nil
}

func (ev *evaluator) entriesOf(room []indexEntry, coll *schema.Collection, index *schema.Index, d *docValue) ([]indexEntry, error) {
	if d == nil {
		return nil, nil
	}
	return ev.entries(room, coll, index, d)
}

// violations returns the unique constraints kept in index that another document stands in
// the way of. A document whose terms are all null has no entries and no such trouble.
func (ev *evaluator) violations(coll *schema.Collection, index *schema.Index, entries []indexEntry, d *docValue) ([]Failure, error) {
	var out []Failure
	for _, u := range coll.Uniques {
		if u.Index.ID != index.ID {
			continue
		}
		for i, e := range entries {
			if i > 0 && bytes.Equal(e.prefix, entries[i-1].prefix) {
				continue
			}
			taken, err := ev.isTaken(e.prefix, d.ref.ID)
			if err != nil {
				return nil, err
			}
			if taken {
				out = append(out, uniqueFailure(u))
				break
			}
		}
	}
	return out, nil
}

func uniqueFailure(u schema.Unique) Failure {
	f := Failure{Message: "Failed unique constraint"}
	for _, p := range u.Paths {
		path := make([]any, len(p.Path))
		for i, name := range p.Path {
			path[i] = name
		}
		f.Paths = append(f.Paths, path)
	}
	return f
}

// isTaken reports whether a document other than id has an entry under prefix.
func (ev *evaluator) isTaken(prefix []byte, id value.ID) (bool, error) {
	e, ok, err := ev.tx.First(store.Range{Prefix: prefix})
	if err != nil || !ok || entryID(e.Key.Suffix) != id {
		return ok, err
	}
	it := ev.tx.Scan(store.Range{Prefix: prefix})
	defer it.Close()
	for it.Next() {
		if entryID(it.Entry().Key.Suffix) != id {
			return true, nil
		}
	}
	return false, it.Err()
}

// entryID returns the document id that ends a suffix.
func entryID(suffix []byte) value.ID {
	return value.ID(binary.BigEndian.Uint64(suffix[len(suffix)-idLen:]))
}

// callIndex is C.byX(terms…, {from, to}).
func (ev *evaluator) callIndex(coll *schema.Collection, index *schema.Index, args []value.Value) (value.Value, error) {
	if !ev.mayReadSome(coll.ID) {
		return nil, errReadCollection(coll.Name)
	}
	prefix := ev.newIndexKey(index)
	for i, term := range args[:len(index.Terms)] {
		var err error
		if prefix, err = ev.appendTerm(prefix, index.Terms[i], term, i); err != nil {
			return nil, err
		}
	}
	found := &ev.lookups.take(1, 4)[0]
	found.scan = indexScan{coll: coll.ID, index: index.ID, prefix: prefix}
	if len(args) > len(index.Terms) {
		if err := ev.restrict(&found.scan, index, args[len(index.Terms)]); err != nil {
			return nil, err
		}
	}
	found.set.source = &found.scan
	return &found.set, nil
}

// lookup is what C.byX(…) makes: a set, and where it comes from.
type lookup struct {
	set  set
	scan indexScan
}

// errReadCollection is Fauna's error for an index call without any privilege to read.
func errReadCollection(name string) *Error {
	return errorf("permission_denied", "Insufficient privileges to read from collection %s.", name)
}

func (ev *evaluator) appendTerm(dst []byte, p schema.Path, v value.Value, i int) ([]byte, error) {
	stored, err := ev.lookupValue(p, v)
	switch {
	case isLimit(err):
		return nil, err
	case err != nil:
		return nil, errArgument("term"+strconv.Itoa(i+1), "Argument cannot be used as lookup term")
	}
	return value.AppendKey(dst, stored, p.Desc), nil
}

// lookupValue is what v looks like in an index at p.
func (ev *evaluator) lookupValue(p schema.Path, v value.Value) (value.Value, error) {
	if len(p.Path) == 1 && p.Path[0] == "id" {
		if ref, ok := refOf(v); ok {
			return ref.ID, nil
		}
		if id, ok := asID(v); ok {
			return id, nil
		}
	}
	stored, err := ev.persist(v)
	if err == nil && holdsCommitTime(stored) {
		err = errorf("invalid_argument", "TransactionTime() cannot be looked up")
	}
	return stored, err
}

// restrict applies the {from, to} of an index call. Both bounds are inclusive prefixes of the
// index's values, in their order: for a descending value `from` is the greater one.
func (ev *evaluator) restrict(s *indexScan, index *schema.Index, v value.Value) error {
	from, to, err := bounds(v)
	if err != nil {
		return err
	}
	if from != nil {
		if s.lo, err = ev.boundKey(index, s.coll, "from", from); err != nil {
			return err
		}
	}
	if to != nil {
		key, err := ev.boundKey(index, s.coll, "to", to)
		if err != nil {
			return err
		}
		s.hi = successor(key)
	}
	return nil
}

// bounds takes {from, to} apart; what is not there is nil.
func bounds(v value.Value) (from, to value.Value, err error) {
	o, ok := v.(*value.Object)
	if ok {
		from, _ = o.Get("from")
		to, _ = o.Get("to")
	}
	if from == nil && to == nil {
		return nil, nil, errArgument("range", "should be an object containing `{ from }`, `{ to }`, or `{ from, to }` fields")
	}
	return from, to, nil
}

func (ev *evaluator) boundKey(index *schema.Index, coll value.CollID, field string, v value.Value) ([]byte, error) {
	if len(index.Values) == 0 {
		id, err := boundID(coll, field, v)
		return binary.BigEndian.AppendUint64(nil, uint64(id)), err
	}
	parts, ok := v.(value.Array)
	if !ok {
		parts = value.Array{v}
	}
	if len(parts) > len(index.Values) {
		return nil, errArgument("range", "The field `%s` can have at most %d values", field, len(index.Values))
	}
	key := []byte{}
	for i, part := range parts {
		stored, err := ev.lookupValue(index.Values[i], part)
		switch {
		case isLimit(err):
			return nil, err
		case err != nil:
			return nil, errArgument("range", "The `%s` field should be either an indexable value or an array of values", field)
		}
		key = value.AppendKey(key, stored, index.Values[i].Desc)
	}
	return key, nil
}

// boundID reads a bound of a range over documents: a document, or an id.
func boundID(coll value.CollID, field string, v value.Value) (value.ID, error) {
	if ref, ok := refOf(v); ok && ref.Coll == coll {
		return ref.ID, nil
	}
	if id, ok := asID(v); ok && id >= 0 {
		return id, nil
	}
	return 0, errArgument("range", "The `%s` field must be a document id.", field)
}

// successor returns the least key above all that begin with key; nil if there is none.
func successor(key []byte) []byte {
	end := slices.Clone(key)
	for i := len(end) - 1; i >= 0; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
	return nil
}
