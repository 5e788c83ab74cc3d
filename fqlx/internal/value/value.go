package value

import (
	"math"
	"time"
)

// Kind says what a [Value] is. The constants stand in Fauna's total order
// (Fauna: FQL2ComparisonSpec): every value of an earlier kind sorts before every
// value of a later one. The three number kinds compare with each other by size.
type Kind uint8

const (
	KindInt Kind = iota
	KindLong
	KindDouble
	KindBytes
	KindString
	KindArray
	KindObject
	KindID
	KindRef
	KindTime
	KindTransactionTime
	KindDate
	KindUUID
	KindBool
	KindOther // functions, sets, modules: never stored, no order among themselves
	KindNull
)

// Value is an FQL value. Values are immutable: whoever holds one may share it.
//
// The kinds that can be stored in a document are defined in this package. The
// evaluator adds its own (functions, sets), all of [KindOther].
type Value interface{ Kind() Kind }

type (
	// Int is a 32-bit integer, Long a 64-bit one; only their wire tags differ.
	Int    int32
	Long   int64
	Double float64
	Bytes  []byte
	String string
	Array  []Value
	// ID is a document id, 0 … 2⁶³−1. It equals the same digits as String or number.
	ID int64
	// Ref names a document by the numbers of its collection and itself. Whether the
	// document exists is not part of the value. A document of a named collection
	// (Collection, Function, Role) has ID 0 and a Name.
	Ref struct {
		Coll CollID
		ID   ID
		Name string
	}
	// CollID is the number of a collection, never used twice in one database.
	CollID uint32
	// TransactionTime stands for the commit time of the running query; reading it
	// back from a stored document gives a Time.
	TransactionTime struct{}
	// Date is a number of days since 1970-01-01.
	Date int64
	UUID [16]byte
	Bool bool
	// Null is the absent value. Cause says where it came from ("missing field `f`",
	// "empty set"; empty for a literal) and takes no part in comparisons.
	Null struct{ Cause string }
	// Module is a name of the global namespace used as a value: a collection or a
	// built-in module such as Math. On the wire {"@mod":"Math"}.
	Module string
)

// Time is an instant with nanoseconds, in UTC.
type Time struct{ t time.Time }

// NewTime makes a Time of t's instant.
func NewTime(t time.Time) Time { return Time{t.UTC().Round(0)} }

// TimeOfMicros makes a Time of microseconds since the Unix epoch, the unit of commit times.
func TimeOfMicros(us int64) Time { return Time{time.UnixMicro(us).UTC()} }

// Std returns t for the standard library.
func (t Time) Std() time.Time { return t.t }

// Micros returns whole microseconds since the Unix epoch, rounded down. A time beyond what
// 64 bits hold (some 290 000 years away) gives the nearest there is, never a wrapped one.
func (t Time) Micros() int64 {
	sec := t.t.Unix()
	switch {
	case sec >= math.MaxInt64/1_000_000:
		return math.MaxInt64
	case sec <= math.MinInt64/1_000_000:
		return math.MinInt64
	}
	return sec*1e6 + int64(t.t.Nanosecond())/1e3
}

func (Int) Kind() Kind             { return KindInt }
func (Long) Kind() Kind            { return KindLong }
func (Double) Kind() Kind          { return KindDouble }
func (Bytes) Kind() Kind           { return KindBytes }
func (String) Kind() Kind          { return KindString }
func (Array) Kind() Kind           { return KindArray }
func (*Object) Kind() Kind         { return KindObject }
func (ID) Kind() Kind              { return KindID }
func (Ref) Kind() Kind             { return KindRef }
func (Time) Kind() Kind            { return KindTime }
func (TransactionTime) Kind() Kind { return KindTransactionTime }
func (Date) Kind() Kind            { return KindDate }
func (UUID) Kind() Kind            { return KindUUID }
func (Bool) Kind() Kind            { return KindBool }
func (Null) Kind() Kind            { return KindNull }
func (Module) Kind() Kind          { return KindOther }

