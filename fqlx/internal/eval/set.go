package eval

import (
	"encoding/binary"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

const (
	defaultPageSize = 16     // Fauna
	maxPageSize     = 16_000 // Fauna
	maxElements     = 16_000 // of a set that is held in memory (Fauna)
	maxSetDepth     = 200    // sets within sets: concat of concat of …
)

// set is a lazy set: where its elements come from, and what happens to each on the way out.
// Like all values it never changes; methods return new ones. Nothing is read until
// somebody iterates, and then with the rights of that moment.
type set struct {
	source source
	ops    []setOp
	size   int      // of a page; 0 is the default
	start  position // of a set out of a cursor
	at     int64    // read as of this commit time (µs); 0 reads what the query reads
	depth  int      // sets that this one holds within each other
}

func (*set) Kind() value.Kind { return value.KindOther }
func (*set) TypeName() string { return "Set" }
func (*set) String() string   { return "[set]" }

// setOp is one step of a set. Exactly the fields of its kind are set.
type setOp struct {
	kind opKind
	n    int         // take, drop
	fn   value.Value // where, map, flatMap
	keys []orderKey  // order
	proj []syntax.ProjectField
	// frame and source are where the fields of a projection are evaluated.
	frame  *frame
	source schema.Source
}

// opKind is written into cursors: never change the numbers.
type opKind byte

const (
	opWhere opKind = iota + 1
	opMap
	opFlatMap
	opTake
	opDrop
	opProject
	opOrder
	opDistinct
	opReverse
)

// collects reports whether the op needs all elements before it gives one.
func (k opKind) collects() bool { return k == opOrder || k == opDistinct || k == opReverse }

// with returns s with one more step.
func (s *set) with(op setOp) *set {
	next := *s
	next.ops = append(s.ops[:len(s.ops):len(s.ops)], op)
	return &next
}

// project is s { fields }.
func (s *set) project(ev *evaluator, fields []syntax.ProjectField, f *frame) value.Value {
	return s.with(setOp{kind: opProject, proj: fields, frame: f, source: ev.source})
}

// reversed is s backwards: a source that can be read backwards is, while the steps look at
// one element at a time; else the elements are collected first.
func (s *set) reversed() *set {
	oneByOne := s.start.isZero()
	for _, op := range s.ops {
		switch op.kind {
		case opWhere, opMap, opProject:
		default:
			oneByOne = false
		}
	}
	if !oneByOne {
		return s.with(setOp{kind: opReverse})
	}
	next := *s
	next.source = s.source.reversed()
	return &next
}

// position is where a page ended: behind the element key of the source, with what take and
// drop had seen by then; or, of a set that cannot be entered in the middle, behind the
// first skip elements.
type position struct {
	key  []byte
	seen []int // by op
	skip int
}

func (p position) isZero() bool { return p.key == nil && p.skip == 0 }

// seekable reports whether iteration can start in the middle.
func (s *set) seekable() bool {
	for _, op := range s.ops {
		if op.kind == opFlatMap || op.kind.collects() {
			return false
		}
	}
	return s.source.seekable()
}

// walk is one iteration over a set.
type walk struct {
	emit func(value.Value) (more bool, err error)
	key  []byte // the position of the element that is under way
	seen []int  // by op: what take and drop have let pass
}

// stage is one step of an iteration: push takes an element, end comes after the last one.
type stage struct {
	push func(value.Value) (more bool, err error)
	end  func() error
}

// iterate calls fn with the elements of s in order until it answers false.
func (ev *evaluator) iterate(s *set, fn func(value.Value) (more bool, err error)) error {
	return ev.walk(s, &walk{}, fn)
}

// isPlain reports whether the elements of s are just those of its source.
func (s *set) isPlain() bool { return len(s.ops) == 0 && s.start.skip == 0 && s.at == 0 }

func (ev *evaluator) walk(s *set, w *walk, fn func(value.Value) (more bool, err error)) error {
	if err := ev.spend(1); err != nil { // a set may hold itself over and over, with no element in it
		return err
	}
	if s.isPlain() { // most sets, such as a look-up
		w.emit = fn
		return s.source.walk(ev, w, s.start.key)
	}
	w.seen = make([]int, len(s.ops))
	copy(w.seen, s.start.seen)
	skip := s.start.skip
	last := stage{
		push: func(v value.Value) (bool, error) {
			if skip > 0 {
				skip--
				return true, nil
			}
			return fn(v)
		},
		end: func() error { return nil },
	}
	for i := len(s.ops) - 1; i >= 0; i-- {
		if s.ops[i].kind == opTake && w.seen[i] >= s.ops[i].n {
			return nil
		}
		last = ev.stage(&s.ops[i], &w.seen[i], last)
	}
	w.emit = last.push
	return ev.asOf(s.at, func() error {
		if err := s.source.walk(ev, w, s.start.key); err != nil {
			return err
		}
		return last.end()
	})
}

// stage makes the step of one op in front of next.
func (ev *evaluator) stage(op *setOp, seen *int, next stage) stage {
	switch op.kind {
	case opTake:
		return stage{func(v value.Value) (bool, error) {
			if *seen++; *seen > op.n {
				return false, nil
			}
			more, err := next.push(v)
			return more && *seen < op.n, err
		}, next.end}
	case opDrop:
		return stage{func(v value.Value) (bool, error) {
			if *seen < op.n {
				*seen++
				return true, nil
			}
			return next.push(v)
		}, next.end}
	case opWhere:
		return stage{func(v value.Value) (bool, error) {
			var ok bool
			err := ev.inSet(func() (err error) {
				ok, err = ev.predicate(op.fn, v)
				return err
			})
			if err != nil || !ok {
				return err == nil, err
			}
			return next.push(v)
		}, next.end}
	case opFlatMap:
		return stage{func(v value.Value) (bool, error) { return ev.pushAll(op, v, next) }, next.end}
	case opMap, opProject:
		return stage{func(v value.Value) (bool, error) {
			out, err := ev.mapOne(op, v)
			if err != nil {
				return false, err
			}
			return next.push(out)
		}, next.end}
	}
	return ev.collector(op, next)
}

// inSet runs the function of a set method, which may read and no more.
func (ev *evaluator) inSet(f func() error) error { return ev.within(resolve.Read, "set functions", f) }

func (ev *evaluator) mapOne(op *setOp, v value.Value) (out value.Value, err error) {
	err = ev.inSet(func() error {
		if op.kind == opMap {
			out, err = ev.apply(op.fn, syntax.Span{}, v)
			return err
		}
		out, err = ev.projectIn(op, v)
		return err
	})
	return out, err
}

// projectIn evaluates a projection where it was written.
func (ev *evaluator) projectIn(op *setOp, v value.Value) (out value.Value, err error) {
	outside := ev.source
	ev.source = op.source
	if ev.role != "" && isCallers(op.source) {
		out, err = ev.asCaller(func() (value.Value, error) { return ev.project(v, op.proj, op.frame) })
	} else {
		out, err = ev.project(v, op.proj, op.frame)
	}
	ev.source = outside
	return out, err
}

// pushAll pushes every element of what flatMap's function returns.
func (ev *evaluator) pushAll(op *setOp, v value.Value, next stage) (more bool, err error) {
	inner, err := ev.mapOne(&setOp{kind: opMap, fn: op.fn}, v)
	if err != nil {
		return false, err
	}
	more = true
	push := func(v value.Value) (bool, error) {
		var err error
		more, err = next.push(v)
		return more, err
	}
	switch inner := inner.(type) {
	case *set:
		err = ev.iterate(inner, push)
	case value.Array:
		for i := 0; i < len(inner) && more && err == nil; i++ {
			_, err = push(inner[i])
		}
	default:
		err = errType("Set", inner)
	}
	return more, err
}

// collector is the step of an op that needs all elements.
func (ev *evaluator) collector(op *setOp, next stage) stage {
	var all value.Array
	push := func(v value.Value) (bool, error) {
		all = append(all, v)
		return true, checkElements(len(all))
	}
	return stage{push, func() error {
		out, err := ev.arrange(op, all)
		if err != nil {
			return err
		}
		for _, v := range out {
			if more, err := next.push(v); err != nil || !more {
				return err
			}
		}
		return next.end()
	}}
}

func checkElements(n int) error {
	if n > maxElements {
		return errorf("value_too_large", "Value too large: exceeded maximum number of elements (limit=%d).", maxElements)
	}
	return nil
}

// source is where the elements of a set come from.
type source interface {
	// walk calls w.emit with each element behind the position start (nil: from the first),
	// having left the element's position in w.key, until emit answers false.
	walk(ev *evaluator, w *walk, start []byte) error
	seekable() bool
	reversed() source
}

// docScan is all documents of a collection with ids from lo up to and including hi.
type docScan struct {
	coll     value.CollID
	lo, hi   value.ID
	backward bool
}

const maxID = value.ID(1<<63 - 1)

func (s *docScan) seekable() bool { return true }

func (s *docScan) reversed() source {
	r := *s
	r.backward = !r.backward
	return &r
}

func (s *docScan) walk(ev *evaluator, w *walk, start []byte) error {
	if !ev.mayReadSome(s.coll) {
		if isOwned(s.coll) && ev.identity != nil {
			own := &indexScan{coll: s.coll, prefix: ownerKey(s.coll, *ev.identity), backward: s.backward}
			return own.walk(ev, w, start)
		}
		return nil
	}
	lo, hi := uint64(s.lo), uint64(s.hi)+1
	if len(start) == idLen {
		if id := binary.BigEndian.Uint64(start); s.backward {
			hi = id
		} else {
			lo = id + 1
		}
	}
	if lo >= hi {
		return nil
	}
	it := ev.reader().ScanPrefixes(appendDocKey(nil, s.coll, value.ID(lo)), appendDocKey(nil, s.coll, value.ID(hi)), s.backward)
	defer it.Close()
	for it.Next() {
		e := it.Entry()
		if err := ev.scan(1); err != nil {
			return err
		}
		if ev.expired(e) {
			continue
		}
		key := e.Key.Prefix[len(e.Key.Prefix)-idLen:]
		w.key = append(w.key[:0], key...)
		ref := value.Ref{Coll: s.coll, ID: value.ID(binary.BigEndian.Uint64(key))}
		more, err := ev.emitDoc(w, ev.met(ref, e))
		if err != nil || !more {
			return err
		}
	}
	return it.Err()
}

// met notes a document that a scan came by, and returns it: in the past its state, now just
// a reference.
func (ev *evaluator) met(ref value.Ref, e store.Entry) value.Value {
	if ev.past == 0 {
		k := docKey{ref.Coll, ref.ID}
		if _, known := ev.docs[k]; !known {
			ev.remember(k, &document{ts: e.TS, ttl: e.TTL, raw: append([]byte(nil), e.Data...)})
		}
		return ref
	}
	return &docValue{ref: ref, guarded: true, doc: &document{ts: e.TS, ttl: e.TTL, raw: append([]byte(nil), e.Data...)}}
}

// emitDoc emits a document if it may be read. One that may not is left out silently.
func (ev *evaluator) emitDoc(w *walk, d value.Value) (more bool, err error) {
	ok, err := ev.mayRead(d)
	if err != nil || !ok {
		return err == nil, err
	}
	return w.emit(d)
}

// indexScan is the documents under the terms of an index, in the order of its values. The
// index is 0 for the tokens or the credential of a document, see ownerKey.
type indexScan struct {
	coll     value.CollID
	index    uint32
	prefix   []byte
	lo, hi   []byte // bounds on suffixes: inclusive, exclusive; nil is open
	backward bool
}

func (s *indexScan) seekable() bool { return true }

func (s *indexScan) reversed() source {
	r := *s
	r.backward = !r.backward
	return &r
}

func (s *indexScan) walk(ev *evaluator, w *walk, start []byte) error {
	if s.index != 0 && !ev.mayReadSome(s.coll) {
		return nil
	}
	r := store.Range{Prefix: s.prefix, Lo: s.lo, Hi: s.hi, Reverse: s.backward}
	if start != nil {
		if s.backward {
			r.Hi = start
		} else {
			r.Lo = successor(start)
		}
	}
	it := ev.reader().Scan(r)
	defer it.Close()
	for it.Next() {
		e := it.Entry()
		if err := ev.scan(1); err != nil {
			return err
		}
		if ev.expired(e) {
			continue
		}
		w.key = append(w.key[:0], e.Key.Suffix...)
		d, err := ev.indexed(value.Ref{Coll: s.coll, ID: entryID(e.Key.Suffix)})
		if err != nil {
			return err
		}
		more, err := ev.emitDoc(w, d)
		if err != nil || !more {
			return err
		}
	}
	return it.Err()
}

// first is the first document of a look-up in the state of now, which most look-ups are about; nil if it takes a walk
// to tell, for want of the permission to read the first.
func (s *indexScan) first(ev *evaluator) (value.Value, error) {
	if ev.past != 0 || s.index != 0 && !ev.mayReadSome(s.coll) {
		return nil, nil
	}
	e, ok, err := ev.tx.First(store.Range{Prefix: s.prefix, Lo: s.lo, Hi: s.hi, Reverse: s.backward})
	if err != nil {
		return nil, err
	}
	if !ok {
		return emptySet, ev.spend(1)
	}
	ref := value.Ref{Coll: s.coll, ID: entryID(e.Key.Suffix)}
	if err := ev.scan(1); err != nil {
		return nil, err
	}
	if ok, err = ev.mayRead(ref); err != nil || !ok {
		return nil, err
	}
	return ref, nil
}

// indexed returns the document of an index entry: in the past its state, now a reference.
func (ev *evaluator) indexed(ref value.Ref) (value.Value, error) {
	if ev.past == 0 {
		return ref, nil
	}
	doc, err := ev.read(ref)
	if err != nil || doc == nil {
		return ref, err
	}
	return &docValue{ref: ref, guarded: true, doc: doc}, nil
}

// sequence is the integers from `from` up to and not including `until`.
type sequence struct {
	from, until int64
	backward    bool
}

func (s *sequence) seekable() bool { return true }

func (s *sequence) reversed() source { return &sequence{s.from, s.until, !s.backward} }

func (s *sequence) walk(ev *evaluator, w *walk, start []byte) error {
	n := s.until - s.from
	i := behind(start)
	for ; i < n; i++ {
		if err := ev.spend(1); err != nil {
			return err
		}
		v := s.from + i
		if s.backward {
			v = s.until - 1 - i
		}
		w.key = binary.AppendUvarint(w.key[:0], uint64(i))
		more, err := w.emit(value.Integer(v))
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// behind is the index behind the one that a position holds.
func behind(start []byte) int64 {
	if start == nil {
		return 0
	}
	n, _ := binary.Uvarint(start)
	return int64(n) + 1
}

// items is the elements of an array.
type items struct {
	values   value.Array
	backward bool
}

func (s *items) seekable() bool { return true }

func (s *items) reversed() source { return &items{s.values, !s.backward} }

func (s *items) walk(ev *evaluator, w *walk, start []byte) error {
	for i := behind(start); i < int64(len(s.values)); i++ {
		if err := ev.spend(1); err != nil {
			return err
		}
		at := i
		if s.backward {
			at = int64(len(s.values)) - 1 - i
		}
		w.key = binary.AppendUvarint(w.key[:0], uint64(i))
		more, err := w.emit(s.values[at])
		if err != nil || !more {
			return err
		}
	}
	return nil
}

// concatenation is one set behind another; backward, it begins with the last element of the
// second.
type concatenation struct {
	first, second *set
	backward      bool
}

func (s *concatenation) seekable() bool { return false }

func (s *concatenation) reversed() source {
	return &concatenation{s.first, s.second, !s.backward}
}

func (s *concatenation) walk(ev *evaluator, w *walk, _ []byte) error {
	more := true
	emit := func(v value.Value) (bool, error) {
		var err error
		more, err = w.emit(v)
		return more, err
	}
	first, second := s.first, s.second
	if s.backward {
		first, second = second.reversed(), first.reversed()
	}
	if err := ev.iterate(first, emit); err != nil || !more {
		return err
	}
	return ev.iterate(second, emit)
}

// page returns up to n elements, and the set of those behind them; nil if there are none.
func (ev *evaluator) page(s *set, n int) (elems value.Array, rest *set, err error) {
	w := &walk{}
	var end position
	more := false
	elems = make(value.Array, 0, min(n, defaultPageSize))
	seekable := s.seekable()
	err = ev.walk(s, w, func(v value.Value) (bool, error) {
		if len(elems) == n {
			more = true
			return false, nil
		}
		elems = append(elems, v)
		if len(elems) == n && seekable {
			end = position{key: append([]byte{}, w.key...), seen: append([]int(nil), w.seen...)}
		}
		return true, ev.build(16)
	})
	if err != nil || !more {
		return elems, nil, err
	}
	next := *s
	next.start = end
	if !seekable {
		next.start = position{skip: s.start.skip + n}
	}
	return elems, &next, nil
}

// all returns the elements of s, which may not be too many to hold.
func (ev *evaluator) all(s *set) (value.Array, error) {
	var out value.Array
	err := ev.iterate(s, func(v value.Value) (bool, error) {
		out = append(out, v)
		if err := checkElements(len(out)); err != nil {
			return false, err
		}
		return true, ev.build(16)
	})
	return out, err
}
