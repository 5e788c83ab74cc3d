package eval

import (
	"cmp"
	"math"
	"math/big"
	"math/bits"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func (ev *evaluator) evalBinary(f *frame, x *syntax.BinaryExpr) (value.Value, error) {
	switch x.Op {
	case "&&", "||":
		return ev.evalLogic(f, x)
	case "??":
		return ev.evalElse(f, x)
	}
	l, err := ev.eval(f, x.L)
	if err != nil {
		return nil, err
	}
	if !hasOperator(l, x.Op) {
		return nil, ev.locate(errNoFunction(x.Op, l), x.OpSpan)
	}
	r, err := ev.eval(f, x.R)
	if err != nil {
		return nil, err
	}
	v, err := ev.operate(x.Op, l, r)
	if err != nil {
		return nil, ev.locate(err, x.R.Span())
	}
	return v, nil
}

func (ev *evaluator) evalLogic(f *frame, x *syntax.BinaryExpr) (value.Value, error) {
	l, err := ev.evalBool(f, x.L)
	if err != nil {
		return nil, err
	}
	if l == (x.Op == "||") {
		return value.Bool(l), nil
	}
	r, err := ev.evalBool(f, x.R)
	return value.Bool(r), err
}

// evalElse evaluates l ?? r: r if l is null or a document that is missing or unreadable.
func (ev *evaluator) evalElse(f *frame, x *syntax.BinaryExpr) (value.Value, error) {
	l, err := ev.eval(f, x.L)
	if err != nil || !mayBeNull(l) {
		return l, err
	}
	isNull, err := ev.isNull(l)
	switch {
	case err != nil:
		return nil, ev.locate(err, x.L.Span())
	case isNull:
		return ev.eval(f, x.R)
	}
	return l, nil
}

func (ev *evaluator) evalUnary(f *frame, x *syntax.UnaryExpr) (value.Value, error) {
	v, err := ev.eval(f, x.X)
	if err != nil {
		return nil, err
	}
	switch n := v.(type) {
	case value.Bool:
		if x.Op == "!" {
			return !n, nil
		}
	case value.Int, value.Long, value.Double:
		switch x.Op {
		case "-":
			return negate(v), nil
		case "~":
			return value.Integer(^truncate(v)), nil
		}
	}
	return nil, ev.locate(errNoFunction(x.Op, v), syntax.Span{Start: x.Span().Start, End: x.Span().Start + 1})
}

func isComparison(op string) bool {
	switch op {
	case "==", "!=", "<", "<=", ">", ">=":
		return true
	}
	return false
}

func isNumber(v value.Value) bool { return v.Kind() <= value.KindDouble }

// hasOperator reports whether op is defined for a left operand like l.
func hasOperator(l value.Value, op string) bool {
	if isComparison(op) || isNumber(l) {
		return true
	}
	_, isString := l.(value.String)
	return isString && op == "+"
}

// operate applies an operator that hasOperator knows.
func (ev *evaluator) operate(op string, l, r value.Value) (value.Value, error) {
	if isComparison(op) {
		return ev.compareBy(op, l, r)
	}
	if s, ok := l.(value.String); ok {
		return ev.concat(string(s), r)
	}
	if !isNumber(r) {
		name := "other"
		if op == "**" {
			name = "exponent"
		}
		return nil, errArgumentType(name, "Number", r)
	}
	switch op {
	case "&":
		return value.Integer(truncate(l) & truncate(r)), nil
	case "|":
		return value.Integer(truncate(l) | truncate(r)), nil
	case "^":
		return value.Integer(truncate(l) ^ truncate(r)), nil
	}
	m, whole := value.AsInt64(l)
	n, wholeToo := value.AsInt64(r)
	if whole && wholeToo {
		return operateIntegers(op, m, n)
	}
	a, _ := value.AsFloat(l)
	b, _ := value.AsFloat(r)
	return value.Double(operateDoubles(op, a, b)), nil
}

// concat is s + v: v's text behind s.
func (ev *evaluator) concat(s string, v value.Value) (value.Value, error) {
	text, err := ev.display(v)
	if err == nil {
		err = ev.roomFor(s, text)
	}
	if err != nil {
		return nil, err
	}
	return value.String(s + text), nil
}

// operateIntegers computes in 64 bits and goes on as Double where these do not suffice.
func operateIntegers(op string, m, n int64) (value.Value, error) {
	exact, ok := int64(0), true
	switch op {
	case "+":
		exact = m + n
		ok = (exact > m) == (n > 0)
	case "-":
		exact = m - n
		ok = (exact < m) == (n > 0)
	case "*":
		exact, ok = multiply(m, n)
	case "**":
		return power(m, n), nil
	case "/", "%":
		if n == 0 {
			return nil, errorf("divide_by_zero", "Attempted integer division by zero.")
		}
		if op == "%" {
			return value.Integer(m % n), nil
		}
		exact = m / n
		ok = m != math.MinInt64 || n != -1
	}
	if !ok {
		return value.Double(operateDoubles(op, float64(m), float64(n))), nil
	}
	return value.Integer(exact), nil
}

func multiply(m, n int64) (product int64, ok bool) {
	high, low := bits.Mul64(magnitude(m), magnitude(n))
	negative := (m < 0) != (n < 0)
	limit := uint64(math.MaxInt64)
	if negative {
		limit++
	}
	return m * n, high == 0 && low <= limit
}

func magnitude(n int64) uint64 {
	if n < 0 {
		return -uint64(n)
	}
	return uint64(n)
}

func operateDoubles(op string, a, b float64) float64 {
	switch op {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "%":
		return math.Mod(a, b)
	}
	return javaPow(a, b)
}

// javaPow differs from math.Pow as Java does from C: 1 to NaN or ±Infinity is NaN, and so
// is -1 to ±Infinity.
func javaPow(a, b float64) float64 {
	if math.IsNaN(b) || math.Abs(a) == 1 && math.IsInf(b, 0) {
		return math.NaN()
	}
	return math.Pow(a, b)
}

// power is m to the n: exact while 64 bits suffice, then the nearest Double.
func power(m, n int64) value.Value {
	switch {
	case n == 0 || m == 1:
		return value.Int(1)
	case m == -1:
		return value.Int(1 - 2*(n&1))
	case m == 0 && n > 0:
		return value.Int(0)
	case n < 0 || n > 1024: // a fraction, or beyond any Double
		return value.Double(math.Pow(float64(m), float64(n)))
	}
	exact := new(big.Int).Exp(big.NewInt(m), big.NewInt(n), nil)
	if exact.IsInt64() {
		return value.Integer(exact.Int64())
	}
	nearest, _ := new(big.Float).SetInt(exact).Float64()
	return value.Double(nearest)
}

// negate is -v. The smallest integer of a kind has no negation in it and becomes the next kind.
func negate(v value.Value) value.Value {
	switch n := v.(type) {
	case value.Double:
		return -n
	case value.Long:
		if n == math.MinInt64 {
			return value.Double(-float64(n))
		}
	}
	n, _ := value.AsInt64(v)
	return value.Integer(-n)
}

// truncate is a number as 64 bits, the operand of the bit operators: towards zero, NaN as
// 0, the nearest there is for what is too great.
func truncate(v value.Value) int64 {
	d, ok := v.(value.Double)
	if !ok {
		n, _ := value.AsInt64(v)
		return n
	}
	switch f := float64(d); {
	case f != f:
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	}
	return int64(d)
}

func (ev *evaluator) compareBy(op string, l, r value.Value) (value.Value, error) {
	if op == "==" || op == "!=" {
		same, err := ev.equal(l, r)
		return value.Bool(same == (op == "==")), err
	}
	c, related, err := ev.relate(l, r)
	if err != nil || !related {
		return value.Bool(false), err
	}
	switch op {
	case "<":
		return value.Bool(c < 0), nil
	case "<=":
		return value.Bool(c <= 0), nil
	case ">":
		return value.Bool(c > 0), nil
	}
	return value.Bool(c >= 0), nil
}

// equal is FQL's ==. Documents are equal by reference; a document that is missing or
// unreadable equals null.
func (ev *evaluator) equal(a, b value.Value) (bool, error) {
	if err := ev.spend(1); err != nil {
		return false, err
	}
	switch x := a.(type) {
	case value.Array:
		y, ok := b.(value.Array)
		return ev.equalAll(x, y, ok && len(x) == len(y))
	case *value.Object:
		y, ok := b.(*value.Object)
		return ev.equalObjects(x, y, ok)
	case value.Null:
		return ev.isNull(b)
	case *nativeFunction:
		y, ok := b.(*nativeFunction)
		if !ok || x.name != y.name || x.this == nil || y.this == nil {
			return a == b, nil
		}
		return ev.equal(x.this, y.this)
	}
	if value.IsNull(b) {
		return ev.isNull(a)
	}
	c, related, err := ev.relate(a, b)
	return related && c == 0, err
}

func (ev *evaluator) equalAll(a, b value.Array, same bool) (bool, error) {
	var err error
	for i := 0; same && err == nil && i < len(a); i++ {
		same, err = ev.equal(a[i], b[i])
	}
	return same, err
}

func (ev *evaluator) equalObjects(a, b *value.Object, both bool) (bool, error) {
	same := both && a.Len() == b.Len()
	var err error
	for i := 0; same && err == nil && i < a.Len(); i++ {
		f, other := a.Fields()[i], b.Fields()[i]
		if f.Name != other.Name {
			return ev.equalByName(a, b)
		}
		same, err = ev.equal(f.Value, other.Value)
	}
	return same, err
}

// equalByName compares objects of equal size whose fields are in different orders.
func (ev *evaluator) equalByName(a, b *value.Object) (bool, error) {
	x, y := byName(a), byName(b)
	same, err := true, ev.spend(len(x)+len(y))
	for i := 0; same && err == nil && i < len(x); i++ {
		if same = x[i].Name == y[i].Name; same {
			same, err = ev.equal(x[i].Value, y[i].Value)
		}
	}
	return same, err
}

// relate compares for the operators < <= > >=; related is false for types that have
// nothing to do with each other.
func (ev *evaluator) relate(a, b value.Value) (c int, related bool, err error) {
	switch {
	case isNested(a) && a.Kind() == b.Kind():
		c, err = ev.compare(a, b)
		return c, true, err
	case a.Kind() == value.KindRef && b.Kind() == value.KindRef:
		return compareDocs(a, b), true, nil
	case a.Kind() == value.KindRef || b.Kind() == value.KindRef:
		return 0, false, nil
	}
	c, related = value.Relate(a, b)
	return c, related, nil
}

func isNested(v value.Value) bool {
	k := v.Kind()
	return k == value.KindArray || k == value.KindObject
}

// compare is the total order, of order(): that of value.Compare, but it takes steps, and
// it knows the documents of the evaluator.
func (ev *evaluator) compare(a, b value.Value) (int, error) {
	if err := ev.spend(1); err != nil {
		return 0, err
	}
	if a.Kind() != b.Kind() {
		return value.Compare(a, b), nil
	}
	switch x := a.(type) {
	case value.Array:
		return ev.compareAll(x, b.(value.Array))
	case *value.Object:
		return ev.compareObjects(x, b.(*value.Object))
	}
	if a.Kind() == value.KindRef {
		return compareDocs(a, b), nil
	}
	return value.Compare(a, b), nil
}

func (ev *evaluator) compareAll(a, b value.Array) (int, error) {
	for i := range min(len(a), len(b)) {
		if c, err := ev.compare(a[i], b[i]); c != 0 || err != nil {
			return c, err
		}
	}
	return cmp.Compare(len(a), len(b)), nil
}

func (ev *evaluator) compareObjects(a, b *value.Object) (int, error) {
	x, y := byName(a), byName(b)
	if err := ev.spend(len(x) + len(y)); err != nil {
		return 0, err
	}
	for i := range min(len(x), len(y)) {
		if c := strings.Compare(x[i].Name, y[i].Name); c != 0 {
			return c, nil
		}
		if c, err := ev.compare(x[i].Value, y[i].Value); c != 0 || err != nil {
			return c, err
		}
	}
	return cmp.Compare(len(x), len(y)), nil
}

// byName returns o's fields sorted by name.
func byName(o *value.Object) []value.Field {
	fields := slices.Clone(o.Fields())
	slices.SortFunc(fields, func(f, g value.Field) int { return strings.Compare(f.Name, g.Name) })
	return fields
}

func compareDocs(a, b value.Value) int {
	x, _ := refOf(a)
	y, _ := refOf(b)
	return value.Compare(x, y)
}
