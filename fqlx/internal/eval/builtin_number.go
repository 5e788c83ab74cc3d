package eval

import (
	"math"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The module Math. Numbers themselves have no methods of their own. (Fauna: Math)
func init() {
	x := []string{"x: Number"}
	xy := []string{"x: Number", "y: Number"}
	rounded := []string{"x: Number", "precision: Int"}
	numbers := []string{"numbers"}
	coreModules["Math"] = table{
		"E":        mathConstant(math.E),
		"PI":       mathConstant(math.Pi),
		"NaN":      mathConstant(math.NaN()),
		"Infinity": mathConstant(math.Inf(1)),

		"abs":   {params: x, fn: mathAbs},
		"ceil":  {params: x, fn: mathWhole(math.Ceil)},
		"floor": {params: x, fn: mathWhole(math.Floor)},
		"sign":  {params: x, fn: mathSign},
		"max":   {params: xy, fn: mathMax},
		"min":   {params: xy, fn: mathMin},
		"round": {params: rounded, fn: mathRound},
		"trunc": {params: rounded, fn: mathTrunc},
		"sum":   {params: numbers, fn: mathSum},
		"mean":  {params: numbers, fn: mathMean},

		"acos":    {params: x, fn: mathIf(math.Acos, withinOne, "argument must lie in [-1, 1]")},
		"asin":    {params: x, fn: mathIf(math.Asin, withinOne, "argument must lie in [-1, 1]")},
		"log":     {params: x, fn: mathIf(math.Log, positive, "x must be positive")},
		"log10":   {params: x, fn: mathIf(math.Log10, positive, "x must be positive")},
		"sqrt":    {params: x, fn: mathIf(math.Sqrt, nonnegative, "x must be nonnegative")},
		"atan":    {params: x, fn: mathOf(math.Atan)},
		"cos":     {params: x, fn: mathOf(math.Cos)},
		"cosh":    {params: x, fn: mathOf(math.Cosh)},
		"degrees": {params: x, fn: mathOf(func(x float64) float64 { return x * (180 / math.Pi) })},
		"exp":     {params: x, fn: mathOf(math.Exp)},
		"radians": {params: x, fn: mathOf(func(x float64) float64 { return x * (math.Pi / 180) })},
		"sin":     {params: x, fn: mathOf(math.Sin)},
		"sinh":    {params: x, fn: mathOf(math.Sinh)},
		"tan":     {params: x, fn: mathOf(math.Tan)},
		"tanh":    {params: x, fn: mathOf(math.Tanh)},
		"hypot":   {params: xy, fn: mathOfTwo(math.Hypot)},
		"pow":     {params: []string{"x: Number", "power: Number"}, fn: mathOfTwo(javaPow)},
	}
}

func mathConstant(f float64) builtin {
	return builtin{prop: true, fn: func(*evaluator, value.Value, []value.Value) (value.Value, error) {
		return value.Double(f), nil
	}}
}

// double returns v, whose type was checked, as a Go number.
func double(v value.Value) float64 {
	f, _ := value.AsFloat(v)
	return f
}

func mathOf(f func(float64) float64) method {
	return func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		return value.Double(f(double(args[0]))), nil
	}
}

func mathOfTwo(f func(x, y float64) float64) method {
	return func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		return value.Double(f(double(args[0]), double(args[1]))), nil
	}
}

// mathIf is mathOf for a function that is not defined everywhere.
func mathIf(f func(float64) float64, defined func(float64) bool, otherwise string) method {
	return func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		x := double(args[0])
		if !defined(x) {
			return nil, errArgument("x", "%s", otherwise)
		}
		return value.Double(f(x)), nil
	}
}

// NaN lies above every number in Fauna's order, so it is positive.
func positive(x float64) bool    { return x > 0 || math.IsNaN(x) }
func nonnegative(x float64) bool { return x >= 0 && !math.Signbit(x) || math.IsNaN(x) }
func withinOne(x float64) bool   { return !(x < -1 || x > 1) }

// mathWhole is for functions that leave integers as they are.
func mathWhole(f func(float64) float64) method {
	return func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		if d, ok := args[0].(value.Double); ok {
			return value.Double(f(float64(d))), nil
		}
		return args[0], nil
	}
}

func mathAbs(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	if d, ok := args[0].(value.Double); ok {
		return value.Double(math.Abs(float64(d))), nil
	}
	if value.Compare(args[0], value.Int(0)) < 0 {
		return negate(args[0]), nil
	}
	return args[0], nil
}

func mathSign(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return value.Int(value.Compare(args[0], value.Int(0))), nil
}

func mathMax(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	if value.Compare(args[0], args[1]) < 0 {
		return args[1], nil
	}
	return args[0], nil
}

func mathMin(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	if value.Compare(args[0], args[1]) > 0 {
		return args[1], nil
	}
	return args[0], nil
}

// mathRound rounds half up to a decimal place: 0 is the units, 1 the tenths, -1 the tens.
// Below the point, Fauna adds a half and cuts off, which takes -2.7 to -2.
func mathRound(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return atPlace(args[0], num(args[1]), 0.5), nil
}

// mathTrunc cuts off behind a decimal place.
func mathTrunc(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return atPlace(args[0], num(args[1]), 0), nil
}

// atPlace adds half of the place's unit to x and cuts off behind the place (Fauna: as
// there, in steps that keep a great number's whole part exact). Integers become Long.
func atPlace(x value.Value, place int, half float64) value.Value {
	if n, ok := value.AsInt64(x); ok {
		if place > 0 {
			return value.Long(n)
		}
		unit := math.Pow(10, float64(place))
		return value.Long(truncate(value.Double(float64(truncate(value.Double(float64(n)*unit+half))) / unit)))
	}
	f := double(x)
	if place <= 0 {
		unit := math.Pow(10, float64(place))
		cut := float64(truncate(value.Double(f*unit+half))) / unit
		if half > 0 {
			cut = float64(truncate(value.Double(cut)))
		}
		return value.Double(cut)
	}
	unit := math.Min(math.Pow(10, float64(place)), math.MaxInt32)
	whole := float64(truncate(value.Double(f)))
	fraction := float64(truncate(value.Double((f - whole + half/unit) * unit)))
	return value.Double(whole + fraction/unit)
}

func mathSum(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	sum, _, err := ev.sum(args[0])
	return sum, err
}

func mathMean(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	sum, n, err := ev.sum(args[0])
	if err != nil {
		return nil, err
	}
	return value.Double(double(sum) / float64(n)), nil
}

// sum adds up an array or a set of numbers.
func (ev *evaluator) sum(of value.Value) (sum value.Value, n int, err error) {
	sum = value.Int(0)
	add := func(v value.Value) (bool, error) {
		if !isNumber(v) {
			return false, errArgument("numbers", "all array elements must be numbers")
		}
		n++
		sum, err = ev.operate("+", sum, v)
		return true, err
	}
	switch of := of.(type) {
	case value.Array:
		for _, v := range of {
			if _, err := add(v); err != nil {
				return nil, 0, err
			}
		}
		return sum, n, nil
	case *set:
		err := ev.iterate(of, add)
		return sum, n, err
	}
	return nil, 0, errArgumentType("numbers", "Array<Any>", of)
}
