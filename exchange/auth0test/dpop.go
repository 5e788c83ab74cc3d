package auth0test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net/http"
	"strings"
	"time"
)

// proofLife is how old a DPoP proof may be, or ahead.
const proofLife = 5 * time.Minute

// boundKey is the thumbprint (RFC 7638) of the key that the request's DPoP proof binds its tokens
// to (RFC 9449 §5), empty when there is no proof. Proofs are with ES256, as browsers make them;
// there are no nonces, and refresh tokens stay unbound.
func (t *Tenant) boundKey(r *http.Request) (string, *oauthError) {
	proofs := r.Header.Values("DPoP")
	if len(proofs) == 0 {
		return "", nil
	}
	refused := refuse(http.StatusBadRequest, "invalid_dpop_proof", "Invalid DPoP proof")
	parts := strings.Split(proofs[0], ".")
	if len(proofs) > 1 || len(parts) != 3 {
		return "", refused
	}
	var header struct {
		Typ, Alg string
		JWK      struct{ Kty, Crv, X, Y, D string }
	}
	var claims struct {
		HTM, HTU, JTI string
		IAT           float64
	}
	if !decodePart(parts[0], &header) || !decodePart(parts[1], &claims) {
		return "", refused
	}
	age := t.Now().Sub(time.Unix(int64(claims.IAT), 0)).Abs()
	if header.Typ != "dpop+jwt" || header.Alg != "ES256" || header.JWK.D != "" ||
		claims.HTM != r.Method || claims.HTU != t.URL+r.URL.Path || claims.JTI == "" || age > proofLife {
		return "", refused
	}
	k := header.JWK
	if k.Kty != "EC" || k.Crv != "P-256" || !signedES256(k.X, k.Y, parts) {
		return "", refused
	}
	sum := sha256.Sum256([]byte(`{"crv":"P-256","kty":"EC","x":"` + k.X + `","y":"` + k.Y + `"}`))
	return base64.RawURLEncoding.EncodeToString(sum[:]), nil
}

func decodePart(part string, into any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, into) == nil
}

// signedES256 says whether the three parts of a JWS are signed by the key of these coordinates
// (RFC 7518 §3.4).
func signedES256(x, y string, parts []string) bool {
	var numbers [3][]byte
	for i, text := range []string{x, y, parts[2]} {
		b, err := base64.RawURLEncoding.DecodeString(text)
		if err != nil {
			return false
		}
		numbers[i] = b
	}
	if len(numbers[0]) != 32 || len(numbers[1]) != 32 || len(numbers[2]) != 64 {
		return false
	}
	point := append(append([]byte{4}, numbers[0]...), numbers[1]...) // uncompressed (SEC 1 §2.3.3)
	key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), point)
	if err != nil {
		return false
	}
	sum := sha256.Sum256([]byte(parts[0] + "." + parts[1]))
	r, s := new(big.Int).SetBytes(numbers[2][:32]), new(big.Int).SetBytes(numbers[2][32:])
	return ecdsa.Verify(key, sum[:], r, s)
}
