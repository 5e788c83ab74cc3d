package value

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"
)

// FuzzWire: decoding never panics, accepts nothing but JSON, and what it accepts survives
// being encoded and decoded.
func FuzzWire(f *testing.F) {
	for _, seed := range []string{
		queryBody, `null`, `[1,2.5,-0.0,1e5,9223372036854775808]`, `"\ud83d\ude00\u0000"`,
		`{"@int":"1"}`, `{"@long":"9223372036854775807"}`, `{"@double":"NaN"}`, `{"@double":"4.9E-324"}`,
		`{"@time":"2024-01-02T03:04:05.000001+01:00"}`, `{"@date":"-0001-02-03"}`, `{"@bytes":"YQ=="}`, `{"@mod":"X"}`,
		`{"@object":{"@int":"1","a":[{}]}}`, `{"@ref":{"id":"1","coll":{"@mod":"C"}}}`, `{"@doc":"C:1"}`, `{"@doc":"A:b"}`,
		`{"@int":"1","a":2}`, `{"a":1,"a":2}`, `[[[[[[]]]]]]`, "\"\xff\"",
	} {
		f.Add([]byte(seed), true)
		f.Add([]byte(seed), false)
	}
	f.Fuzz(func(t *testing.T, data []byte, tagged bool) {
		format := Simple
		if tagged {
			format = Tagged
		}
		v, err := DecodeJSON(data, format)
		if err != nil {
			if v != nil {
				t.Fatal("both a value and an error")
			}
			return
		}
		if !json.Valid(data) {
			t.Fatalf("accepted, but not JSON: %q", data)
		}
		text := AppendJSON(nil, v, format)
		if !json.Valid(text) {
			t.Fatalf("encoded as %q", text)
		}
		again, err := DecodeJSON(text, format)
		if err != nil && err.Error() == "JSON exceeds nesting limit" {
			return // "C:1" is written as an object, so a value may grow deeper
		}
		if err != nil || !same(v, again) {
			t.Fatalf("%q: encoded as %q, which reads as %v, %v", data, text, again, err)
		}
	})
}

// FuzzKey: the bytes of keys order as the values do.
func FuzzKey(f *testing.F) {
	add := func(a, b Value) {
		data := AppendBinary(nil, a)
		f.Add(append(data, AppendBinary(nil, b)...))
	}
	for i := 1; i < len(ascending); i++ {
		add(ascending[i-1], ascending[i])
	}
	f.Add([]byte("any bytes at all make two values"))
	f.Fuzz(func(t *testing.T, data []byte) {
		src := byteSource(data)
		checkKeys(t, src.value(8), src.value(8))
	})
}

// FuzzBinary: decoding never panics, and what it accepts survives.
func FuzzBinary(f *testing.F) {
	for _, v := range ascending {
		f.Add(AppendBinary(nil, v))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		v, err := DecodeBinary(data)
		if err != nil {
			return
		}
		if !Storable(v) {
			t.Fatalf("%x reads as something that cannot be stored", data)
		}
		text := AppendBinary(nil, v)
		if again, err := DecodeBinary(text); err != nil || !bytes.Equal(AppendBinary(nil, again), text) {
			t.Fatalf("%x: stored as %x, which reads as %v, %v", data, text, again, err)
		}
	})
}

// byteSource makes values of any bytes, those of AppendBinary making roughly the value
// they stand for.
type byteSource []byte

func (s *byteSource) next(n int) []byte {
	out := make([]byte, n)
	*s = (*s)[copy(out, *s):]
	return out
}

func (s *byteSource) int() int64 {
	n, size := binary.Varint(*s)
	if size <= 0 {
		return int64(binary.BigEndian.Uint64(s.next(8)))
	}
	s.next(size)
	return n
}

func (s *byteSource) text() string { return string(s.next(int(s.next(1)[0] % 8))) }

func (s *byteSource) value(depth int) Value {
	tag := s.next(1)[0] % (binUUID + 1)
	if depth == 0 && (tag == binArray || tag == binObject) {
		tag = binNull
	}
	switch tag {
	case binFalse, binTrue:
		return Bool(tag == binTrue)
	case binInteger:
		return Integer(s.int())
	case 0:
		return Long(s.int())
	case binDouble:
		return Double(math.Float64frombits(binary.BigEndian.Uint64(s.next(8))))
	case binTransactionTime: // has no key
		return Double(float64(s.int()))
	case binString:
		return String(s.text())
	case binBytes:
		return Bytes(s.text())
	case binArray:
		out := make(Array, s.next(1)[0]%4)
		for i := range out {
			out[i] = s.value(depth - 1)
		}
		return out
	case binObject:
		fields := make([]Field, s.next(1)[0]%4)
		for i := range fields {
			fields[i] = Field{s.text(), s.value(depth - 1)}
		}
		return NewObject(fields...)
	case binID:
		return ID(s.int())
	case binRef:
		return Ref{CollID(s.int()), ID(s.int()), s.text()}
	case binTime:
		return NewTime(time.Unix(s.int()>>10, s.int()%1e9))
	case binDate:
		return Date(s.int())
	case binUUID:
		return UUID(s.next(16))
	}
	return Null{}
}
