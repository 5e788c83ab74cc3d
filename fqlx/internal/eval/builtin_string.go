package eval

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
	"golang.org/x/text/unicode/norm"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// stringMethods are the members of strings, bytesMethods those of byte strings, and
// commonMethods what every value has but objects, documents and modules. Positions and
// lengths count code points. (Fauna: String, Bytes)
var stringMethods, bytesMethods, commonMethods table

func init() {
	commonMethods = table{"toString": {fn: toString}}
	stringMethods = table{
		"length":      {prop: true, fn: stringLength},
		"at":          {params: []string{"index: Int"}, fn: stringAt},
		"casefold":    {params: []string{"format?: String"}, fn: stringCasefold},
		"concat":      {params: []string{"other: String"}, fn: stringConcat},
		"endsWith":    {params: []string{"suffix: String"}, fn: stringTest(strings.HasSuffix)},
		"startsWith":  {params: []string{"prefix: String"}, fn: stringTest(strings.HasPrefix)},
		"includes":    {params: []string{"pattern: String"}, fn: stringTest(strings.Contains)},
		"indexOf":     {params: []string{"pattern: String", "start?: Int"}, fn: stringIndexOf},
		"lastIndexOf": {params: []string{"pattern: String", "end?: Int"}, fn: stringLastIndexOf},
		"insert":      {params: []string{"index: Int", "other: String"}, fn: stringInsert},
		"parseDouble": {fn: stringParseDouble},
		"parseInt":    {params: []string{"radix?: Int"}, fn: stringParseInt},
		"parseLong":   {params: []string{"radix?: Int"}, fn: stringParseLong},
		"parseNumber": {fn: stringParseNumber},
		"replace":     {params: []string{"pattern: String", "replacement: String", "amount?: Int"}, fn: stringReplace},
		"replaceAll":  {params: []string{"pattern: String", "replacement: String"}, fn: stringReplaceAll},
		"slice":       {params: []string{"start: Int", "end?: Int"}, fn: stringSlice},
		"split":       {params: []string{"separator: String"}, fn: stringSplit},
		"splitAt":     {params: []string{"index: Int"}, fn: stringSplitAt},
		"toLowerCase": {fn: stringMap(lower)},
		"toUpperCase": {fn: stringMap(upper)},
		"toString":    commonMethods["toString"],
	}
	bytesMethods = table{
		"toBase64": commonMethods["toString"],
		"toString": commonMethods["toString"],
	}
	coreModules["Bytes"] = table{
		"()":         {params: []string{"encoded: String"}, fn: bytesFromBase64},
		"fromBase64": {params: []string{"encoded: String"}, fn: bytesFromBase64},
	}
}

func toString(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	s, err := ev.display(this)
	if err == nil {
		err = ev.roomFor(s)
	}
	return value.String(s), err
}

// str returns v, whose type was checked, as a Go string; num an Int likewise.
func str(v value.Value) string { return string(v.(value.String)) }
func num(v value.Value) int    { return int(v.(value.Int)) }

// stringOf makes a string out of parts if there is room for it.
func (ev *evaluator) stringOf(parts ...string) (value.Value, error) {
	if err := ev.roomFor(parts...); err != nil {
		return nil, err
	}
	return value.String(strings.Join(parts, "")), nil
}

// byteAt returns where code point i of s begins; ok is false if s has fewer than i.
func byteAt(s string, i int) (offset int, ok bool) {
	if i < 0 {
		return 0, false
	}
	for ; i > 0; i-- {
		if offset == len(s) {
			return offset, false
		}
		_, size := utf8.DecodeRuneInString(s[offset:])
		offset += size
	}
	return offset, true
}

func errIndex(i, length int) error {
	return errorf("index_out_of_bounds", "index %d out of bounds for length %d", i, length)
}

// byteBefore returns where the code point i of s begins; the end of s is allowed too.
func byteBefore(s string, i int) (int, error) {
	offset, ok := byteAt(s, i)
	if !ok {
		return 0, errIndex(i, utf8.RuneCountInString(s))
	}
	return offset, nil
}

