package fqlx

import "strconv"

// Tagged is a value in Fauna's tagged JSON encoding. The driver passes it on as it is: it
// sends maps whose keys start with `@` unescaped, so a value that a user controls must never
// go as a Go map.
type Tagged string

// MarshalJSON returns t itself.
func (t Tagged) MarshalJSON() ([]byte, error) { return []byte(t), nil }

// AppendInt appends n in the tagged encoding: an Int if it fits 32 bits, else a Long.
func AppendInt(b []byte, n int64) []byte {
	tag := `{"@int":"`
	if n != int64(int32(n)) {
		tag = `{"@long":"`
	}
	b = append(b, tag...)
	b = strconv.AppendInt(b, n, 10)
	return append(b, `"}`...)
}

// AppendText appends s, which must be valid UTF-8, in the tagged encoding: a JSON string.
func AppendText(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for i := range len(s) {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b = append(b, '\\', c)
		case c < 0x20:
			b = append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			b = append(b, c)
		}
	}
	return append(b, '"')
}
