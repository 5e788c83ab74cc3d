package eval

import (
	"math"
	"math/big"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// timeMethods are the members of times, dateMethods those of dates. All are in UTC. (Fauna:
// Time, Date)
var timeMethods, dateMethods table

func init() {
	amount := []string{"amount: Number", "unit: String"}
	timeMethods = table{
		"add":        {params: amount, fn: timeAdd},
		"subtract":   {params: amount, fn: timeSubtract},
		"difference": {params: []string{"start: Time", "unit: String"}, fn: timeDifference},
		"toMicros":   {fn: timeIn(time.Microsecond)},
		"toMillis":   {fn: timeIn(time.Millisecond)},
		"toSeconds":  {fn: timeIn(time.Second)},
		"toString":   {fn: toString},
		"hour":       timePart(time.Time.Hour),
		"minute":     timePart(time.Time.Minute),
		"second":     timePart(time.Time.Second),
	}
	dateMethods = table{
		"add":        {params: amount, fn: dateAdd},
		"subtract":   {params: amount, fn: dateSubtract},
		"difference": {params: []string{"start: Date"}, fn: dateDifference},
		"toString":   {fn: toString},
	}
	for name, part := range map[string]func(time.Time) int{
		"year":       time.Time.Year,
		"month":      func(t time.Time) int { return int(t.Month()) },
		"dayOfMonth": time.Time.Day,
		"dayOfWeek":  func(t time.Time) int { return (int(t.Weekday())+6)%7 + 1 }, // Monday is 1
		"dayOfYear":  time.Time.YearDay,
	} {
		timeMethods[name] = timePart(part)
		dateMethods[name] = timePart(part)
	}
	coreModules["Time"] = table{
		"()":         {params: []string{"time: String"}, fn: timeFromString},
		"fromString": {params: []string{"time: String"}, fn: timeFromString},
		"now":        {effect: resolve.Observation, fn: timeNow},
		"epoch":      {params: []string{"offset: Number", "unit: String"}, fn: timeEpoch},
	}
	coreModules["Date"] = table{
		"()":         {params: []string{"date: String"}, fn: dateFromString},
		"fromString": {params: []string{"date: String"}, fn: dateFromString},
		"today":      {effect: resolve.Observation, fn: dateToday},
	}
	coreModules["TransactionTime"] = table{"()": {fn: transactionTime}}
}

func timePart(part func(time.Time) int) builtin {
	return builtin{prop: true, fn: func(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
		if d, ok := this.(value.Date); ok {
			return value.Int(part(dateStart(d))), nil
		}
		return value.Int(part(this.(value.Time).Std())), nil
	}}
}

const secondsPerDay = 24 * 60 * 60

func dateStart(d value.Date) time.Time { return time.Unix(int64(d)*secondsPerDay, 0).UTC() }

func timeNow(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) { return ev.now, nil }

func transactionTime(*evaluator, value.Value, []value.Value) (value.Value, error) {
	return value.TransactionTime{}, nil
}

func timeFromString(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	t, ok := value.ParseTime(str(args[0]))
	if !ok {
		return nil, errorf("invalid_time", "`%s` is not a valid time.", str(args[0]))
	}
	return t, nil
}

func timeIn(unit time.Duration) method {
	perSecond := int64(time.Second / unit)
	return func(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
		t := this.(value.Time).Std()
		n, ok := multiply(t.Unix(), perSecond)
		if !ok {
			return nil, errorf("invalid_time", "Time exceeds the maximum value.")
		}
		return value.Integer(n + int64(t.Nanosecond())/int64(unit)), nil
	}
}

// timeUnit reads a unit: its length in nanoseconds.
func timeUnit(v value.Value) (time.Duration, error) {
	name := str(v)
	switch strings.TrimSuffix(strings.TrimFunc(name, func(r rune) bool { return r <= ' ' }), "s") {
	case "day":
		return secondsPerDay * time.Second, nil
	case "half day":
		return secondsPerDay / 2 * time.Second, nil
	case "hour":
		return time.Hour, nil
	case "minute":
		return time.Minute, nil
	case "second":
		return time.Second, nil
	case "millisecond":
		return time.Millisecond, nil
	case "microsecond":
		return time.Microsecond, nil
	case "nanosecond":
		return time.Nanosecond, nil
	}
	return 0, errorf("invalid_unit", "`%s` is not a valid time unit.", name)
}

// The range of Java's Instant in years, in seconds since 1970.
const (
	minSecond = -31557014135596800 - 31622400 // the first second of the year -999999999
	maxSecond = 31556889864403199             // the last one of the year 999999999
)

func timeAdd(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return shift(this.(value.Time).Std(), args, 1)
}

func timeSubtract(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return shift(this.(value.Time).Std(), args, -1)
}

func timeEpoch(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return shift(time.Unix(0, 0), args, 1)
}

// shift moves t by amount units, forward or backward.
func shift(t time.Time, args []value.Value, direction int64) (value.Value, error) {
	unit, err := timeUnit(args[1])
	if err != nil {
		return nil, err
	}
	seconds, nanos, ok := inSeconds(args[0], unit)
	if !ok {
		return nil, errTimeRange(double(args[0])*float64(direction) > 0)
	}
	moved := time.Unix(t.Unix()+direction*seconds, int64(t.Nanosecond())+direction*nanos)
	if s := moved.Unix(); s > maxSecond || s < minSecond {
		return nil, errTimeRange(s > 0)
	}
	return value.NewTime(moved), nil
}

func errTimeRange(tooLate bool) error {
	if tooLate {
		return errorf("invalid_time", "Time exceeds the maximum value.")
	}
	return errorf("invalid_time", "Time exceeds the minimum value.")
}

// inSeconds returns amount units in seconds and nanoseconds, to the nearest one. ok is false for
// what is no finite number, or would take any time out of its range.
func inSeconds(amount value.Value, unit time.Duration) (seconds, nanos int64, ok bool) {
	if n, whole := value.AsInt64(amount); whole {
		if unit < time.Second {
			perSecond := int64(time.Second / unit)
			seconds, nanos, ok = n/perSecond, n%perSecond*int64(unit), true
		} else {
			seconds, ok = multiply(n, int64(unit/time.Second))
		}
	} else if f := double(amount); !math.IsNaN(f) && !math.IsInf(f, 0) {
		exact := new(big.Float).SetPrec(256).SetFloat64(f)
		exact.Mul(exact, new(big.Float).SetInt64(int64(unit)))
		exact.Add(exact, big.NewFloat(math.Copysign(0.5, f)))
		all, _ := exact.Int(nil)
		second, rest := all.QuoRem(all, big.NewInt(int64(time.Second)), new(big.Int))
		seconds, nanos, ok = second.Int64(), rest.Int64(), second.IsInt64()
	}
	return seconds, nanos, ok && seconds <= maxSecond-minSecond && seconds >= minSecond-maxSecond
}

// timeDifference counts whole units, towards zero.
func timeDifference(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	unit, err := timeUnit(args[1])
	if err != nil {
		return nil, err
	}
	end, start := this.(value.Time).Std(), args[0].(value.Time).Std()
	if d := end.Sub(start); d != math.MaxInt64 && d != math.MinInt64 {
		return value.Integer(int64(d / unit)), nil
	}
	seconds := end.Unix() - start.Unix() // of some hundred years
	if unit < time.Second {
		n, ok := multiply(seconds, int64(time.Second/unit))
		if !ok {
			return nil, errTimeRange(seconds > 0)
		}
		return value.Integer(n + int64(end.Nanosecond()-start.Nanosecond())/int64(unit)), nil
	}
	switch nanos := end.Nanosecond() - start.Nanosecond(); {
	case seconds > 0 && nanos < 0:
		seconds--
	case seconds < 0 && nanos > 0:
		seconds++
	}
	return value.Integer(seconds / int64(unit/time.Second)), nil
}

func dateFromString(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	d, ok := value.ParseDate(str(args[0]))
	if !ok {
		return nil, errorf("invalid_date", "`%s` is not a valid date.", str(args[0]))
	}
	return d, nil
}

func dateToday(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) {
	return value.Date(math.Floor(float64(ev.now.Std().Unix()) / secondsPerDay)), nil
}

func dateAdd(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return shiftDate(this.(value.Date), args, 1)
}

func dateSubtract(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return shiftDate(this.(value.Date), args, -1)
}

// shiftDate moves d by days, the one unit that dates have.
func shiftDate(d value.Date, args []value.Value, direction int64) (value.Value, error) {
	if unit, err := timeUnit(args[1]); err != nil || unit != secondsPerDay*time.Second {
		return nil, errorf("invalid_unit", "`%s` is not a valid date unit.", str(args[1]))
	}
	days, whole := value.AsInt64(args[0])
	if !whole {
		days = truncate(value.Double(math.Floor(double(args[0]) + 0.5)))
	}
	const limit = maxSecond / secondsPerDay
	if days > 3*limit || days < -3*limit {
		return nil, errDateRange()
	}
	days = int64(d) + direction*days
	if days > limit || days < -limit {
		return nil, errDateRange()
	}
	return value.Date(days), nil
}

func errDateRange() error { return errorf("invalid_date", "Date exceeds the range of years.") }

func dateDifference(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return value.Long(this.(value.Date) - args[0].(value.Date)), nil
}
