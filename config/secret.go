package config

import (
	"fmt"
	"io"
	"log/slog"
)

const mask = "[secret]"

// Secret is a text that does not print itself: not by any verb of fmt, not as JSON, YAML or XML,
// not in logs. It holds a pointer because fmt prints the unexported fields of other structs
// without asking their methods, and then shows an address. The zero value is no secret.
type Secret struct{ text *string }

// NewSecret wraps text; empty is no secret.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{&text}
}

// Reveal gives the text. Every call of it is a place to look at in a review.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsZero says whether there is no secret.
func (s Secret) IsZero() bool { return s.text == nil }

func (Secret) String() string               { return mask }
func (Secret) GoString() string             { return mask }
func (Secret) Format(f fmt.State, _ rune)   { io.WriteString(f, mask) }
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }
func (Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + mask + `"`), nil }
func (Secret) LogValue() slog.Value         { return slog.StringValue(mask) }
