package auth0test

import (
	"crypto/aes"
	"crypto/cipher"
	"encoding/base64"
	"encoding/json"
	"io"
	"strings"
	"time"
)

// opaque is what /userinfo needs to know of an access token.
type opaque struct {
	Sub   string `json:"sub"`
	Scope string `json:"scope"`
	Exp   int64  `json:"exp"`
}

// sealer makes JWEs (RFC 7516, `dir` with `A256GCM`) that only it can open. To a client they are
// the opaque five-part access tokens that Auth0 issues when no audience was asked for.
type sealer struct {
	aead   cipher.AEAD
	header string // encoded; the additional data, so a token of another tenant does not open
}

func newSealer(random io.Reader, issuer string) (*sealer, error) {
	key := make([]byte, 32)
	if _, err := io.ReadFull(random, key); err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	header, err := json.Marshal(struct {
		Alg string `json:"alg"`
		Enc string `json:"enc"`
		Iss string `json:"iss"`
	}{"dir", "A256GCM", issuer})
	return &sealer{aead, base64.RawURLEncoding.EncodeToString(header)}, err
}

func (t *Tenant) seal(o opaque) string {
	b64 := base64.RawURLEncoding
	iv := t.random(t.sealer.aead.NonceSize())
	nonce, _ := b64.DecodeString(iv)
	sealed := t.sealer.aead.Seal(nil, nonce, mustJSON(o), []byte(t.sealer.header))
	text, tag := sealed[:len(sealed)-16], sealed[len(sealed)-16:]
	return strings.Join([]string{t.sealer.header, "", iv, b64.EncodeToString(text), b64.EncodeToString(tag)}, ".")
}

// unseal opens a token of seal that has not expired.
func (t *Tenant) unseal(token string) (o opaque, ok bool) {
	parts := strings.Split(token, ".")
	if len(parts) != 5 || parts[0] != t.sealer.header || parts[1] != "" {
		return o, false
	}
	b64 := base64.RawURLEncoding
	nonce, err1 := b64.DecodeString(parts[2])
	text, err2 := b64.DecodeString(parts[3])
	tag, err3 := b64.DecodeString(parts[4])
	if err1 != nil || err2 != nil || err3 != nil || len(nonce) != t.sealer.aead.NonceSize() {
		return o, false
	}
	plain, err := t.sealer.aead.Open(nil, nonce, append(text, tag...), []byte(parts[0]))
	if err != nil || json.Unmarshal(plain, &o) != nil {
		return o, false
	}
	return o, t.Now().Before(time.Unix(o.Exp, 0))
}
