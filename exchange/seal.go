package exchange

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Key is one secret of the key ring: 32 random bytes. It does not print itself.
type Key [32]byte

// Format keeps the key out of whatever is printed.
func (Key) Format(f fmt.State, _ rune) { io.WriteString(f, "[secret]") }

// NewKey makes a key, in the form that [ParseKey] reads.
func NewKey() string {
	var k Key
	_, _ = rand.Read(k[:]) // never fails
	return base64url.EncodeToString(k[:])
}

// ParseKey reads a key: 32 bytes in base64url without padding.
func ParseKey(text string) (k Key, err error) {
	b, ok := readBase64url(text)
	if !ok || len(b) != len(k) {
		return k, errors.New("a key is 32 bytes in base64url without padding")
	}
	return Key(b), nil
}

// What the ring's keys are derived for (RFC 5869 §3.2). A name says mode and version, so that
// nothing of one purpose is ever good for another.
const (
	purposeCookie = "fauna-login/v2/cookie"  // the sealed secret
	purposeHandle = "fauna-login/v2/refresh" // the refresh handle
)

// keyring holds what is derived from a ring of keys. The first key seals, all open: so a new
// key is put in front of the old one, which goes when the last cookie under it has expired.
type keyring struct {
	seals []cipher.AEAD // AES-256-GCM, its random nonce in front
	macs  [][]byte      // HMAC-SHA256
}

func newKeyring(keys []Key) (ring keyring, err error) {
	for _, key := range keys {
		mac, err := hkdf.Key(sha256.New, key[:], nil, purposeHandle, 32)
		if err != nil {
			return ring, fmt.Errorf("deriving a key: %w", err)
		}
		seal, err := newSeal(key)
		if err != nil {
			return ring, fmt.Errorf("deriving a key: %w", err)
		}
		ring.macs, ring.seals = append(ring.macs, mac), append(ring.seals, seal)
	}
	return ring, nil
}

func newSeal(key Key) (cipher.AEAD, error) {
	derived, err := hkdf.Key(sha256.New, key[:], nil, purposeCookie, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(derived)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block) // good for 2³² cookies under one key
}

// sealed is what the cookie of mode cookie holds: three numbers of 8 bytes, big endian, and the
// secret.
type sealed struct {
	sessionID, userID string    // decimal digits
	expires           time.Time // of the secret, by this service's clock, whole seconds
	secret            string
}

const sealedData = 3 * 8 // bytes before the secret

// seal encrypts s for the browser to keep.
func (k keyring) seal(s sealed) (string, error) {
	plain, err := appendIDs(make([]byte, 0, sealedData+len(s.secret)), s.sessionID, s.userID)
	if err != nil {
		return "", fmt.Errorf("sealing a secret: %w", err)
	}
	plain = binary.BigEndian.AppendUint64(plain, uint64(s.expires.Unix()))
	plain = append(plain, s.secret...)
	return base64url.EncodeToString(k.seals[0].Seal(nil, nil, plain, []byte(purposeCookie))), nil
}

// open decrypts what one of the ring's keys has sealed, and nothing else.
func (k keyring) open(text string) (s sealed, ok bool) {
	b, ok := readBase64url(text)
	if !ok {
		return sealed{}, false
	}
	for _, seal := range k.seals {
		plain, err := seal.Open(nil, nil, b, []byte(purposeCookie))
		if err == nil && len(plain) > sealedData {
			s.sessionID, s.userID = readIDs(plain)
			s.expires = time.Unix(int64(binary.BigEndian.Uint64(plain[16:])), 0)
			s.secret = string(plain[sealedData:])
			return s, true
		}
	}
	return sealed{}, false
}

// appendIDs writes the ids of a session and its user, 8 bytes each, big endian: how both cookies
// begin. Fauna's ids are numbers, written in decimal digits.
func appendIDs(b []byte, session, user string) ([]byte, error) {
	for _, id := range []string{session, user} {
		n, err := strconv.ParseUint(id, 10, 64)
		if err != nil {
			return nil, errors.New("the session or the user has no number for an id")
		}
		b = binary.BigEndian.AppendUint64(b, n)
	}
	return b, nil
}

// readIDs reads what appendIDs has written, which b begins with.
func readIDs(b []byte) (session, user string) {
	return strconv.FormatUint(binary.BigEndian.Uint64(b), 10), strconv.FormatUint(binary.BigEndian.Uint64(b[8:]), 10)
}