// byteOf is byteBefore without the end of s.
func byteOf(s string, i int) (int, error) {
	offset, err := byteBefore(s, i)
	if err == nil && offset == len(s) {
		err = errIndex(i, utf8.RuneCountInString(s))
	}
	return offset, err
}

func stringLength(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.Int(utf8.RuneCountInString(str(this))), nil
}

func stringAt(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s := str(this)
	at, err := byteOf(s, num(args[0]))
	if err != nil {
		return nil, err
	}
	_, size := utf8.DecodeRuneInString(s[at:])
	return value.String(s[at : at+size]), nil
}

func stringConcat(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.stringOf(str(this), str(args[0]))
}

type method = func(*evaluator, value.Value, []value.Value) (value.Value, error)

func stringTest(test func(s, t string) bool) method {
	return func(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
		return value.Bool(test(str(this), str(args[0]))), nil
	}
}

func stringMap(f func(string) string) method {
	return func(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
		return ev.stringOf(f(str(this)))
	}
}

// upper and lower map as Java does in the root locale: ß becomes SS, a final Σ becomes ς.
func upper(s string) string {
	if isASCII(s) {
		return strings.ToUpper(s)
	}
	return cases.Upper(language.Und).String(s)
}

func lower(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	return cases.Lower(language.Und).String(s)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

func stringCasefold(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	form := "NFKCCaseFold"
	if len(args) > 0 {
		form = str(args[0])
	}
	s := str(this)
	switch form {
	case "NFKCCaseFold":
		return ev.stringOf(caseFold(s))
	case "NFC":
		return ev.stringOf(norm.NFC.String(s))
	case "NFD":
		return ev.stringOf(norm.NFD.String(s))
	case "NFKC":
		return ev.stringOf(norm.NFKC.String(s))
	case "NFKD":
		return ev.stringOf(norm.NFKD.String(s))
	}
	return nil, errArgument("format", "expected a casefold format (one of NFKCCaseFold, NFC, NFD, NFKC, or NFKD)")
}

// caseFold is NFKC_Casefold (Unicode standard annex 44): compatibility decomposition and
// full case folding until nothing changes, without characters that are to be ignored.
func caseFold(s string) string {
	if isASCII(s) {
		return strings.ToLower(s)
	}
	fold := cases.Fold()
	for range 3 { // twice is enough for every character there is
		next := norm.NFKC.String(fold.String(norm.NFD.String(strings.Map(keepVisible, s))))
		if next == s {
			break
		}
		s = next
	}
	return s
}

// keepVisible drops what Unicode calls Default_Ignorable_Code_Point.
func keepVisible(r rune) rune {
	switch {
	case unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector):
		return -1
	case r >= 0xFFF9 && r <= 0xFFFB, r >= 0x13430 && r <= 0x13440,
		unicode.In(r, unicode.White_Space, unicode.Prepended_Concatenation_Mark):
		return r
	case unicode.Is(unicode.Cf, r):
		return -1
	}
	return r
}

var notFound = nullOf("no element found")

// charIndex returns where in s, counted in code points, byte offset is; null if it is < 0.
func charIndex(s string, offset int) value.Value {
	if offset < 0 {
		return notFound
	}
	return value.Int(utf8.RuneCountInString(s[:offset]))
}

func stringIndexOf(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, start := str(this), 0
	if len(args) > 1 {
		var err error
		if start, err = byteOf(s, num(args[1])); err != nil {
			return nil, err
		}
	}
	found := strings.Index(s[start:], str(args[0]))
	if found >= 0 {
		found += start
	}
	return charIndex(s, found), nil
}

// stringLastIndexOf finds the last match that begins at end or before.
func stringLastIndexOf(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, pattern := str(this), str(args[0])
	reach := len(s)
	if len(args) > 1 {
		end, err := byteOf(s, num(args[1]))
		if err != nil {
			return nil, err
		}
		reach = min(end+len(pattern), len(s))
	}
	return charIndex(s, strings.LastIndex(s[:reach], pattern)), nil
}

func stringInsert(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s := str(this)
	at, err := byteBefore(s, num(args[0]))
	if err != nil {
		return nil, err
	}
	return ev.stringOf(s[:at], str(args[1]), s[at:])
}

