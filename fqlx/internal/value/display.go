package value

import (
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"
)

// Display is the text of v for toString() and for the right operand of String + v. At the
// top strings are bare, a whole Double has no fraction and a Time is ISO; inside arrays and
// objects they are literals that FQL would read: [1, "a"], { a: 2.0 }, Time("…").
//
// Values of the evaluator show themselves through [fmt.Stringer]; documents are its to
// write out, a bare reference shows as [doc 1 in C].
func Display(v Value) string {
	switch v := v.(type) {
	case String:
		return string(v)
	case Double:
		if f := float64(v); f == math.Trunc(f) && !math.IsInf(f, 0) {
			return strconv.FormatFloat(f, 'f', -1, 64)
		}
	case ID:
		return strconv.FormatInt(int64(v), 10)
	case Bytes:
		return base64.StdEncoding.EncodeToString(v)
	case Time:
		return FormatTime(v)
	case Date:
		return FormatDate(v)
	case UUID:
		return string(appendUUID(nil, v))
	case TransactionTime:
		return "[transaction time]"
	}
	return string(appendLiteral(nil, v))
}

// appendLiteral is the form inside arrays and objects (Fauna: ToString.toDebugString).
func appendLiteral(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case Int:
		return strconv.AppendInt(dst, int64(v), 10)
	case Long:
		return strconv.AppendInt(dst, int64(v), 10)
	case Double:
		return appendDouble(dst, float64(v))
	case String:
		return appendQuoted(dst, string(v))
	case Bool:
		return strconv.AppendBool(dst, bool(v))
	case Null:
		return append(dst, "null"...)
	case ID, Bytes, Time, Date, UUID:
		return fmt.Appendf(dst, `%s("%s")`, TypeName(v), Display(v))
	case TransactionTime:
		return append(dst, "TransactionTime()"...)
	case Array:
		return appendArrayLiteral(dst, v)
	case *Object:
		return appendObjectLiteral(dst, v)
	}
	return appendRareLiteral(dst, v)
}

func appendRareLiteral(dst []byte, v Value) []byte {
	switch v := v.(type) {
	case Module:
		return append(dst, v...)
	case Ref:
		return fmt.Appendf(dst, "[doc %s%s in #%d]", nameOrID(v), v.Name, v.Coll)
	case Reference:
		return fmt.Appendf(dst, "[doc %s%s in %s]", v.ID, v.Name, v.Coll)
	case *Document:
		return fmt.Appendf(dst, "[doc %s%s in %s]", v.ID, v.Name, v.Coll)
	case *Page:
		return append(dst, "[set]"...)
	case fmt.Stringer:
		return append(dst, v.String()...)
	}
	return append(dst, TypeName(v)...)
}

// nameOrID returns r's id as digits, or nothing if it has a name instead.
func nameOrID(r Ref) string {
	if r.Name != "" {
		return ""
	}
	return strconv.FormatInt(int64(r.ID), 10)
}

func appendArrayLiteral(dst []byte, a Array) []byte {
	dst = append(dst, '[')
	for i, e := range a {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = appendLiteral(dst, e)
	}
	return append(dst, ']')
}

func appendObjectLiteral(dst []byte, o *Object) []byte {
	if o.Len() == 0 {
		return append(dst, "{}"...)
	}
	sep := "{ "
	for _, f := range o.Fields() {
		dst = append(dst, sep...)
		if isIdentifier(f.Name) {
			dst = append(dst, f.Name...)
		} else {
			dst = appendQuoted(dst, f.Name)
		}
		dst = appendLiteral(append(dst, ": "...), f.Value)
		sep = ", "
	}
	return append(dst, " }"...)
}

func isIdentifier(name string) bool {
	for i, r := range name {
		if !unicode.IsLetter(r) && (i == 0 || r != '_' && !unicode.IsDigit(r)) {
			return false
		}
	}
	return name != ""
}

var quoteEscapes = strings.NewReplacer(
	`\`, `\\`, "\x00", `\0`, `'`, `\'`, `"`, `\"`, "`", "\\`", "#", `\#`,
	"\n", `\n`, "\r", `\r`, "\v", `\v`, "\t", `\t`, "\b", `\b`, "\f", `\f`)

func appendQuoted(dst []byte, s string) []byte {
	dst = append(dst, '"')
	dst = append(dst, quoteEscapes.Replace(s)...)
	return append(dst, '"')
}

func appendUUID(dst []byte, u UUID) []byte {
	for i, part := range [][]byte{u[:4], u[4:6], u[6:8], u[8:10], u[10:]} {
		if i > 0 {
			dst = append(dst, '-')
		}
		dst = hex.AppendEncode(dst, part)
	}
	return dst
}

// TypeName names v's type for error messages. A module is its own type; documents and
// references are Doc, which the evaluator may know better. The evaluator's values name
// theirs with a method TypeName() string.
func TypeName(v Value) string {
	switch v := v.(type) {
	case Module:
		return string(v)
	case *Page:
		return "Set"
	case interface{ TypeName() string }:
		return v.TypeName()
	}
	return typeNames[v.Kind()]
}

var typeNames = [...]string{
	KindInt:             "Int",
	KindLong:            "Long",
	KindDouble:          "Double",
	KindBytes:           "Bytes",
	KindString:          "String",
	KindArray:           "Array",
	KindObject:          "Object",
	KindID:              "ID",
	KindRef:             "Doc",
	KindTime:            "Time",
	KindTransactionTime: "TransactionTime",
	KindDate:            "Date",
	KindUUID:            "UUID",
	KindBool:            "Boolean",
	KindOther:           "Any",
	KindNull:            "Null",
}
