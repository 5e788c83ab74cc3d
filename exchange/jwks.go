package exchange

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
)

const (
	jwksDepth    = 8
	minModulus   = 2048 // bits: RFC 7518 §3.3
	maxModulus   = 8192 // a 16384-bit key costs a hundred times a normal one to verify with
	minExponent  = 65537
	maxExponents = 4 // bytes
)

// keySet is one fetched JWK Set with what of it is fit to verify with. It does not change:
// keys and their age are replaced together, so nobody sees new keys with an old age or, in
// between, none. (jwkset's KeyReplaceAll would be atomic for the keys alone.)
type keySet struct {
	find     jwt.Keyfunc
	found    map[keyName]any   // what find answers for the usable keys
	size     int               // usable keys
	unusable map[string]string // kid → why a key of that kid was left out
	fetched  time.Time
}

// keyName is how a token's header names its key.
type keyName struct{ alg, kid string }

// token is all that keyfunc reads of a token: its header. (golang-jwt's parser would read the
// token a second, different way.)
func (n keyName) token() *jwt.Token {
	return &jwt.Token{Header: map[string]any{"alg": n.alg, "kid": n.kid}}
}

// jwk is one usable key, between parsing and storage.
type jwk struct {
	kid, alg, use string
	public        *rsa.PublicKey
}

// parseKeySet reads a JWK Set (RFC 7517 §5). A key that is not fit to verify our tokens
// with is left out; a document that is no JWK Set, or has no fit key at all, is an error.
func parseKeySet(raw []byte, algorithms []string, fetched time.Time) (*keySet, error) {
	doc, err := parseJSON(string(raw), jwksDepth)
	if err != nil {
		return nil, err
	}
	list, found := doc.member(0, "keys")
	if !found || doc[list].kind != jsonArray {
		return nil, errors.New(`not a JWK Set: no array "keys"`)
	}
	set := &keySet{unusable: map[string]string{}, fetched: fetched}
	usable := map[string]jwk{} // kid → key
	var ambiguous []string
	for i := list + 1; i < doc[list].next; i = doc[i].next {
		key, err := parseKey(doc, i, algorithms)
		if err != nil {
			set.unusable[key.kid] = err.Error()
			continue
		}
		if twin, found := usable[key.kid]; found && (twin.alg != key.alg || !twin.public.Equal(key.public)) {
			ambiguous = append(ambiguous, key.kid)
		}
		usable[key.kid] = key
	}
	for _, kid := range ambiguous {
		delete(usable, kid)
		set.unusable[kid] = "two keys have this kid"
	}
	if len(usable) == 0 {
		return nil, fmt.Errorf("no usable key among %d", len(set.unusable))
	}
	return set, set.store(usable, algorithms)
}

// store puts the keys where keyfunc finds them, and asks it once for each.
func (set *keySet) store(usable map[string]jwk, algorithms []string) error {
	storage := jwkset.NewMemoryStorage()
	ctx := context.Background() // memory storage does no I/O
	for kid, k := range usable {
		key, err := jwkset.NewJWKFromKey(k.public, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{
			KID: kid, ALG: jwkset.ALG(k.alg), USE: jwkset.USE(k.use),
		}})
		if err != nil {
			return fmt.Errorf("key %q: %w", kid, err)
		}
		if err := storage.KeyWrite(ctx, key); err != nil {
			return fmt.Errorf("key %q: %w", kid, err)
		}
	}
	finder, err := keyfunc.New(keyfunc.Options{Storage: storage})
	if err != nil {
		return err
	}
	set.find, set.found, set.size = finder.Keyfunc, map[keyName]any{}, len(usable)
	for kid := range usable {
		for _, alg := range algorithms {
			name := keyName{alg, kid}
			if key, err := set.find(name.token()); err == nil {
				set.found[name] = key
			}
		}
	}
	return nil
}

// key finds the key for an algorithm and key id, each key being good for one algorithm if
// it names one (RFC 8725 §3.1).
func (set *keySet) key(alg, kid string) (any, error) {
	name := keyName{alg, kid}
	if key, found := set.found[name]; found {
		return key, nil
	}
	key, err := set.find(name.token())
	if err == nil {
		return key, nil
	}
	if !errors.Is(err, jwkset.ErrKeyNotFound) {
		return nil, fmt.Errorf("%w: it is for another alg", errKeyUnusable)
	}
	if why, found := set.unusable[kid]; found {
		return nil, fmt.Errorf("%w: %s", errKeyUnusable, why)
	}
	return nil, errKeyUnknown
}

// parseKey reads the key at index at; the error says why it is not used.
func parseKey(doc jsonDoc, at int, algorithms []string) (jwk, error) {
	text := func(name string) string {
		if i, found := doc.member(at, name); found && doc[i].kind == jsonString {
			return doc[i].text
		}
		return ""
	}
	has := func(name string) bool { _, found := doc.member(at, name); return found }

	key := jwk{kid: text("kid"), alg: text("alg"), use: text("use")}
	switch {
	case !validKeyID(key.kid):
		return key, errors.New("no usable kid")
	case text("kty") != "RSA":
		return key, errors.New("kty is not RSA")
	case has("use") && key.use != "sig":
		return key, errors.New("use is not sig")
	case has("alg") && !slices.Contains(algorithms, key.alg):
		return key, errors.New("alg is not allowed for the tenant")
	case !mayVerify(doc, at):
		return key, errors.New("key_ops lacks verify")
	case has("d"):
		return key, errors.New("its private half is published")
	}
	var err error
	if key.public, err = parseRSA(text("n"), text("e")); err != nil {
		return key, err
	}
	return key, checkCertificate(doc, at, key.public)
}

func mayVerify(doc jsonDoc, at int) bool {
	ops, found := doc.member(at, "key_ops")
	if !found {
		return true
	}
	for i := ops + 1; i < doc[ops].next; i = doc[i].next {
		if doc[i].text == "verify" {
			return true
		}
	}
	return false
}

func parseRSA(n, e string) (*rsa.PublicKey, error) {
	modulus, ok := readBase64url(n)
	if !ok {
		return nil, errors.New("n is not base64url")
	}
	exponent, ok := readBase64url(e)
	if !ok || len(exponent) > maxExponents {
		return nil, errors.New("e is not base64url of at most 4 bytes")
	}
	public := &rsa.PublicKey{N: new(big.Int).SetBytes(modulus), E: int(new(big.Int).SetBytes(exponent).Int64())}
	switch bits := public.N.BitLen(); {
	case bits < minModulus || bits > maxModulus:
		return nil, fmt.Errorf("a modulus of %d bits", bits)
	case public.N.Bit(0) == 0:
		return nil, errors.New("an even modulus")
	case public.E < minExponent || public.E%2 == 0 || public.E > 1<<31-1:
		return nil, errors.New("an unsafe exponent")
	}
	return public, nil
}

// checkCertificate wants the first certificate of x5c, if there is one, to be of this key
// (RFC 7517 §4.7). Whether it is valid is no matter: the set's URL is what we trust.
func checkCertificate(doc jsonDoc, at int, public *rsa.PublicKey) error {
	chain, found := doc.member(at, "x5c")
	if !found {
		return nil
	}
	mismatch := errors.New("x5c is not of this key")
	if doc[chain].kind != jsonArray || doc[chain].next == chain+1 || doc[chain+1].kind != jsonString {
		return mismatch
	}
	der, err := base64.StdEncoding.DecodeString(doc[chain+1].text)
	if err != nil {
		return mismatch
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil || !public.Equal(certificate.PublicKey) {
		return mismatch
	}
	return nil
}
