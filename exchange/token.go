package exchange

import (
	"encoding/base64"
	"fmt"
	"strings"
)

// compact is a token taken apart: JWS compact serialization (RFC 7515 §7.1). Each token
// has exactly one spelling that gets this far, so its signing input may stand for it.
type compact struct {
	signingInput string // header.payload as they were sent
	header       string // decoded
	payload      string // decoded
	signature    []byte
}

// base64url is strict: trailing bits are zero (RFC 4648 §3.5).
var base64url = base64.RawURLEncoding.Strict()

// readBase64url reads what has exactly one spelling. Go's decoder skips CR and LF even when strict.
func readBase64url(s string) ([]byte, bool) { return appendBase64url(nil, s) }

// appendBase64url appends what readBase64url reads.
func appendBase64url(b []byte, s string) ([]byte, bool) {
	start := len(b)
	b, err := base64url.AppendDecode(b, []byte(s))
	return b, err == nil && len(s) == base64url.EncodedLen(len(b)-start)
}

// isBase64url is the alphabet of RFC 4648 §5: byte → whether it belongs.
var isBase64url = func() (table [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") {
		table[c] = true
	}
	return table
}()

// splitToken takes a token of at most maxBytes apart; 0 means any length.
func splitToken(token string, maxBytes int) (compact, *Refusal) {
	if maxBytes > 0 && len(token) > maxBytes {
		return compact{}, invalid(ReasonTooLong, fmt.Sprintf("%d bytes, at most %d are read", len(token), maxBytes))
	}
	dots := 0
	for i := range len(token) {
		if c := token[i]; c == '.' {
			dots++
		} else if !isBase64url[c] {
			return compact{}, invalid(ReasonBytes, fmt.Sprintf("byte 0x%02x at %d; a JWT has only A-Z a-z 0-9 - _ and dots", c, i))
		}
	}
	switch dots {
	case 2:
	case 4:
		return compact{}, invalid(ReasonEncrypted, "five parts: an encrypted token; the app must ask Auth0 for our audience")
	default:
		return compact{}, invalid(ReasonShape, fmt.Sprintf("not a JWT (%d dots); an opaque token means the app asked Auth0 for no audience", dots))
	}
	last := strings.LastIndexByte(token, '.')
	signingInput, signature := token[:last], token[last+1:]
	header, payload, _ := strings.Cut(signingInput, ".")
	if header == "" || payload == "" || signature == "" {
		return compact{}, invalid(ReasonShape, "an empty part")
	}
	return decodeParts(signingInput, header, payload, signature)
}

func decodeParts(signingInput, header, payload, signature string) (c compact, refusal *Refusal) {
	b := make([]byte, 0, base64url.DecodedLen(len(header)+len(payload)+len(signature))) // all of them, one behind the other
	decode := func(name, part string) []byte {
		start, ok := len(b), false
		if b, ok = appendBase64url(b, part); !ok && refusal == nil {
			refusal = invalid(ReasonEncoding, name+" is not canonical base64url")
		}
		return b[start:]
	}
	c.signingInput = signingInput
	end := len(decode("header", header))
	decode("payload", payload)
	text := string(b)
	c.header, c.payload = text[:end], text[end:]
	c.signature = decode("signature", signature)
	return c, refusal
}
