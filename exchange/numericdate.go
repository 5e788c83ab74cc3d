package exchange

import "strings"

// maxNumericDate is the end of the year 9999 in seconds, beyond which RFC 3339 and Fauna
// have no time. It also makes every sum of dates and durations safe.
const maxNumericDate = 253402300799

// numericDate reads a JSON number as a NumericDate (RFC 7519 §2): seconds since 1970,
// fractions and exponents allowed. The result is exact and rounded down, so that nothing
// ever lives longer than it was given; a float64 would wrap or round.
// It reports false beyond ±maxNumericDate.
func numericDate(number string) (seconds int64, ok bool) {
	number, negative := strings.CutPrefix(number, "-")
	mantissa, exponent := number, 0
	if i := strings.IndexAny(number, "eE"); i >= 0 {
		mantissa, exponent = number[:i], saturatedInt(number[i+1:])
	}
	whole, fraction, _ := strings.Cut(mantissa, ".")
	digits := strings.TrimLeft(whole+fraction, "0")
	// The value is 0.digits × 10^point, digits being empty or without a leading zero.
	point := len(whole) + exponent - (len(whole) + len(fraction) - len(digits))
	switch {
	case digits == "":
		return 0, true
	case point > 12:
		return 0, false
	}
	for i := range max(point, 0) {
		seconds *= 10
		if i < len(digits) {
			seconds += int64(digits[i] - '0')
		}
	}
	if negative {
		seconds = -seconds
		if rest := digits[min(max(point, 0), len(digits)):]; strings.Trim(rest, "0") != "" {
			seconds--
		}
	}
	return seconds, -maxNumericDate <= seconds && seconds <= maxNumericDate
}

// saturatedInt reads an optional sign and digits, and stops growing where no token is long
// enough to bring the value back into range.
func saturatedInt(s string) int {
	digits, negative := strings.CutPrefix(s, "-")
	digits = strings.TrimPrefix(digits, "+")
	n := 0
	for i := range len(digits) {
		n = min(n*10+int(digits[i]-'0'), 1<<30)
	}
	if negative {
		return -n
	}
	return n
}