func stringSplitAt(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s := str(this)
	at, err := byteBefore(s, num(args[0]))
	if err != nil {
		return nil, err
	}
	return value.Array{value.String(s[:at]), value.String(s[at:])}, nil
}

// stringSlice takes positions outside of the string for its ends.
func stringSlice(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s := str(this)
	start, _ := byteAt(s, num(args[0]))
	end := len(s)
	if len(args) > 1 {
		end, _ = byteAt(s, num(args[1]))
	}
	return value.String(s[start:max(start, end)]), nil
}

func stringSplit(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, separator := str(this), str(args[0])
	if s == "" {
		return value.Array{value.String("")}, nil
	}
	n := strings.Count(s, separator) + 1
	if err := ev.roomForArray(n); err != nil {
		return nil, err
	}
	parts := strings.Split(s, separator)
	out := make(value.Array, len(parts))
	for i, part := range parts {
		out[i] = value.String(part)
	}
	return out, nil
}

func stringReplace(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	amount := 1
	if len(args) > 2 {
		if amount = num(args[2]); amount < 1 {
			return nil, errArgument("count", "must be greater than or equal to 1")
		}
	}
	return ev.replace(str(this), str(args[0]), str(args[1]), amount)
}

func stringReplaceAll(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.replace(str(this), str(args[0]), str(args[1]), math.MaxInt)
}

// replace replaces up to amount matches. The empty pattern matches in front, again and
// again, and so without an end if no amount is given.
func (ev *evaluator) replace(s, pattern, replacement string, amount int) (value.Value, error) {
	if pattern == "" {
		if int64(amount)*int64(max(len(replacement), 1)) > maxString || amount == math.MaxInt {
			return nil, errorf("value_too_large", "Value too large: string size exceeds limit %d.", maxString)
		}
		return ev.stringOf(strings.Repeat(replacement, amount), s)
	}
	n := min(strings.Count(s, pattern), amount)
	if grown := len(s) + n*(len(replacement)-len(pattern)); grown > 4*maxString {
		return nil, errorf("value_too_large", "Value too large: string size exceeds limit %d.", maxString)
	}
	return ev.stringOf(strings.Replace(s, pattern, replacement, n))
}

var invalidNumber = nullOf("invalid number")

func stringParseInt(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	n, ok, err := parseInteger(str(this), args, 32)
	if err != nil || !ok {
		return invalidNumber, err
	}
	return value.Int(n), nil
}

func stringParseLong(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	n, ok, err := parseInteger(str(this), args, 64)
	if err != nil || !ok {
		return invalidNumber, err
	}
	return value.Long(n), nil
}

func parseInteger(s string, args []value.Value, bits int) (n int64, ok bool, err error) {
	radix := 10
	if len(args) > 0 {
		if radix = num(args[0]); radix < 2 || radix > 36 {
			return 0, false, errArgument("format", "invalid radix, expected a number from 2-36")
		}
	}
	n, parseErr := strconv.ParseInt(s, radix, bits)
	return n, parseErr == nil, nil
}

func stringParseNumber(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	if n, err := strconv.ParseInt(str(this), 10, 64); err == nil {
		return value.Integer(n), nil
	}
	return parseDouble(str(this)), nil
}

func stringParseDouble(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return parseDouble(str(this)), nil
}

// parseDouble reads what Java's Double.parseDouble does, but for hexadecimal notation.
func parseDouble(s string) value.Value {
	s = strings.TrimFunc(s, func(r rune) bool { return r <= ' ' })
	switch strings.TrimPrefix(strings.TrimPrefix(s, "-"), "+") {
	case "NaN", "Infinity": // strconv knows more spellings of them
	default:
		if trimmed := strings.TrimRight(s, "dDfF"); len(s)-len(trimmed) <= 1 {
			s = trimmed
		}
		if strings.Trim(s, "0123456789+-.eE") != "" {
			return invalidNumber
		}
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil && !math.IsInf(f, 0) {
		return invalidNumber
	}
	return value.Double(f)
}

func bytesFromBase64(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	b, ok := value.ParseBase64(str(args[0]))
	if !ok {
		return nil, errArgument("encoded", "invalid base64")
	}
	return value.Bytes(b), ev.build(len(b))
}
