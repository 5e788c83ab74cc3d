package value

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
)

// The first byte of a key says its kind. The numbers are on disk: never change them. They
// stand in the total order; the end of an array lies below all of them.
const (
	keyEnd    = 0x00
	keyNumber = 0x10
	keyBytes  = 0x20
	keyString = 0x30
	keyArray  = 0x40
	keyObject = 0x50
	keyID     = 0x60
	keyRef    = 0x70
	keyTime   = 0x80
	keyDate   = 0xA0
	keyUUID   = 0xB0
	keyBool   = 0xC0
	keyNull   = 0xF0
)

// AppendKey appends a key of v to dst. Keys compare, as bytes, as [Compare] compares their
// values; with desc in the opposite order. Numbers of different kinds but equal size have
// one key. No key is a prefix of another, so keys of several values may be joined and the
// result orders by the first value, then the second.
//
// It panics on what cannot be in an index: the TransactionTime placeholder, values of
// [KindOther] and those of the wire.
func AppendKey(dst []byte, v Value, desc bool) []byte {
	start := len(dst)
	dst = appendKey(dst, v)
	if desc {
		for i := start; i < len(dst); i++ {
			dst[i] = ^dst[i]
		}
	}
	return dst
}

func appendKey(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case Int, Long, Double:
		return appendNumberKey(append(dst, keyNumber), v)
	case Bytes:
		return appendBytesKey(append(dst, keyBytes), v)
	case String:
		return appendStringKey(append(dst, keyString), string(v))
	case Array:
		dst = append(dst, keyArray)
		for _, e := range v {
			dst = appendKey(dst, e)
		}
		return append(dst, keyEnd)
	case *Object:
		return appendObjectKey(append(dst, keyObject), v)
	case ID:
		return appendSignedKey(append(dst, keyID), int64(v))
	case Ref:
		dst = binary.BigEndian.AppendUint32(append(dst, keyRef), uint32(v.Coll))
		return appendStringKey(appendSignedKey(dst, int64(v.ID)), v.Name)
	case Time:
		dst = appendSignedKey(append(dst, keyTime), v.t.Unix())
		return binary.BigEndian.AppendUint32(dst, uint32(v.t.Nanosecond()))
	case Date:
		return appendSignedKey(append(dst, keyDate), int64(v))
	case UUID:
		return append(append(dst, keyUUID), v[:]...)
	case Bool:
		if v {
			return append(dst, keyBool, 1)
		}
		return append(dst, keyBool, 0)
	case Null:
		return append(dst, keyNull)
	}
	panic(fmt.Sprintf("value: no key for %T", v))
}

// appendNumberKey writes what [numberOrder] returns. The low half follows only where it
// can be other than zero, which the high half alone decides.
func appendNumberKey(dst []byte, v Value) []byte {
	high, low := numberOrder(v)
	dst = binary.BigEndian.AppendUint64(dst, high)
	if high >= doubleOrder(1<<53) || high <= doubleOrder(-1<<53) {
		dst = binary.BigEndian.AppendUint16(dst, low)
	}
	return dst
}

// appendSignedKey flips the sign bit, so that negative numbers come first.
func appendSignedKey(dst []byte, n int64) []byte {
	return binary.BigEndian.AppendUint64(dst, uint64(n)^1<<63)
}

// appendStringKey ends s with 00 01 and writes each 00 in it as 00 FF: the end lies below
// every continuation.
func appendStringKey(dst []byte, s string) []byte {
	for {
		i := strings.IndexByte(s, 0)
		if i < 0 {
			return append(append(dst, s...), 0x00, 0x01)
		}
		dst = append(append(dst, s[:i]...), 0x00, 0xFF)
		s = s[i+1:]
	}
}

func appendBytesKey(dst, b []byte) []byte {
	for {
		i := bytes.IndexByte(b, 0)
		if i < 0 {
			return append(append(dst, b...), 0x00, 0x01)
		}
		dst = append(append(dst, b[:i]...), 0x00, 0xFF)
		b = b[i+1:]
	}
}

// appendObjectKey writes the fields sorted by name, then 00 00: below any name.
func appendObjectKey(dst []byte, o *Object) []byte {
	for _, f := range sortedFields(o) {
		dst = appendKey(appendStringKey(dst, f.Name), f.Value)
	}
	return append(dst, keyEnd, keyEnd)
}
