package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf16"
)

// What a token's claims say was chosen by strangers. Nothing of it may move a terminal's cursor,
// change its colours or the direction of its text: no control or format characters, C1 included,
// leave this program unescaped.

// printable returns s, quoted as in Go if it holds anything that cannot be seen, or a quote;
// "-" for nothing.
func printable(s string) string {
	if s == "" {
		return "-"
	}
	if q := strconv.Quote(s); q != `"`+s+`"` {
		return q
	}
	return s
}

// printableList is the elements, with spaces in between.
func printableList(list []string) string {
	if len(list) == 0 {
		return "-"
	}
	shown := make([]string, len(list))
	for i, s := range list {
		shown[i] = printable(s)
	}
	return strings.Join(shown, " ")
}

// timestamp is RFC 3339 in UTC, whole seconds; "-" for none.
func timestamp(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// writeJSON writes v as one line. JSON lets all characters but C0 controls stand as they are;
// those that cannot be seen are escaped too.
func writeJSON(w io.Writer, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	line := make([]byte, 0, len(text)+1)
	for _, r := range string(text) { // outside of strings all is ASCII
		switch {
		case unicode.IsPrint(r):
			line = append(line, string(r)...)
		case r > 0xffff:
			high, low := utf16.EncodeRune(r)
			line = fmt.Appendf(line, `\u%04x\u%04x`, high, low)
		default:
			line = fmt.Appendf(line, `\u%04x`, r)
		}
	}
	_, err = w.Write(append(line, '\n'))
	return err
}