// Integer returns n as Int if it fits 32 bits, else as Long: how Fauna types an
// integer literal or a number read back from a document.
func Integer(n int64) Value {
	if n == int64(int32(n)) {
		return Int(n)
	}
	return Long(n)
}

// AsInt64 returns the integer that v is, if it is an Int or a Long.
func AsInt64(v Value) (int64, bool) {
	switch v := v.(type) {
	case Int:
		return int64(v), true
	case Long:
		return int64(v), true
	}
	return 0, false
}

// AsFloat returns the number that v is, of any of the three number kinds.
func AsFloat(v Value) (float64, bool) {
	switch v := v.(type) {
	case Int:
		return float64(v), true
	case Long:
		return float64(v), true
	case Double:
		return float64(v), true
	}
	return math.NaN(), false
}

// IsNull reports whether v is the plain null. A reference to a missing document is
// another thing, which only the evaluator can tell.
func IsNull(v Value) bool {
	_, ok := v.(Null)
	return ok
}

// Field is one named value of an [Object].
type Field struct {
	Name  string
	Value Value
}

// Object is a list of named values in the order they were given, names unique.
// The zero Object is empty. A nil *Object reads as empty.
type Object struct{ fields []Field }

// NewObject makes an Object of fields, which it keeps. Where a name occurs twice the
// later value takes the earlier place.
func NewObject(fields ...Field) *Object {
	if len(fields) > 16 {
		return newLargeObject(fields)
	}
	out := fields[:0]
next:
	for _, f := range fields {
		for i := range out {
			if out[i].Name == f.Name {
				out[i].Value = f.Value
				continue next
			}
		}
		out = append(out, f)
	}
	return &Object{out}
}

func newLargeObject(fields []Field) *Object {
	at := make(map[string]int, len(fields)) // name → index in out
	out := fields[:0]
	for _, f := range fields {
		if i, ok := at[f.Name]; ok {
			out[i].Value = f.Value
			continue
		}
		at[f.Name] = len(out)
		out = append(out, f)
	}
	return &Object{out}
}

// Len returns the number of fields.
func (o *Object) Len() int {
	if o == nil {
		return 0
	}
	return len(o.fields)
}

// Fields returns the fields in order. The caller must not change them.
func (o *Object) Fields() []Field {
	if o == nil {
		return nil
	}
	return o.fields
}

// Get returns the value called name.
func (o *Object) Get(name string) (Value, bool) {
	for _, f := range o.Fields() {
		if f.Name == name {
			return f.Value, true
		}
	}
	return nil, false
}

// With returns o with name set to v: in its place if it is there, else at the end.
func (o *Object) With(name string, v Value) *Object {
	out := append(make([]Field, 0, o.Len()+1), o.Fields()...)
	for i := range out {
		if out[i].Name == name {
			out[i].Value = v
			return &Object{out}
		}
	}
	return &Object{append(out, Field{name, v})}
}

// Map returns o with what f makes of the value of each field, and without the fields that f does
// not keep. It is o itself if f hands back just what it got, see [Identical].
func (o *Object) Map(f func(Field) (v Value, keep bool)) *Object {
	var out []Field
	for i, field := range o.Fields() {
		v, keep := f(field)
		if out == nil && !(keep && Identical(field.Value, v)) {
			out = append(make([]Field, 0, o.Len()), o.fields[:i]...)
		}
		if out != nil && keep {
			out = append(out, Field{field.Name, v})
		}
	}
	if out == nil {
		return o
	}
	return &Object{out}
}

// Identical reports whether a and b are one and the same: of arrays, objects and bytes that they share
// their memory, of others that they are equal. It panics on values that Go cannot compare.
func Identical(a, b Value) bool {
	switch a := a.(type) {
	case *Object:
		b, ok := b.(*Object)
		return ok && a == b
	case Array:
		b, ok := b.(Array)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	case Bytes:
		b, ok := b.(Bytes)
		return ok && len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
	}
	return a == b
}
