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
	b, err := base64url.DecodeString(text)
	if err != nil || len(b) != len(k) {
		return k, errors.New("a key is 32 bytes in base64url without padding")
	}
	return Key(b), nil
}

// What the ring's keys are derived for (RFC 5869 §3.2). A name says mode and version, so that
// nothing of one purpose is ever good for another.
const (
	purposeCookie = "fauna-login/v2/cookie"  // the sealed secret
	purposeHandle = "fauna-login/v1/refresh" // the refresh handle
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

// serves reports whether s is for a page that works for a user, empty if it does not say: the tabs
// of a browser share a cookie, but not always a user.
func (s sealed) serves(user string) bool { return user == "" || user == s.userID }

// seal encrypts s for the browser to keep.
func (k keyring) seal(s sealed) (string, error) {
	session, err := strconv.ParseUint(s.sessionID, 10, 64)
	if err != nil {
		return "", errors.New("sealing a secret: the session has no number for an id")
	}
	user, err := strconv.ParseUint(s.userID, 10, 64)
	if err != nil {
		return "", errors.New("sealing a secret: the user has no number for an id")
	}
	plain := binary.BigEndian.AppendUint64(make([]byte, 0, sealedData+len(s.secret)), session)
	plain = binary.BigEndian.AppendUint64(plain, user)
	plain = binary.BigEndian.AppendUint64(plain, uint64(s.expires.Unix()))
	plain = append(plain, s.secret...)
	return base64url.EncodeToString(k.seals[0].Seal(nil, nil, plain, []byte(purposeCookie))), nil
}

// open decrypts what one of the ring's keys has sealed, and nothing else.
func (k keyring) open(text string) (sealed, bool) {
	b, err := base64url.DecodeString(text)
	if err != nil {
		return sealed{}, false
	}
	for _, seal := range k.seals {
		plain, err := seal.Open(nil, nil, b, []byte(purposeCookie))
		if err == nil && len(plain) > sealedData {
			return sealed{
				sessionID: strconv.FormatUint(binary.BigEndian.Uint64(plain), 10),
				userID:    strconv.FormatUint(binary.BigEndian.Uint64(plain[8:]), 10),
				expires:   time.Unix(int64(binary.BigEndian.Uint64(plain[16:])), 0),
				secret:    string(plain[sealedData:]),
			}, true
		}
	}
	return sealed{}, false
}
