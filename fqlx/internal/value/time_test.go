package value

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	tests := []struct{ in, want string }{
		{"2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"},
		{"2024-01-02t03:04:05z", "2024-01-02T03:04:05Z"},
		{"2024-01-02T03:04Z", "2024-01-02T03:04:00Z"},
		{"2024-01-02T03:04:05.1Z", "2024-01-02T03:04:05.100Z"},
		{"2024-01-02T03:04:05.000001Z", "2024-01-02T03:04:05.000001Z"},
		{"2024-01-02T03:04:05.123456789Z", "2024-01-02T03:04:05.123456789Z"},
		{"2024-01-02T03:04:05.000000Z", "2024-01-02T03:04:05Z"},
		{"2024-01-02T03:04:05+02:30", "2024-01-02T00:34:05Z"},
		{"2024-01-02T03:04:05-0230", "2024-01-02T05:34:05Z"},
		{"2024-01-02T03:04:05+02:30:10", "2024-01-02T00:33:55Z"},
		{"2024-01-02T03:04:05+18:00", "2024-01-01T09:04:05Z"},
		{"2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"0000-01-01T00:00:00Z", "0000-01-01T00:00:00Z"},
		{"-0001-12-31T23:59:59.999Z", "-0001-12-31T23:59:59.999Z"},
		{"+10000-01-01T00:00:00Z", "+10000-01-01T00:00:00Z"},
		{"+999999999-12-31T23:59:59.999999999Z", "+999999999-12-31T23:59:59.999999999Z"},
		{"-999999999-01-01T00:00:00Z", "-999999999-01-01T00:00:00Z"},
	}
	for _, test := range tests {
		got, ok := ParseTime(test.in)
		if !ok || FormatTime(got) != test.want {
			t.Errorf("%s: %s, %t, want %s", test.in, FormatTime(got), ok, test.want)
		}
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, in := range []string{
		"", "2024-01-02", "2024-01-02T03:04:05", "2024-01-02 03:04:05Z", "2024-01-02T03Z", "2024-01-02T3:04:05Z",
		"2024-01-02T24:00:00Z", "2024-01-02T23:60:00Z", "2024-01-02T23:59:60Z", "2024-13-01T00:00:00Z", "2024-00-01T00:00:00Z",
		"2024-01-00T00:00:00Z", "2023-02-29T00:00:00Z", "2024-04-31T00:00:00Z", "2024-01-02T03:04:05.Z", "2024-01-02T03:04:05.1234567890Z",
		"2024-01-02T03:04:05,1Z", "2024-01-02T03:04:05+18:01", "2024-01-02T03:04:05+19:00", "2024-01-02T03:04:05+02", "2024-01-02T03:04:05+2:00",
		"2024-01-02T03:04:05Z ", " 2024-01-02T03:04:05Z", "2024-01-02T03:04:05ZZ", "2024-01-02T03:04:05+0230:10", "24-01-02T03:04:05Z",
		"12024-01-02T03:04:05Z", "+2024-01-02T03:04:05Z", "+1000000000-01-01T00:00:00Z", "2024-1-02T03:04:05Z", "2024-01-02T03:04:05+-1:00",
		"2024-01-02T٠٣:04:05Z", "Z", "2024",
	} {
		if got, ok := ParseTime(in); ok {
			t.Errorf("%q is read as %s", in, FormatTime(got))
		}
	}
}

func TestTimeRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 100_000 {
		ns := r.Int64N(1e9)
		std := time.Unix(r.Int64N(1<<40)-1<<39, ns-ns%[]int64{1, 1e3, 1e6, 1e9}[r.IntN(4)]).UTC()
		text := FormatTime(NewTime(std))
		if got, ok := ParseTime(text); !ok || !got.Std().Equal(std) {
			t.Fatalf("%v is written %s and read %v", std, text, got.Std())
		}
		if y := std.Year(); y < 0 || y > 9999 {
			continue
		}
		if got, err := time.Parse(time.RFC3339Nano, text); err != nil || !got.Equal(std) {
			t.Fatalf("%v is written %s, which Go reads as %v, %v", std, text, got, err)
		}
	}
}

func TestDates(t *testing.T) {
	tests := []struct {
		text string
		days Date
	}{
		{"1970-01-01", 0},
		{"1969-12-31", -1},
		{"2000-02-29", 11016},
		{"0000-01-01", -719528},
		{"+999999999-12-31", 365241780471},
		{"-999999999-01-01", -365243219162},
	}
	for _, test := range tests {
		if got, ok := ParseDate(test.text); !ok || got != test.days {
			t.Errorf("ParseDate(%s) = %d, %t, want %d", test.text, got, ok, test.days)
		}
		if got := FormatDate(test.days); got != test.text {
			t.Errorf("FormatDate(%d) = %s, want %s", test.days, got, test.text)
		}
	}
	for _, in := range []string{"", "2023-02-29", "2023-13-01", "2023-1-01", "20230101", "2023-01-01Z", "2023-01-01T00:00:00Z", "x"} {
		if got, ok := ParseDate(in); ok {
			t.Errorf("ParseDate(%q) = %d", in, got)
		}
	}
	for d := Date(-800_000); d < 3_000_000; d += 17 {
		if got, ok := ParseDate(FormatDate(d)); !ok || got != d {
			t.Fatalf("%d is written %s and read %d", d, FormatDate(d), got)
		}
	}
}

func TestMicros(t *testing.T) {
	tests := []struct {
		in   string
		want int64
	}{
		{"1970-01-01T00:00:01.000002Z", 1_000_002},
		{"1969-12-31T23:59:59.9999999Z", -1},
		{"1969-12-31T23:59:59.999999Z", -1},
		{"+999999999-01-01T00:00:00Z", math.MaxInt64},
		{"-999999999-01-01T00:00:00Z", math.MinInt64},
	}
	for _, test := range tests {
		if got := mustTime(t, test.in).Micros(); got != test.want {
			t.Errorf("%s: %d, want %d", test.in, got, test.want)
		}
	}
	if got := TimeOfMicros(-1); FormatTime(got) != "1969-12-31T23:59:59.999999Z" || got.Micros() != -1 {
		t.Errorf("TimeOfMicros(-1) = %s", FormatTime(got))
	}
}
