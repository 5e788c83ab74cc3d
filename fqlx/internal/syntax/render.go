package syntax

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// What an excerpt shows of a line, and how many lines of a span but the last. Fauna shows
	// all, which can be megabytes.
	maxBytes = 160
	maxLines = 12

	valueText = "<value>" // what stands for a NUL byte
	tabText   = "    "
)

// Position is the line and column of a byte offset, both counted from 1. Columns count
// characters, whatever their width; a template value counts as the text it is shown as.
// Offsets beyond the text are at its end.
func Position(src string, off int) (line, col int) {
	off = min(max(off, 0), len(src))
	before := src[:off]
	begin := strings.LastIndexByte(before, '\n') + 1
	line = strings.Count(before[:begin], "\n") + 1
	last := before[begin:]
	return line, 1 + utf8.RuneCountInString(last) + (len(valueText)-1)*strings.Count(last, "\x00")
}

// Render writes e as Fauna does in the summary of a failed query:
//
//	error: Unbound variable `Silly`
//	at *query*:1:1
//	  |
//	1 | Silly
//	  | ^^^^^
//	  |
//
// A hint follows in the same form. The file is what src is called. A span at or beyond the end
// of the text is shown behind the last character that is not white space. Other than Fauna's,
// the excerpt is safe to print anywhere: control characters and tabs are replaced, long lines
// and spans of many lines cut. There is no newline at the end.
func Render(file, src string, e *Error) string {
	src = strings.TrimRight(src, " \t\r\n")
	at := clamp(e.Span, src)
	line, col := Position(src, at.Start)
	out := fmt.Sprintf("error: %s\nat %s:%d:%d\n%s", e.Msg, file, line, col, excerpt(src, at, e.Label))
	if e.Hint == "" {
		return out
	}
	out += "\nhint: " + e.Hint
	if e.HintSpan.Start >= e.HintSpan.End {
		return out
	}
	at = clamp(e.HintSpan, src)
	if l, c := Position(src, at.Start); l != line {
		out += fmt.Sprintf("\nat %s:%d:%d", file, l, c)
	}
	return out + "\n" + excerpt(src, at, "")
}

func clamp(s Span, src string) Span {
	s.Start = min(max(s.Start, 0), len(src))
	s.End = min(max(s.End, s.Start), len(src))
	return s
}

// row is a line of an excerpt. Those that show source have its number.
type row struct {
	line int
	text string
}

// excerpt is the lines of src that the span touches, with marks.
func excerpt(src string, at Span, label string) string {
	first, _ := Position(src, at.Start)
	last := first + strings.Count(src[at.Start:at.End], "\n")
	if at.End > at.Start && src[at.End-1] == '\n' {
		last-- // the line behind it is not meant
	}
	rows := []row{{}}
	if first >= last {
		rows = append(rows, underlined(src, at, first, label)...)
	} else {
		rows = append(rows, bracketed(src, at, first, last)...)
	}
	rows = append(rows, row{})

	width := len(strconv.Itoa(max(first, last)))
	lines := make([]string, len(rows))
	for i, r := range rows {
		number := ""
		if r.line > 0 {
			number = strconv.Itoa(r.line)
		}
		lines[i] = strings.TrimRight(fmt.Sprintf("%*s | %s", width, number, r.text), " ")
	}
	return strings.Join(lines, "\n")
}

func underlined(src string, at Span, line int, label string) []row {
	begin := lineBegin(src, at.Start)
	text, from, to := window(lineFrom(src, begin), at.Start-begin, at.End-begin)
	marks := strings.Repeat(" ", from) + strings.Repeat("^", max(to-from, 1))
	if label != "" {
		marks += " " + label
	}
	return []row{{line, text}, {0, marks}}
}

// bracketed draws a bracket at the left, from the first character to the last.
func bracketed(src string, at Span, first, last int) []row {
	begin := lineBegin(src, at.Start)
	text, from, _ := window(lineFrom(src, begin), at.Start-begin, at.Start-begin)
	rows := []row{{first, "  " + text}, {0, " _" + strings.Repeat("_", from) + "^"}}
	for n := first + 1; n <= last; n++ {
		begin += strings.IndexByte(src[begin:], '\n') + 1
		line := lineFrom(src, begin)
		end := min(at.End-begin, len(line))
		switch text, _, to := window(line, end, end); {
		case n == last:
			rows = append(rows, row{n, "| " + text}, row{0, "|_" + strings.Repeat("_", max(to-1, 0)) + "^"})
		case n-first < maxLines:
			rows = append(rows, row{n, "| " + text})
		case n-first == maxLines:
			rows = append(rows, row{0, "| …"})
		}
	}
	return rows
}

func lineBegin(src string, i int) int { return strings.LastIndexByte(src[:i], '\n') + 1 }

func lineFrom(src string, begin int) string {
	line, _, _ := strings.Cut(src[begin:], "\n")
	return strings.TrimSuffix(line, "\r")
}

// window is what is shown of a line: the whole or, of a long one, the surroundings of `from`.
// It also gives the columns, counted from 0, where the byte offsets from and to are shown.
func window(line string, from, to int) (text string, fromCol, toCol int) {
	lo, hi := 0, len(line)
	if hi > maxBytes {
		lo = max(0, min(from, hi)-maxBytes/2)
		hi = min(hi, lo+maxBytes)
		for lo > 0 && !utf8.RuneStart(line[lo]) {
			lo--
		}
		for hi < len(line) && !utf8.RuneStart(line[hi]) {
			hi++
		}
	}
	var b strings.Builder
	col := 0
	if lo > 0 {
		b.WriteString("…")
		col++
	}
	fromCol, toCol = col, col
	for i, r := range line[lo:hi] {
		shown, width := show(r)
		b.WriteString(shown)
		col += width
		if lo+i < from {
			fromCol = col
		}
		if lo+i < to {
			toCol = col
		}
	}
	if hi < len(line) {
		b.WriteString("…")
	}
	return b.String(), fromCol, toCol
}

// show is how r looks in an excerpt and how many columns that takes on a terminal.
func show(r rune) (string, int) {
	switch {
	case r == 0:
		return valueText, len(valueText)
	case r == '\t':
		return tabText, len(tabText)
	case !isDisplay(r), unicode.IsControl(r):
		return "\ufffd", 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return string(r), 0
	case unicode.Is(wide, r):
		return string(r), 2
	}
	return string(r), 1
}

// wide has the blocks whose characters take two columns (Unicode Standard Annex #11, W and F),
// roughly.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x1100, 0x115f, 1}, {0x2e80, 0xa4cf, 1}, {0xac00, 0xd7a3, 1}, {0xf900, 0xfaff, 1},
		{0xfe30, 0xfe6f, 1}, {0xff00, 0xff60, 1}, {0xffe0, 0xffe6, 1},
	},
	R32: []unicode.Range32{{0x1f300, 0x1faff, 1}, {0x20000, 0x3fffd, 1}},
}
