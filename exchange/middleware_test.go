package exchange

import (
	"strings"
	"testing"
)

func TestClean(t *testing.T) {
	for _, tt := range []struct{ name, s, want string }{
		{"plain", `auth0|ada "x" é`, `auth0|ada "x" é`},
		{"control", "a\nb", `a\nb`},
		{"format", "a\u202eb", `a\u202eb`},
		{"not UTF-8", "a\xff", `a\xff`},
		{"quotes at the ends, escaped", "\"a\n\"", `\"a\n\"`},
		{"only a quote and a control", "\x00\"", `\x00\"`},
		{"long", strings.Repeat("a", 300), strings.Repeat("a", 256)},
		{"long, escaped", strings.Repeat("\n", 300), strings.Repeat(`\n`, 128)},
	} {
		if got := clean(tt.s); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
