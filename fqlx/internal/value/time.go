package value

import (
	"strconv"
	"strings"
	"time"
)

const secondsPerDay = 24 * 60 * 60

// FormatTime writes t as Java's Instant does: UTC with Z and no fraction, or one of 3, 6 or
// 9 digits. Years have four digits, or a sign if they do not fit into these.
func FormatTime(t Time) string { return string(appendTime(nil, t)) }

func appendTime(dst []byte, t Time) []byte {
	year, month, day := t.t.Date()
	hour, minute, second := t.t.Clock()
	dst = append(appendDay(dst, year, month, day), 'T')
	dst = append(appendPadded(dst, hour, 2), ':')
	dst = append(appendPadded(dst, minute, 2), ':')
	dst = appendPadded(dst, second, 2)
	switch ns := t.t.Nanosecond(); {
	case ns == 0:
	case ns%1e6 == 0:
		dst = appendPadded(append(dst, '.'), ns/1e6, 3)
	case ns%1e3 == 0:
		dst = appendPadded(append(dst, '.'), ns/1e3, 6)
	default:
		dst = appendPadded(append(dst, '.'), ns, 9)
	}
	return append(dst, 'Z')
}

// FormatDate writes d as 2006-01-02, years as in [FormatTime].
func FormatDate(d Date) string { return string(appendDate(nil, d)) }

func appendDate(dst []byte, d Date) []byte {
	year, month, day := time.Unix(int64(d)*secondsPerDay, 0).UTC().Date()
	return appendDay(dst, year, month, day)
}

func appendDay(dst []byte, year int, month time.Month, day int) []byte {
	switch {
	case year < 0:
		dst, year = append(dst, '-'), -year
	case year > 9999:
		dst = append(dst, '+')
	}
	dst = append(appendPadded(dst, year, 4), '-')
	dst = append(appendPadded(dst, int(month), 2), '-')
	return appendPadded(dst, day, 2)
}

// appendPadded writes n ≥ 0 with at least width digits.
func appendPadded(dst []byte, n, width int) []byte {
	for limit := 10; width > 1; width-- {
		if n < limit {
			dst = append(dst, "00000000"[:width-1]...)
			break
		}
		limit *= 10
	}
	return strconv.AppendInt(dst, int64(n), 10)
}

// ParseTime reads an ISO 8601 time with zone: 2006-01-02T15:04[:05[.999999999]] and then Z,
// ±hh:mm, ±hh:mm:ss or ±hhmm, at most 18 hours. Years are those of [ParseDate].
//
// Fauna: Time.fromString. Unlike it, a day that its month does not have is refused.
func ParseTime(s string) (Time, bool) {
	p := timeText{rest: s}
	day := p.day()
	p.oneOf("Tt")
	day = day.Add(p.clock())
	day = day.Add(-p.zone())
	return NewTime(day), p.done()
}

// ParseDate reads 2006-01-02. A year of more than four digits, at most nine, has a sign.
func ParseDate(s string) (Date, bool) {
	p := timeText{rest: s}
	day := p.day()
	return Date(day.Unix() / secondsPerDay), p.done()
}

// timeText is read from the front. After a mistake bad is set, and what is returned means
// nothing.
type timeText struct {
	rest string
	bad  bool
}

func (p *timeText) done() bool { return !p.bad && p.rest == "" }

func (p *timeText) day() time.Time {
	year := p.year()
	p.oneOf("-")
	month := time.Month(p.number(2, 12))
	p.oneOf("-")
	day := p.number(2, 31)
	t := time.Date(year, month, day, 0, 0, 0, 0, time.UTC)
	if t.Day() != day || t.Month() != month {
		p.bad = true
	}
	return t
}

func (p *timeText) year() int {
	sign := p.maybe("+-")
	size := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	if size < 4 || size > 9 || sign == 0 && size > 4 || sign == '+' && size == 4 {
		p.bad = true
		return 0
	}
	year := p.number(size, 999_999_999)
	if sign == '-' {
		return -year
	}
	return year
}

func (p *timeText) clock() time.Duration {
	d := time.Duration(p.number(2, 23)) * time.Hour
	p.oneOf(":")
	d += time.Duration(p.number(2, 59)) * time.Minute
	if p.maybe(":") == 0 {
		return d
	}
	d += time.Duration(p.number(2, 59)) * time.Second
	if p.maybe(".") == 0 {
		return d
	}
	return d + p.fraction()
}

func (p *timeText) fraction() time.Duration {
	size := len(p.rest) - len(strings.TrimLeft(p.rest, "0123456789"))
	if size < 1 || size > 9 {
		p.bad = true
		return 0
	}
	ns := p.number(size, 999_999_999)
	for ; size < 9; size++ {
		ns *= 10
	}
	return time.Duration(ns)
}

// zone returns how far the zone is east of UTC.
func (p *timeText) zone() time.Duration {
	sign := p.oneOf("Zz+-")
	if sign == 'Z' || sign == 'z' {
		return 0
	}
	d := time.Duration(p.number(2, 18)) * time.Hour
	colon := p.maybe(":") != 0
	d += time.Duration(p.number(2, 59)) * time.Minute
	if colon && p.maybe(":") != 0 {
		d += time.Duration(p.number(2, 59)) * time.Second
	}
	if d > 18*time.Hour {
		p.bad = true
	}
	if sign == '-' {
		return -d
	}
	return d
}

// number reads exactly size digits.
func (p *timeText) number(size, limit int) int {
	n := 0
	for range size {
		n = n*10 + int(p.oneOf("0123456789")-'0')
	}
	if n > limit {
		p.bad = true
	}
	return n
}

func (p *timeText) oneOf(set string) byte {
	c := p.maybe(set)
	if c == 0 {
		p.bad = true
	}
	return c
}

// maybe reads one byte if it is of set, else returns 0.
func (p *timeText) maybe(set string) byte {
	if p.rest == "" || strings.IndexByte(set, p.rest[0]) < 0 {
		return 0
	}
	c := p.rest[0]
	p.rest = p.rest[1:]
	return c
}
