package eval

import (
	"crypto/cipher"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// A cursor is a set written down: where its elements come from, its steps with their
// functions as text and what these captured, the position, and the commit time that all
// pages read. It is sealed (AES-GCM) under a key of the database: nobody can forge one, and
// the source and variables of a function that returned a set stay inside. Whose rights count
// is not in it: those of whoever turns the page do. A function with @role turns only pages
// that were begun with its role: else whoever calls it could have it read any set.
const cursorVersion = 2

// maxCursor bounds a cursor's size in bytes, of which a set of many values has a lot.
const maxCursor = 1 << 20

// The names, in summaries, of text out of a cursor: that of a function, that of a query.
const (
	cursorName      = "*cursor*"
	queryCursorName = "*cursor of a query*"
)

// errInvalidCursor is Fauna's answer to a cursor that is broken, too old, or of a collection
// or index that is gone.
func errInvalidCursor() *Error {
	return errorf("invalid_cursor", "Cursor cursor is invalid or expired.")
}

// cursor writes s down.
func (ev *evaluator) cursor(s *set) (string, error) {
	w := cursorWriter{ev: ev, b: []byte{cursorVersion}}
	pinned := *s
	switch {
	case s.at != 0:
	case ev.past != 0:
		pinned.at = ev.past
	case !ev.wrote: // what this query wrote is not at its snapshot: then pages read what is there
		pinned.at = ev.tx.Snapshot()
	}
	w.text(ev.role)
	w.set(&pinned)
	if w.full(); w.err != nil {
		return "", w.err
	}
	return ev.db.seal(w.b)
}

// seal encrypts and authenticates a cursor.
func (db *Database) seal(plain []byte) (string, error) {
	nonce := make([]byte, db.cursors.NonceSize(), db.cursors.NonceSize()+len(plain)+db.cursors.Overhead())
	if _, err := io.ReadFull(db.opt.Rand, nonce); err != nil {
		return "", fmt.Errorf("making a cursor: %w", err)
	}
	return base64.StdEncoding.EncodeToString(db.cursors.Seal(nonce, nonce, plain, nil)), nil
}

func unseal(aead cipher.AEAD, text string) ([]byte, bool) {
	sealed, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || strings.ContainsAny(text, "\r\n") || len(sealed) < aead.NonceSize() {
		return nil, false
	}
	n := aead.NonceSize()
	plain, err := aead.Open(nil, sealed[:n], sealed[n:], nil)
	return plain, err == nil
}

// openCursor reads what cursor wrote. The collection must still be one that the caller has a
// privilege to read.
func (ev *evaluator) openCursor(text string) (*set, error) {
	plain, ok := unseal(ev.db.cursors, text)
	if !ok || len(plain) == 0 || plain[0] != cursorVersion {
		return nil, errInvalidCursor()
	}
	r := cursorReader{ev: ev, b: plain[1:]}
	role := r.text()
	s := r.set(0)
	switch {
	case ev.role != "" && role != ev.role:
		return nil, errInvalidCursor()
	case r.err != nil:
		return nil, r.err
	case r.bad || len(r.b) > 0:
		return nil, errInvalidCursor()
	}
	return s, nil
}

// The first byte of a value in a cursor, and of a source.
const (
	cursorStored = iota + 1
	cursorArray
	cursorObject
	cursorSet
	cursorLambda
	cursorFunction
	cursorGlobal
	cursorModule

	cursorDocs = iota + 32
	cursorIndex
	cursorSequence
	cursorItems
	cursorConcat
)

type cursorWriter struct {
	ev  *evaluator
	b   []byte
	err error
}

func (w *cursorWriter) int(n int64)    { w.b = binary.AppendVarint(w.b, n) }
func (w *cursorWriter) bytes(p []byte) { w.b = append(binary.AppendUvarint(w.b, uint64(len(p))), p...) }
func (w *cursorWriter) text(s string)  { w.b = append(binary.AppendUvarint(w.b, uint64(len(s))), s...) }

// optional writes bytes that may be nil, which is not the same as empty.
func (w *cursorWriter) optional(p []byte) {
	w.bool(p != nil)
	w.bytes(p)
}

func (w *cursorWriter) bool(b bool) {
	if b {
		w.b = append(w.b, 1)
	} else {
		w.b = append(w.b, 0)
	}
}

// full reports whether the cursor is too large, or the query at its end. Values share their
// parts, so a small one may be huge when it is written down.
func (w *cursorWriter) full() bool {
	if w.err == nil && len(w.b) > maxCursor {
		w.err = errorf("value_too_large", "Value too large: a cursor exceeds the limit of %d bytes.", maxCursor)
	}
	if w.err == nil {
		w.err = w.ev.spend(1)
	}
	return w.err != nil
}

func (w *cursorWriter) refuse(v value.Value) {
	if w.err == nil {
		w.err = errorf("invalid_cursor", "A set that uses %s cannot have a cursor.", value.Display(v))
	}
}

func (w *cursorWriter) set(s *set) {
	if w.full() {
		return
	}
	w.int(s.at)
	w.int(int64(s.size))
	w.int(int64(s.depth))
	w.source(s.source)
	w.int(int64(len(s.ops)))
	for i := range s.ops {
		w.op(&s.ops[i])
	}
	w.optional(s.start.key)
	w.int(int64(s.start.skip))
	w.int(int64(len(s.start.seen)))
	for _, n := range s.start.seen {
		w.int(int64(n))
	}
}

func (w *cursorWriter) source(s source) {
	switch s := s.(type) {
	case *docScan:
		w.b = append(w.b, cursorDocs)
		w.int(int64(s.coll))
		w.int(int64(s.lo))
		w.int(int64(s.hi))
		w.bool(s.backward)
	case *indexScan:
		w.b = append(w.b, cursorIndex)
		w.int(int64(s.coll))
		w.int(int64(s.index))
		w.bytes(s.prefix)
		w.optional(s.lo)
		w.optional(s.hi)
		w.bool(s.backward)
	case *sequence:
		w.b = append(w.b, cursorSequence)
		w.int(s.from)
		w.int(s.until)
		w.bool(s.backward)
	case *items:
		w.b = append(w.b, cursorItems)
		w.value(s.values)
		w.bool(s.backward)
	case *concatenation:
		w.b = append(w.b, cursorConcat)
		w.set(s.first)
		w.set(s.second)
		w.bool(s.backward)
	}
}

// op writes a step. A projection becomes the map that it is.
func (w *cursorWriter) op(op *setOp) {
	kind := op.kind
	if kind == opProject {
		kind = opMap
	}
	w.b = append(w.b, byte(kind))
	w.int(int64(op.n))
	w.int(int64(len(op.keys)))
	for _, k := range op.keys {
		w.value(k.fn)
		w.bool(k.desc)
	}
	switch {
	case op.kind == opProject:
		w.projection(op)
	case op.fn != nil:
		w.value(op.fn)
	default:
		w.value(null)
	}
}

func (w *cursorWriter) value(v value.Value) {
	if w.full() {
		return
	}
	switch v := v.(type) {
	case value.Array:
		w.b = append(w.b, cursorArray)
		w.int(int64(len(v)))
		for _, e := range v {
			w.value(e)
		}
	case *value.Object:
		w.b = append(w.b, cursorObject)
		w.int(int64(v.Len()))
		for _, f := range v.Fields() {
			w.text(f.Name)
			w.value(f.Value)
		}
	case *docValue:
		w.value(v.ref)
	case *set:
		w.b = append(w.b, cursorSet)
		w.set(v)
	case *lambda:
		w.lambda(v)
	case userFunction:
		w.b = append(w.b, cursorFunction)
		w.bool(false)
		w.text(v.Name)
	case callersFunction:
		w.b = append(w.b, cursorFunction)
		w.bool(true)
		w.text(v.Name)
	case *nativeFunction:
		if globals[v.name] != v {
			w.refuse(v)
			return
		}
		w.b = append(w.b, cursorGlobal)
		w.text(v.name)
	case value.Module:
		w.b = append(w.b, cursorModule)
		w.text(string(v))
	default:
		if v.Kind() == value.KindOther {
			w.refuse(v)
			return
		}
		w.b = append(w.b, cursorStored)
		w.bytes(value.AppendBinary(nil, v))
	}
}

func (w *cursorWriter) lambda(l *lambda) {
	e := w.environment(l.source)
	for i, name := range capturedNames(l.expr) {
		e.add(name, l.captured[i])
	}
	e.arguments(l.expr)
	text := sourceOf(l.source, l.expr.Span())
	text, e = e.withValues(w.ev, l.source, l.expr.Span().Start, text)
	w.function(l.source, text, e)
}

// projection writes `{ fields }` as the function x => x { fields }.
func (w *cursorWriter) projection(op *setOp) {
	e := w.environment(op.source)
	for _, f := range op.proj {
		e.variables(f.Value, op.frame.get)
		e.arguments(f.Value)
	}
	span := syntax.Span{Start: op.proj[0].Span().Start, End: op.proj[len(op.proj)-1].Span().End}
	text, e := e.withValues(w.ev, op.source, span.Start, sourceOf(op.source, span))
	x := unusedName(text, "x")
	w.function(op.source, x+" => "+x+" { "+text+" }", e)
}

func (w *cursorWriter) function(source schema.Source, text string, e environment) {
	w.b = append(w.b, cursorLambda)
	w.bool(isCallers(source))
	w.text(text)
	w.int(int64(len(e.names)))
	for i, name := range e.names {
		w.text(name)
		w.value(e.values[i])
	}
}

func sourceOf(src schema.Source, s syntax.Span) string { return src.Text[s.Start:s.End] }

// environment is the variables that a piece of source text uses from outside itself.
type environment struct {
	names  []string
	values []value.Value
	args   []value.Field
}

// environment makes one for text of source: arguments are names of the query's own text.
func (w *cursorWriter) environment(source schema.Source) environment {
	if source.Name != queryName {
		return environment{}
	}
	return environment{args: w.ev.args}
}

func (e *environment) add(name string, v value.Value) {
	if v == nil || slices.Contains(e.names, name) {
		return
	}
	e.names, e.values = append(e.names, name), append(e.values, v)
}

// variables adds the variables of x, which is evaluated in a frame that get looks into.
func (e *environment) variables(x syntax.Node, get func(syntax.Slot) value.Value) {
	syntax.Walk(x, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.NameExpr:
			if n.Slot.Kind != syntax.Global {
				e.add(n.Name, get(n.Slot))
			}
		case *syntax.LambdaExpr:
			for i, name := range capturedNames(n) {
				e.add(name, get(n.Captures[i]))
			}
			return false
		}
		return true
	})
}

