package value

import (
	"bytes"
	"errors"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// numberOrder maps a number to a pair that orders as the number does. high is the greatest
// double not above the number, its bits arranged to compare as an unsigned integer; low is
// what is left, which only integers beyond 2⁵³ have (below 2¹⁰).
func numberOrder(v Value) (high uint64, low uint16) {
	switch v := v.(type) {
	case Int:
		return doubleOrder(float64(v)), 0
	case Long:
		floor, rest := splitLong(int64(v))
		return doubleOrder(floor), rest
	default:
		return doubleOrder(float64(v.(Double))), 0
	}
}

// splitLong returns the greatest double not above n and the difference.
func splitLong(n int64) (floor float64, rest uint16) {
	size := uint64(n)
	if n < 0 {
		size = -size
	}
	excess := bits.Len64(size) - 53 // bits that a double has no room for
	if excess <= 0 {
		return float64(n), 0
	}
	mask := int64(1)<<excess - 1
	return float64(n &^ mask), uint16(n & mask)
}

// doubleOrder is the order of Java's Double.compare: -0.0 below 0.0, all NaNs one, on top.
func doubleOrder(f float64) uint64 {
	if math.IsNaN(f) {
		f = math.NaN()
	}
	b := math.Float64bits(f)
	if b>>63 == 1 {
		return ^b
	}
	return b | 1<<63
}

// appendDouble writes f as Java's Double.toString does: always a fraction, an exponent
// below 10⁻³ and from 10⁷ on. The digits are the fewest that read back as f, but at least
// two (JDK 19 and later), hence 4.9E-324.
func appendDouble(dst []byte, f float64) []byte {
	switch abs := math.Abs(f); {
	case math.IsNaN(f):
		return append(dst, "NaN"...)
	case math.IsInf(f, 0):
		if f < 0 {
			dst = append(dst, '-')
		}
		return append(dst, "Infinity"...)
	case abs == 0 || 1e-3 <= abs && abs < 1e7:
		start := len(dst)
		dst = strconv.AppendFloat(dst, f, 'f', -1, 64)
		if bytes.IndexByte(dst[start:], '.') < 0 {
			dst = append(dst, ".0"...)
		}
		return dst
	}
	return appendScientific(dst, f)
}

func appendScientific(dst []byte, f float64) []byte {
	var buf [32]byte
	text := strconv.AppendFloat(buf[:0], f, 'e', -1, 64)
	if bytes.IndexByte(text, '.') < 0 {
		text = strconv.AppendFloat(buf[:0], f, 'e', 1, 64)
	}
	digits, exp, _ := bytes.Cut(text, []byte("e"))
	dst = append(append(dst, digits...), 'E')
	if exp[0] == '-' {
		dst = append(dst, '-')
	}
	return append(dst, bytes.TrimLeft(exp, "+-0")...)
}

// parseDouble reads decimal notation, NaN and ±Infinity. A number too great for a double
// is an infinity, as in Java.
func parseDouble(s string) (float64, bool) {
	switch strings.TrimLeft(s, "+-") {
	case "NaN", "Infinity": // strconv knows more spellings and cases than Java
	default:
		if strings.Trim(s, "0123456789+-.eE") != "" {
			return 0, false
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	return f, err == nil || errors.Is(err, strconv.ErrRange)
}
