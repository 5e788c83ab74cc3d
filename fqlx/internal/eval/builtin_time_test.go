package eval

import (
	"math"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func TestShiftAtTheEndsOfTime(t *testing.T) {
	const late, early = "Time exceeds the maximum value.", "Time exceeds the minimum value."
	first, last := time.Unix(minSecond, 0), time.Unix(maxSecond, 999_999_999)
	for _, tt := range []struct {
		name      string
		from      time.Time
		amount    value.Value
		unit      string
		direction int64
		want      time.Time
		fails     string
	}{
		{name: "the whole range", from: first, amount: value.Long(maxSecond - minSecond), unit: "seconds", direction: 1, want: time.Unix(maxSecond, 0)},
		{name: "back", from: last, amount: value.Long(maxSecond - minSecond), unit: "seconds", direction: -1, want: time.Unix(minSecond, 999_999_999)},
		{name: "one beyond", from: first, amount: value.Long(maxSecond - minSecond + 1), unit: "seconds", direction: 1, fails: late},
		{name: "a nanosecond too late", from: last, amount: value.Int(1), unit: "nanosecond", direction: 1, fails: late},
		{name: "a nanosecond too early", from: first, amount: value.Int(-1), unit: "nanosecond", direction: 1, fails: early},
		{name: "half a second", from: last, amount: value.Double(0.5), unit: "seconds", direction: -1, want: time.Unix(maxSecond, 499_999_999)},
		{name: "over a second's border", from: first, amount: value.Long(1_500_000_001), unit: "nanoseconds", direction: 1, want: time.Unix(minSecond+1, 500_000_001)},
		{name: "most of the days", from: first, amount: value.Long(math.MaxInt64), unit: "days", direction: 1, fails: late},
		{name: "least of the seconds", from: last, amount: value.Long(math.MinInt64), unit: "seconds", direction: 1, fails: early},
		{name: "and back", from: first, amount: value.Long(math.MinInt64), unit: "seconds", direction: -1, fails: late},
		{name: "a large number", from: last, amount: value.Double(-1e300), unit: "days", direction: 1, fails: early},
		{name: "no number", from: last, amount: value.Double(math.NaN()), unit: "days", direction: 1, fails: early},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := shift(tt.from, []value.Value{tt.amount, value.String(tt.unit)}, tt.direction)
			switch {
			case tt.fails != "":
				if e, ok := err.(*Error); !ok || e.Message != tt.fails {
					t.Errorf("got %v, %v", got, err)
				}
			case err != nil || got != value.Value(value.NewTime(tt.want)):
				t.Errorf("got %v, %v", got, err)
			}
		})
	}
}
