package eval

import (
	"encoding/binary"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// cursorReader takes a cursor apart. Its contents are authentic, but may be of a schema that
// has changed since; then bad is set, or err.
type cursorReader struct {
	ev  *evaluator
	b   []byte
	bad bool
	err error
}

func (r *cursorReader) fail() { r.b, r.bad = nil, true }

func (r *cursorReader) int() int64 {
	n, size := binary.Varint(r.b)
	if size <= 0 {
		r.fail()
		return 0
	}
	r.b = r.b[size:]
	return n
}

func (r *cursorReader) bytes() []byte {
	n, size := binary.Uvarint(r.b)
	if size <= 0 || n > uint64(len(r.b)-size) {
		r.fail()
		return nil
	}
	out := r.b[size : size+int(n)]
	r.b = r.b[size+int(n):]
	return out
}

func (r *cursorReader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

func (r *cursorReader) bool() bool   { return r.byte() == 1 }
func (r *cursorReader) text() string { return string(r.bytes()) }

func (r *cursorReader) optional() []byte {
	there, p := r.bool(), r.bytes()
	if !there {
		return nil
	}
	return append([]byte{}, p...)
}

// count reads a number of things that each take at least a byte.
func (r *cursorReader) count() int {
	n := r.int()
	if n < 0 || n > int64(len(r.b)) {
		r.fail()
		return 0
	}
	return int(n)
}

func (r *cursorReader) set(depth int) *set {
	if depth > maxSetDepth {
		r.fail()
		return nil
	}
	s := &set{at: r.int(), size: int(r.int()), depth: int(r.int())}
	s.source = r.source(depth)
	for range r.count() {
		s.ops = append(s.ops, r.op(depth))
	}
	s.start.key = r.optional()
	s.start.skip = int(r.int())
	for range r.count() {
		s.start.seen = append(s.start.seen, int(r.int()))
	}
	return s
}

func (r *cursorReader) source(depth int) source {
	switch r.byte() {
	case cursorDocs:
		s := &docScan{coll: value.CollID(r.int()), lo: value.ID(r.int()), hi: value.ID(r.int()), backward: r.bool()}
		if r.ev.resource(s.coll) == "" {
			r.fail()
		}
		return s
	case cursorIndex:
		s := &indexScan{coll: value.CollID(r.int()), index: uint32(r.int()), prefix: r.bytes(), lo: r.optional(), hi: r.optional(), backward: r.bool()}
		r.checkIndex(s)
		return s
	case cursorSequence:
		return &sequence{r.int(), r.int(), r.bool()}
	case cursorItems:
		values, _ := r.value(depth).(value.Array)
		return &items{values, r.bool()}
	case cursorConcat:
		return &concatenation{r.set(depth + 1), r.set(depth + 1), r.bool()}
	}
	r.fail()
	return nil
}

// checkIndex asks again what the index call asked.
func (r *cursorReader) checkIndex(s *indexScan) {
	if s.index == 0 || r.bad {
		return
	}
	coll := r.ev.schema.CollectionByID(s.coll)
	if coll == nil || !slices.ContainsFunc(coll.Storage, func(i *schema.Index) bool { return i.ID == s.index }) {
		r.fail()
		return
	}
	if !r.ev.mayReadSome(s.coll) {
		r.err = errReadCollection(coll.Name)
	}
}

func (r *cursorReader) op(depth int) setOp {
	op := setOp{kind: opKind(r.byte()), n: int(r.int())}
	for range r.count() {
		op.keys = append(op.keys, orderKey{r.value(depth), r.bool()})
	}
	op.fn = r.value(depth)
	return op
}

func (r *cursorReader) value(depth int) value.Value {
	if depth > value.MaxStoredDepth {
		r.fail()
	}
	switch r.byte() {
	case cursorStored:
		v, err := value.DecodeBinary(r.bytes())
		if err == nil {
			return v
		}
	case cursorArray:
		out := value.Array{}
		for range r.count() {
			out = append(out, r.value(depth+1))
		}
		return out
	case cursorObject:
		var fields []value.Field
		for range r.count() {
			fields = append(fields, value.Field{Name: r.text(), Value: r.value(depth + 1)})
		}
		return value.NewObject(fields...)
	case cursorSet:
		return r.set(depth + 1)
	case cursorLambda:
		return r.lambda(depth)
	case cursorFunction:
		callers, f := r.bool(), r.ev.schema.Function(r.text())
		switch {
		case f == nil:
		case callers:
			return callersFunction{userFunction{f}}
		default:
			return userFunction{f}
		}
	case cursorGlobal:
		if f := globals[r.text()]; f != nil {
			return f
		}
	case cursorModule:
		return value.Module(r.text())
	}
	r.fail()
	return null
}

// lambda makes a function of its text. The text becomes an argument in the body of a function
// whose parameters are the variables: that binds the names as they were bound.
func (r *cursorReader) lambda(depth int) value.Value {
	source := schema.Source{Name: cursorName}
	if r.bool() {
		source.Name = queryCursorName
	}
	text := r.text()
	var names []string
	var values []value.Value
	for range r.count() {
		names, values = append(names, r.text()), append(values, r.value(depth+1))
	}
	if r.bad || r.err != nil {
		return null
	}
	text = "(" + strings.Join(names, ", ") + ") => [].map(" + text + ")"
	outer, errs := syntax.ParseLambda(text)
	if len(errs) > 0 || resolve.Lambda(outer) != nil {
		r.fail()
		return null
	}
	call, _ := outer.Body.(*syntax.CallExpr)
	if call == nil || len(call.Args) != 1 {
		r.fail()
		return null
	}
	inner, ok := call.Args[0].(*syntax.LambdaExpr)
	if !ok {
		r.fail()
		return null
	}
	source.Text = text
	l := &lambda{expr: inner, source: source}
	for _, slot := range inner.Captures {
		l.captured = append(l.captured, values[slot.Index])
	}
	return l
}
