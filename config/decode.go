package config

import (
	"fmt"
	"math"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// decode fills a struct from a mapping that clean has let through. Keys that are not there get
// their default.
func (l *loader) decode(dst reflect.Value, keys []key, m map[string]any, path string) {
	for _, k := range keys {
		field, at := dst.Field(k.field), join(path, k.name)
		v := m[k.name]
		switch k.kind {
		case section:
			sub, _ := v.(map[string]any)
			if k.name == "" {
				sub = m
			}
			l.decode(field, k.keys, sub, at)
		case list:
			elements, _ := v.([]any)
			field.Set(reflect.MakeSlice(k.typ, len(elements), len(elements)))
			for i, e := range elements {
				sub, _ := e.(map[string]any)
				l.decode(field.Index(i), k.keys, sub, fmt.Sprintf("%s[%d]", at, i))
			}
		default:
			if v == nil {
				if k.def == "" {
					continue
				}
				v = text(k.def)
			}
			l.decodeLeaf(field, k, v, at)
		}
	}
}

// decodeLeaf sets a scalar or a list of scalars.
func (l *loader) decodeLeaf(dst reflect.Value, k key, v any, path string) {
	if k.typ.Kind() != reflect.Slice || k.typ == secretType {
		if !setScalar(dst, k, v) {
			l.add(path, k.expected())
		}
		return
	}
	elements, ok := v.([]any)
	if t, isText := v.(text); isText {
		elements, ok = split(string(t)), true
	}
	if !ok {
		l.add(path, k.expected())
		return
	}
	slice := reflect.MakeSlice(k.typ, len(elements), len(elements))
	for i, e := range elements {
		if !setScalar(slice.Index(i), k, e) {
			l.add(fmt.Sprintf("%s[%d]", path, i), k.expectedElement())
			l.excuse(path)
		}
	}
	dst.Set(slice)
}

// split cuts a variable's list; the empty text is the empty list.
func split(s string) []any {
	if s == "" {
		return nil
	}
	var all []any
	for part := range strings.SplitSeq(s, ",") {
		all = append(all, text(strings.TrimSpace(part)))
	}
	return all
}

// setScalar sets dst, whose type is k's or that of its elements, if v fits.
func setScalar(dst reflect.Value, k key, v any) bool {
	t, isText := v.(text)
	s, isString := v.(string)
	if isText {
		s = string(t)
	}
	if (isText || isString) && !oneLine(s) {
		return false
	}
	switch p := dst.Addr().Interface().(type) {
	case *string:
		*p = s
		return isText || isString
	case *Secret:
		*p = NewSecret(s)
		return isText || isString
	case *netip.Prefix:
		prefix, err := netip.ParsePrefix(s)
		*p = prefix
		return err == nil && prefix == prefix.Masked()
	case *time.Duration:
		d, err := time.ParseDuration(s)
		*p = d
		return err == nil && between(k, d, time.ParseDuration)
	case *bool:
		if isText {
			*p = s == "true"
			return s == "true" || s == "false"
		}
		b, ok := v.(bool)
		*p = b
		return ok
	case *int:
		n, ok := integer(v)
		*p = n
		return ok && between(k, n, strconv.Atoi)
	}
	panic("config: no decoder for " + dst.Type().String())
}

func oneLine(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsFunc(s, unicode.IsControl)
}

// between says whether v is in the range that k's tags give.
func between[T int | time.Duration](k key, v T, parse func(string) (T, error)) bool {
	low, err1 := parse(k.min)
	high, err2 := parse(k.max)
	if err1 != nil || err2 != nil {
		panic("config: the range of " + k.path)
	}
	return low <= v && v <= high
}

// integer takes what the decoders of the three formats, and a variable, give for a whole number.
func integer(v any) (int, bool) {
	switch v := v.(type) {
	case int:
		return v, true
	case int64:
		return int(v), true
	case float64: // JSON
		return int(v), v == math.Trunc(v) && math.Abs(v) < 1<<53
	case text:
		n, err := strconv.Atoi(string(v))
		return n, err == nil
	}
	return 0, false
}

// expected says in words what k takes.
func (k key) expected() string {
	if k.typ.Kind() == reflect.Slice {
		return "expected a list such as [a, b]"
	}
	return k.expectedElement()
}

func (k key) expectedElement() string {
	t := k.typ
	if t.Kind() == reflect.Slice {
		t = t.Elem()
	}
	switch {
	case t == durationType:
		return "expected a duration from " + k.min + " to " + k.max + ", such as 90s, 15m or 1h30m"
	case t == prefixType:
		return "expected a CIDR such as 10.0.0.0/8"
	case t.Kind() == reflect.Int:
		return "expected a whole number from " + k.min + " to " + k.max
	case t.Kind() == reflect.Bool:
		return "expected true or false"
	}
	return "expected text in one line; numbers and dates need quotes"
}
