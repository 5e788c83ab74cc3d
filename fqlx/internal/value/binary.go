package value

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"
)

// MaxStoredDepth is how deep arrays and objects may nest in a stored value. Clients can
// send less ([MaxDepth]), but a query can build more.
const MaxStoredDepth = 1000

// The first byte of a value at rest. The numbers are on disk: never change them.
const (
	binNull = iota + 1
	binFalse
	binTrue
	binInteger         // varint
	binDouble          // 8 bytes, big endian
	binString          // length, bytes
	binBytes           // length, bytes
	binArray           // count, values
	binObject          // count, (length, name, value)…
	binID              // varint
	binRef             // collection, id as varint, length, name
	binTime            // seconds as varint, nanoseconds
	binTransactionTime // nothing
	binDate            // varint
	binUUID            // 16 bytes
)

// Storable reports whether [AppendBinary] takes v: everything but values of [KindOther] and
// of the wire, nested no deeper than [MaxStoredDepth].
func Storable(v Value) bool { return storable(v, MaxStoredDepth) }

func storable(v Value, depth int) bool {
	switch v := v.(type) {
	case Array:
		return depth > 0 && !slices.ContainsFunc(v, func(e Value) bool { return !storable(e, depth-1) })
	case *Object:
		return depth > 0 && !slices.ContainsFunc(v.Fields(), func(f Field) bool { return !storable(f.Value, depth-1) })
	case Reference, *Document:
		return false
	}
	return v.Kind() != KindOther
}

// AppendBinary appends v in the form for documents at rest. Object fields keep their order.
// Not kept are the Cause of a Null and which of Int and Long an integer was: it reads back
// as [Integer] types it. It panics unless v is [Storable], except that it does not look
// at the depth.
func AppendBinary(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case Null:
		return append(dst, binNull)
	case Bool:
		if v {
			return append(dst, binTrue)
		}
		return append(dst, binFalse)
	case Int:
		return binary.AppendVarint(append(dst, binInteger), int64(v))
	case Long:
		return binary.AppendVarint(append(dst, binInteger), int64(v))
	case Double:
		return binary.BigEndian.AppendUint64(append(dst, binDouble), math.Float64bits(float64(v)))
	case String:
		return appendText(append(dst, binString), string(v))
	case Bytes:
		return append(binary.AppendUvarint(append(dst, binBytes), uint64(len(v))), v...)
	case Array:
		dst = binary.AppendUvarint(append(dst, binArray), uint64(len(v)))
		for _, e := range v {
			dst = AppendBinary(dst, e)
		}
		return dst
	case *Object:
		dst = binary.AppendUvarint(append(dst, binObject), uint64(v.Len()))
		for _, f := range v.Fields() {
			dst = AppendBinary(appendText(dst, f.Name), f.Value)
		}
		return dst
	}
	return appendRareBinary(dst, v)
}

func appendRareBinary(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case ID:
		return binary.AppendVarint(append(dst, binID), int64(v))
	case Ref:
		dst = binary.AppendUvarint(append(dst, binRef), uint64(v.Coll))
		return appendText(binary.AppendVarint(dst, int64(v.ID)), v.Name)
	case Time:
		dst = binary.AppendVarint(append(dst, binTime), v.t.Unix())
		return binary.AppendUvarint(dst, uint64(v.t.Nanosecond()))
	case TransactionTime:
		return append(dst, binTransactionTime)
	case Date:
		return binary.AppendVarint(append(dst, binDate), int64(v))
	case UUID:
		return append(append(dst, binUUID), v[:]...)
	}
	panic(fmt.Sprintf("value: %T cannot be stored", v))
}

func appendText(dst []byte, s string) []byte {
	return append(binary.AppendUvarint(dst, uint64(len(s))), s...)
}

var errCorrupt = errors.New("stored value is corrupt")

// DecodeBinary reads one value that [AppendBinary] wrote, with nothing behind it. The value
// shares no memory with b. Anything else is an error, found without a panic and without
// allocating more than a small multiple of len(b).
func DecodeBinary(b []byte) (Value, error) {
	d := binaryReader{b: b}
	v := d.value()
	if d.bad || len(d.b) > 0 {
		return nil, errCorrupt
	}
	return v, nil
}

// binaryReader takes a value from the front of b. After a mistake bad is set and b empty;
// what is returned from then on means nothing.
type binaryReader struct {
	b     []byte
	depth int
	bad   bool
}

func (d *binaryReader) fail() {
	d.b, d.bad = nil, true
}

func (d *binaryReader) value() Value {
	tag := d.take(1)
	if d.bad {
		return nil
	}
	switch tag[0] {
	case binNull:
		return Null{}
	case binFalse:
		return Bool(false)
	case binTrue:
		return Bool(true)
	case binInteger:
		return Integer(d.varint())
	case binDouble:
		if b := d.take(8); !d.bad {
			return Double(math.Float64frombits(binary.BigEndian.Uint64(b)))
		}
	case binString:
		return String(d.text())
	case binBytes:
		return Bytes(bytes.Clone(d.take(int(d.uvarint(uint64(len(d.b)))))))
	case binArray:
		return d.array()
	case binObject:
		return d.object()
	default:
		return d.rare(tag[0])
	}
	return nil
}

func (d *binaryReader) rare(tag byte) Value {
	switch tag {
	case binID:
		return ID(d.varint())
	case binRef:
		coll, id := d.uvarint(math.MaxUint32), ID(d.varint())
		return Ref{CollID(coll), id, d.text()}
	case binTime:
		sec, ns := d.varint(), d.uvarint(999_999_999)
		return NewTime(time.Unix(sec, int64(ns)))
	case binTransactionTime:
		return TransactionTime{}
	case binDate:
		return Date(d.varint())
	case binUUID:
		if b := d.take(16); !d.bad {
			return UUID(b)
		}
	}
	d.fail()
	return nil
}

// A count in corrupt bytes may claim more elements than follow. Nested claims would add up
// to the square of the input, so what is reserved ahead is small.
const maxReserve = 256

func (d *binaryReader) array() Value {
	n := d.enter()
	out := make(Array, 0, min(n, maxReserve))
	for i := 0; i < n && !d.bad; i++ {
		out = append(out, d.value())
	}
	d.depth--
	return out
}

func (d *binaryReader) object() Value {
	n := d.enter()
	fields := make([]Field, 0, min(n, maxReserve))
	for i := 0; i < n && !d.bad; i++ {
		name := d.text()
		fields = append(fields, Field{name, d.value()})
	}
	d.depth--
	return &Object{fields}
}

// enter begins an array or object and returns its count, at most the number of bytes left.
func (d *binaryReader) enter() int {
	if d.depth++; d.depth > MaxStoredDepth {
		d.fail()
	}
	return int(d.uvarint(uint64(len(d.b))))
}

func (d *binaryReader) text() string {
	n := d.uvarint(uint64(len(d.b)))
	return string(d.take(int(n)))
}

func (d *binaryReader) take(n int) []byte {
	if n > len(d.b) {
		d.fail()
		return nil
	}
	out := d.b[:n]
	d.b = d.b[n:]
	return out
}

func (d *binaryReader) varint() int64 {
	v, n := binary.Varint(d.b)
	if n <= 0 {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}

func (d *binaryReader) uvarint(limit uint64) uint64 {
	v, n := binary.Uvarint(d.b)
	if n <= 0 || v > limit {
		d.fail()
		return 0
	}
	d.b = d.b[n:]
	return v
}