// arguments adds the arguments of the request that x mentions.
func (e *environment) arguments(x syntax.Node) {
	if len(e.args) == 0 {
		return
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		if name, ok := n.(*syntax.NameExpr); ok && name.Slot.Kind == syntax.Global {
			for _, arg := range e.args {
				if arg.Name == name.Name {
					e.add(arg.Name, arg.Value)
				}
			}
		}
		return true
	})
}

// withValues replaces the values of the query's template in text, which stands at start of
// src, by variables.
func (e environment) withValues(ev *evaluator, src schema.Source, start int, text string) (string, environment) {
	if !strings.Contains(text, "\x00") {
		return text, e
	}
	first := strings.Count(src.Text[:start], "\x00")
	prefix := unusedName(text, "value")
	parts := strings.Split(text, "\x00")
	var b strings.Builder
	for i, part := range parts {
		b.WriteString(part)
		if i < len(parts)-1 {
			name := prefix + strconv.Itoa(i)
			b.WriteString(name)
			e.add(name, ev.values[first+i])
		}
	}
	return b.String(), e
}

// unusedName returns a name that begins like name and does not occur in text.
func unusedName(text, name string) string {
	for strings.Contains(text, name) {
		name += "_"
	}
	return name
}

// capturedNames returns the names of the variables that l captures, in the order of Captures.
func capturedNames(l *syntax.LambdaExpr) []string {
	names := make([]string, len(l.Captures))
	syntax.Walk(l.Body, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.NameExpr:
			if n.Slot.Kind == syntax.Captured {
				names[n.Slot.Index] = n.Name
			}
		case *syntax.LambdaExpr:
			for i, name := range capturedNames(n) {
				if slot := n.Captures[i]; slot.Kind == syntax.Captured {
					names[slot.Index] = name
				}
			}
			return false
		}
		return true
	})
	return names
}
