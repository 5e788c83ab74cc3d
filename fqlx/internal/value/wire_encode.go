package value

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
	"unicode/utf8"
)

// AppendJSON appends v in a wire format. The output is valid JSON and valid UTF-8 whatever
// v is. Numbers are written as Java does (1.0, 1.0E10); what JSON has no number for is a
// string in the simple format: NaN, Infinity, -Infinity. Functions and other values of the
// evaluator are the string that [Display] gives, in both formats, as in Fauna.
//
// Two values are the evaluator's to replace beforehand, as only it knows what for: a [Ref]
// by a [Document] or [Reference], and [TransactionTime] by the commit time. Should one get
// here it is a bug, written as a reference into the collection "#<number>" and as the
// string "[transaction time]" under @time, which no client reads as something else.
func AppendJSON(dst []byte, v Value, f Format) []byte {
	switch v := v.(type) {
	case Null:
		return append(dst, "null"...)
	case Bool:
		return strconv.AppendBool(dst, bool(v))
	case String:
		return AppendJSONString(dst, string(v))
	case Int:
		return appendInteger(dst, "@int", int64(v), f)
	case Long:
		return appendInteger(dst, "@long", int64(v), f)
	case Double:
		return appendDoubleJSON(dst, float64(v), f)
	case ID:
		return append(strconv.AppendInt(append(dst, '"'), int64(v), 10), '"')
	case Array:
		return appendArrayJSON(dst, v, f)
	case *Object:
		return appendObjectJSON(dst, v.Fields(), f)
	case *Document:
		return appendDocument(dst, v, f)
	case Reference:
		return appendReference(dst, v, f)
	case Ref:
		coll := "#" + strconv.FormatUint(uint64(v.Coll), 10)
		return appendReference(dst, Reference{Coll: coll, ID: nameOrID(v), Name: v.Name}, f)
	case *Page:
		return closeTag(appendPage(openTag(dst, "@set", f), v, f), f)
	}
	return appendTextJSON(dst, v, f)
}

// appendTextJSON writes the kinds that are one string, under a tag or without.
func appendTextJSON(dst []byte, v Value, f Format) []byte {
	tag := ""
	switch v.(type) {
	case Time, TransactionTime:
		tag = "@time"
	case Date:
		tag = "@date"
	case Bytes:
		tag = "@bytes"
	case UUID:
		tag = "@uuid"
	case Module:
		tag = "@mod"
	default:
		return AppendJSONString(dst, Display(v))
	}
	dst = openTag(dst, tag, f)
	switch v := v.(type) {
	case Time:
		dst = append(appendTime(append(dst, '"'), v), '"')
	case Date:
		dst = append(appendDate(append(dst, '"'), v), '"')
	case Bytes:
		dst = append(base64.StdEncoding.AppendEncode(append(dst, '"'), v), '"')
	default:
		dst = AppendJSONString(dst, Display(v))
	}
	return closeTag(dst, f)
}

func openTag(dst []byte, tag string, f Format) []byte {
	if f != Tagged {
		return dst
	}
	dst = append(dst, `{"`...)
	dst = append(dst, tag...)
	return append(dst, `":`...)
}

func closeTag(dst []byte, f Format) []byte {
	if f != Tagged {
		return dst
	}
	return append(dst, '}')
}

func appendInteger(dst []byte, tag string, n int64, f Format) []byte {
	if f != Tagged {
		return strconv.AppendInt(dst, n, 10)
	}
	dst = append(openTag(dst, tag, f), '"')
	return append(strconv.AppendInt(dst, n, 10), `"}`...)
}

func appendDoubleJSON(dst []byte, d float64, f Format) []byte {
	if f != Tagged && !math.IsNaN(d) && !math.IsInf(d, 0) {
		return appendDouble(dst, d)
	}
	dst = append(openTag(dst, "@double", f), '"')
	return closeTag(append(appendDouble(dst, d), '"'), f)
}

func appendArrayJSON(dst []byte, a Array, f Format) []byte {
	dst = append(dst, '[')
	for i, e := range a {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSON(dst, e, f)
	}
	return append(dst, ']')
}

// appendObjectJSON writes fields as an object, under @object where a client would take one
// of the names for a tag.
func appendObjectJSON(dst []byte, fields []Field, f Format) []byte {
	if f == Tagged && hasTagName(fields) {
		dst = appendFields(append(dst, `{"@object":{`...), fields, f)
		return append(dst, "}}"...)
	}
	return append(appendFields(append(dst, '{'), fields, f), '}')
}

func hasTagName(fields []Field) bool {
	for _, f := range fields {
		if strings.HasPrefix(f.Name, "@") {
			return true
		}
	}
	return false
}

func appendFields(dst []byte, fields []Field, f Format) []byte {
	for i, field := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = AppendJSONString(dst, field.Name)
		dst = AppendJSON(append(dst, ':'), field.Value, f)
	}
	return dst
}

func appendDocument(dst []byte, d *Document, f Format) []byte {
	dst = openTag(dst, "@doc", f)
	wrap := f == Tagged && hasTagName(d.Fields)
	if wrap {
		dst = openTag(dst, "@object", f)
	}
	dst = appendRefFields(append(dst, '{'), d.Coll, d.ID, d.Name, f)
	if len(d.Fields) > 0 {
		dst = appendFields(append(dst, ','), d.Fields, f)
	}
	dst = append(dst, '}')
	if wrap {
		dst = closeTag(dst, f)
	}
	return closeTag(dst, f)
}

// appendRefFields writes the fields that name a document.
func appendRefFields(dst []byte, coll, id, name string, f Format) []byte {
	if name != "" {
		dst = AppendJSONString(append(dst, `"name":`...), name)
	} else {
		dst = AppendJSONString(append(dst, `"id":`...), id)
	}
	dst = openTag(append(dst, `,"coll":`...), "@mod", f)
	return closeTag(AppendJSONString(dst, coll), f)
}

func appendReference(dst []byte, r Reference, f Format) []byte {
	if r.Missing && f != Tagged {
		return append(dst, "null"...)
	}
	dst = append(openTag(dst, "@ref", f), '{')
	dst = appendRefFields(dst, r.Coll, r.ID, r.Name, f)
	if r.Missing {
		dst = AppendJSONString(append(dst, `,"exists":false,"cause":`...), r.Cause)
	}
	return closeTag(append(dst, '}'), f)
}

// appendPage writes what stands under @set.
func appendPage(dst []byte, p *Page, f Format) []byte {
	if p.Data == nil {
		return AppendJSONString(dst, p.After)
	}
	dst = appendArrayJSON(append(dst, `{"data":`...), p.Data, f)
	if p.After != "" {
		dst = AppendJSONString(append(dst, `,"after":`...), p.After)
	}
	return append(dst, '}')
}

const hexDigits = "0123456789abcdef"

// AppendJSONString appends s as a JSON string. Bytes that are not UTF-8 become U+FFFD.
// Nothing is escaped that JSON does not ask for.
func AppendJSONString(dst []byte, s string) []byte {
	dst = append(dst, '"')
	start := 0 // of what is not yet copied
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' && c < utf8.RuneSelf {
			i++
			continue
		}
		size := 1
		if c >= utf8.RuneSelf {
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r != utf8.RuneError || size > 1 {
				i += size
				continue
			}
		}
		dst = append(dst, s[start:i]...)
		dst = appendEscape(dst, c)
		i += size
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// appendEscape writes a byte that may not stand in a JSON string.
func appendEscape(dst []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(dst, '\\', c)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	if c < ' ' {
		return append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
	}
	return append(dst, "\uFFFD"...)
}
