package main

import (
	"bytes"
	"encoding/json"
	"testing"
)

// What strangers chose reaches the terminal without control or format characters, and JSON still
// says the same.
func TestPrintable(t *testing.T) {
	tests := []struct{ name, text, shown, json string }{
		{"nothing", "", `-`, `""`},
		{"plain", "auth0|ada", `auth0|ada`, `"auth0|ada"`},
		{"letters of the world", "auth0|Жанна-é-日本", `auth0|Жанна-é-日本`, `"auth0|Жанна-é-日本"`},
		{"quotes", `a"b\c`, `"a\"b\\c"`, `"a\"b\\c"`},
		{"escape sequence", "\x1b[2J", `"\x1b[2J"`, `"\u001b[2J"`},
		{"C1 control", "\u009b31m", `"\u009b31m"`, `"\u009b31m"`},
		{"right to left", "\u202egnp.exe", `"\u202egnp.exe"`, `"\u202egnp.exe"`},
		{"no-break space", "a\u00a0b", `"a\u00a0b"`, `"a\u00a0b"`},
		{"tag character", "a\U000E0041", `"a\U000e0041"`, `"a\udb40\udc41"`},
		{"columns and lines", "a\tb\nc", `"a\tb\nc"`, `"a\tb\nc"`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := printable(tt.text); got != tt.shown {
				t.Errorf("shown as %s, want %s", got, tt.shown)
			}
			var line bytes.Buffer
			if err := writeJSON(&line, tt.text); err != nil || line.String() != tt.json+"\n" {
				t.Errorf("JSON %s, %v, want %s", &line, err, tt.json)
			}
			var back string
			if err := json.Unmarshal(line.Bytes(), &back); err != nil || back != tt.text {
				t.Errorf("read back %q, %v", back, err)
			}
		})
	}
}
