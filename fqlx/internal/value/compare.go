package value

import (
	"bytes"
	"cmp"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// Equal is FQL's ==. Numbers are equal by size, whatever their kind; an ID equals the same
// digits as a String or a number; arrays and objects are compared deeply, objects without
// regard to field order; Null equals Null whatever its Cause. All else of different kinds
// is unequal. That a reference to a missing document equals null is for the evaluator to
// say, which can read it. Values of [KindOther] are equal if they are identical.
func Equal(a, b Value) bool {
	switch a := a.(type) {
	case Array:
		b, ok := b.(Array)
		return ok && slices.EqualFunc(a, b, Equal)
	case *Object:
		b, ok := b.(*Object)
		return ok && equalObjects(a, b)
	}
	c, ok := Relate(a, b)
	return ok && c == 0
}

// Relate is [Compare] for the operators < <= > >=. ok is false for kinds that have no
// relation; then all four operators answer false. Beyond values of one kind, numbers
// relate to each other and an ID relates to numbers and to Strings of digits.
func Relate(a, b Value) (c int, ok bool) {
	ka, kb := rank(a), rank(b)
	switch {
	case ka == kb && ka == KindOther:
		return relateOther(a, b)
	case ka == kb:
		return Compare(a, b), true
	case ka == KindID:
		n, ok := numberForID(b)
		return compareNumbers(Long(a.(ID)), n), ok
	case kb == KindID:
		n, ok := numberForID(a)
		return compareNumbers(n, Long(b.(ID))), ok
	}
	return 0, false
}

// numberForID returns the number that an ID is to be compared with.
func numberForID(v Value) (Value, bool) {
	switch v := v.(type) {
	case Int, Long, Double:
		return v, true
	case String:
		n, err := strconv.ParseInt(string(v), 10, 64)
		return Long(n), err == nil
	}
	return Int(0), false
}

func relateOther(a, b Value) (c int, ok bool) {
	if a, ok := a.(Module); ok {
		if b, ok := b.(Module); ok {
			return cmp.Compare(a, b), true
		}
	}
	return 0, reflect.ValueOf(a).Comparable() && reflect.ValueOf(b).Comparable() && a == b
}

// Compare is the one total order, of order() and of indexes: -1, 0 or 1. First by kind, in
// the order of the constants, the three number kinds being one; then
//
//   - numbers by exact size, NaN greatest; strings, bytes and UUIDs by their bytes;
//   - arrays element by element, a shorter one before its extensions;
//   - objects likewise, as arrays of (name, value) sorted by name;
//   - references by collection, id, name, and those of the wire behind them, by name;
//   - false before true, all nulls equal;
//   - modules by name, before the other values of [KindOther], which all compare equal.
//
// Document values of the evaluator's own it must turn into [Ref] first.
func Compare(a, b Value) int {
	ka, kb := rank(a), rank(b)
	if ka != kb {
		return cmp.Compare(ka, kb)
	}
	switch a := a.(type) {
	case Int, Long, Double:
		return compareNumbers(a, b)
	case Bytes:
		return bytes.Compare(a, b.(Bytes))
	case String:
		return strings.Compare(string(a), string(b.(String)))
	case Array:
		return slices.CompareFunc(a, b.(Array), Compare)
	case *Object:
		return slices.CompareFunc(sortedFields(a), sortedFields(b.(*Object)), compareFields)
	case ID:
		return cmp.Compare(a, b.(ID))
	case Time:
		return a.t.Compare(b.(Time).t)
	case Date:
		return cmp.Compare(a, b.(Date))
	case UUID:
		other := b.(UUID)
		return bytes.Compare(a[:], other[:])
	case Bool:
		return compareBools(bool(a), bool(b.(Bool)))
	case Ref, Reference, *Document:
		return compareRefs(a, b)
	}
	if ka == KindOther {
		return compareOther(a, b)
	}
	return 0
}

// rank is the place of v's kind in the total order.
func rank(v Value) Kind {
	k := v.Kind()
	if k <= KindDouble {
		return KindInt
	}
	return k
}

func compareNumbers(a, b Value) int {
	if m, ok := AsInt64(a); ok {
		if n, ok := AsInt64(b); ok {
			return cmp.Compare(m, n)
		}
	}
	aHigh, aLow := numberOrder(a)
	bHigh, bLow := numberOrder(b)
	return cmp.Or(cmp.Compare(aHigh, bHigh), cmp.Compare(aLow, bLow))
}

func compareBools(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

func compareRefs(a, b Value) int {
	ra, stored := a.(Ref)
	rb, storedToo := b.(Ref)
	switch {
	case stored && storedToo:
		return cmp.Or(cmp.Compare(ra.Coll, rb.Coll), cmp.Compare(ra.ID, rb.ID), strings.Compare(ra.Name, rb.Name))
	case stored || storedToo:
		return compareBools(storedToo, stored)
	}
	wa, wb := wireName(a), wireName(b)
	return slices.Compare(wa[:], wb[:])
}

// wireName returns collection, id and name of a [Reference] or [Document].
func wireName(v Value) [3]string {
	if d, ok := v.(*Document); ok {
		return [3]string{d.Coll, d.ID, d.Name}
	}
	r := v.(Reference)
	return [3]string{r.Coll, r.ID, r.Name}
}

func compareOther(a, b Value) int {
	ma, aIs := a.(Module)
	mb, bIs := b.(Module)
	if aIs && bIs {
		return cmp.Compare(ma, mb)
	}
	return compareBools(bIs, aIs)
}

func equalObjects(a, b *Object) bool {
	fa, fb := a.Fields(), b.Fields()
	if len(fa) != len(fb) {
		return false
	}
	if !slices.EqualFunc(fa, fb, func(f, g Field) bool { return f.Name == g.Name }) {
		fa, fb = sortedFields(a), sortedFields(b)
	}
	return slices.EqualFunc(fa, fb, func(f, g Field) bool { return f.Name == g.Name && Equal(f.Value, g.Value) })
}

func compareFields(a, b Field) int {
	if c := strings.Compare(a.Name, b.Name); c != 0 {
		return c
	}
	return Compare(a.Value, b.Value)
}

// sortedFields returns o's fields by name, o's own slice if it is sorted already.
func sortedFields(o *Object) []Field {
	byName := func(a, b Field) int { return strings.Compare(a.Name, b.Name) }
	fields := o.Fields()
	if !slices.IsSortedFunc(fields, byName) {
		fields = slices.Clone(fields)
		slices.SortFunc(fields, byName)
	}
	return fields
}
