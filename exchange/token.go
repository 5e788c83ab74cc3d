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
func readBase64url(s string) ([]byte, bool) {
	b, err := base64url.DecodeString(s)
	return b, err == nil && len(s) == base64url.EncodedLen(len(b))
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
	decode := func(name, part string) []byte {
		decoded, ok := readBase64url(part)
		if !ok && refusal == nil {
			refusal = invalid(ReasonEncoding, name+" is not canonical base64url")
		}
		return decoded
	}
	c.signingInput = signingInput
	c.header = string(decode("header", header))
	c.payload = string(decode("payload", payload))
	c.signature = decode("signature", signature)
	return c, refusal
}
