package engine

import (
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
)

// traceparent answers a Traceparent header (W3C Trace Context, level 1): the caller's trace
// with a span of ours, or a new trace if there is none or it is malformed.
func traceparent(header string) string {
	if header == "" {
		return newTrace()
	}
	parts := strings.Split(header, "-")
	if len(parts) == 4 && parts[0] == "00" && isTraceID(parts[1], 32) && isTraceID(parts[2], 16) &&
		len(parts[3]) == 2 && isLowerHex(parts[3]) {
		return "00-" + parts[1] + "-" + randomID() + "-" + parts[3]
	}
	return newTrace()
}

// newTrace begins a trace that nobody samples.
func newTrace() string {
	var random [24]byte
	for i := 0; i < len(random); i += 8 {
		binary.BigEndian.PutUint64(random[i:], rand.Uint64())
	}
	b := append(make([]byte, 0, 55), "00-"...)
	b = append(hex.AppendEncode(b, random[:16]), '-')
	b = append(hex.AppendEncode(b, random[16:]), "-00"...)
	return string(b)
}

// isTraceID: n lower-case hexadecimal digits, not all zero.
func isTraceID(s string, n int) bool {
	return len(s) == n && isLowerHex(s) && strings.Trim(s, "0") != ""
}

func isLowerHex(s string) bool { return strings.Trim(s, "0123456789abcdef") == "" }

// randomID is 16 hexadecimal digits that name a span or a log entry. It keeps nothing secret.
func randomID() string {
	return hex.EncodeToString(binary.BigEndian.AppendUint64(nil, rand.Uint64()))
}
