package eval

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// A secret is, before base64url without padding (Fauna: KeyLike, TokenLike),
//
//	key    126 112 ‖ key id ‖ 20 random bytes
//	token  126 113 ‖ token id ‖ global id of the database ‖ 20 random bytes
//
// with 8-byte ids, big-endian. At rest is the SHA-256 of the random bytes: they are random
// enough that a slow hash would protect nothing.
const (
	secretMark  = 126
	secretKey   = 112
	secretToken = 113

	secretRandom = 20
	keyLen       = 2 + 8 + secretRandom
	tokenLen     = 2 + 8 + 8 + secretRandom
)

// Fields of Token, Key and Credential documents at rest, and a Credential's password, which
// never is.
const (
	fieldHash     = "hashed_secret" // of a secret or password; never leaves the engine
	fieldDocument = "document"
	fieldRole     = "role"
	fieldPassword = "password"
)

// secretEncoding is strict: each secret has exactly one spelling.
var secretEncoding = base64.RawURLEncoding.Strict()

// bearer is a secret taken apart.
type bearer struct {
	kind   byte // secretKey or secretToken
	id     value.ID
	global uint64 // of a token
	random [secretRandom]byte
}

// parseSecret takes a key's or token's secret apart.
func parseSecret(s string) (bearer, bool) {
	var c bearer
	if n := len(s); n != secretEncoding.EncodedLen(keyLen) && n != secretEncoding.EncodedLen(tokenLen) {
		return c, false
	}
	var buf [tokenLen]byte
	n, err := secretEncoding.Decode(buf[:], []byte(s))
	b := buf[:n]
	// Go's decoder skips line breaks: hence the length.
	if err != nil || len(s) != secretEncoding.EncodedLen(n) || b[0] != secretMark {
		return c, false
	}
	c.kind, c.id = b[1], value.ID(binary.BigEndian.Uint64(b[2:]))
	switch {
	case c.kind == secretKey && n == keyLen:
	case c.kind == secretToken && n == tokenLen:
		c.global = binary.BigEndian.Uint64(b[10:])
	default:
		return c, false
	}
	copy(c.random[:], b[n-secretRandom:])
	return c, c.id >= 0
}

// secret spells it.
func (c bearer) secret() string {
	b := make([]byte, 0, tokenLen)
	b = append(b, secretMark, c.kind)
	b = binary.BigEndian.AppendUint64(b, uint64(c.id))
	if c.kind == secretToken {
		b = binary.BigEndian.AppendUint64(b, c.global)
	}
	return secretEncoding.EncodeToString(append(b, c.random[:]...))
}

// hash is what is kept of the secret.
func (c bearer) hash() value.Bytes {
	sum := sha256.Sum256(c.random[:])
	return sum[:]
}

// matches compares with what is kept, in a time that does not depend on where they differ.
func (c bearer) matches(data *value.Object) bool {
	kept, _ := data.Get(fieldHash)
	hash, ok := kept.(value.Bytes)
	return ok && subtle.ConstantTimeCompare(c.hash(), hash) == 1
}

func (db *Database) newBearer(kind byte, id value.ID) (bearer, error) {
	c := bearer{kind: kind, id: id, global: db.meta.GlobalID}
	if _, err := io.ReadFull(db.opt.Rand, c.random[:]); err != nil {
		return c, fmt.Errorf("making a secret: %w", err)
	}
	return c, nil
}

// scope is what may follow a secret: whom a key wants to act as, see [parseScope].
type scope struct {
	database string // of a child database
	role     string // one of Fauna's own
	custom   string // a role of the schema
	document string // Coll/id
}

// parseScope splits a secret off its suffix (Fauna: AuthParser):
//
//	[:database] :admin | :server | :server-readonly | :client | :@role/Name | :@doc/Coll/id
//
// A suffix that is none of these is ignored, as in Fauna; scoped is then false.
func parseScope(text string) (secret string, s scope, scoped bool) {
	secret, rest, ok := strings.Cut(text, ":")
	if !ok {
		return secret, s, false
	}
	if database, after, ok := strings.Cut(rest, ":"); ok {
		s.database, rest = database, after
		if !isSegment(database) {
			return secret, scope{}, false
		}
	}
	if _, ok := builtinRoles[rest]; ok {
		s.role = rest
		return secret, s, true
	}
	for _, prefix := range []string{"@doc/", "collections/", "classes/"} {
		if ref, ok := strings.CutPrefix(rest, prefix); ok && isSegment(ref) {
			s.document = ref
			return secret, s, true
		}
	}
	if name, ok := strings.CutPrefix(rest, "@role/"); ok && isSegment(name) {
		s.custom = name
		return secret, s, true
	}
	return secret, scope{}, false
}

func isSegment(s string) bool { return s != "" && !strings.ContainsAny(s, ",()&=:") }
