package exchange

import (
	"time"

	"github.com/fauna-login/fauna-login/fqlx"
)

// Ring opens the key ring to tests.
type Ring struct{ keyring }

func NewRing(keys ...Key) Ring {
	ring, err := newKeyring(keys)
	if err != nil {
		panic(err)
	}
	return Ring{ring}
}

// Sealed is what a cookie holds.
type Sealed struct {
	SessionID, UserID string
	Expires           time.Time
	Secret            string
}

func (r Ring) Seal(s Sealed) (string, error) {
	return r.seal(sealed{sessionID: s.SessionID, userID: s.UserID, expires: s.Expires, secret: s.Secret})
}

func (r Ring) Open(text string) (Sealed, bool) {
	s, ok := r.open(text)
	return Sealed{SessionID: s.sessionID, UserID: s.userID, Expires: s.expires, Secret: s.secret}, ok
}

// Handle is what a refresh handle says.
type Handle struct {
	SessionID, UserID string
	Generation        int
}

func (r Ring) SignHandle(h Handle) (string, error) {
	return r.signHandle(handle{fqlx.Handle{SessionID: h.SessionID, Generation: h.Generation}, h.UserID})
}

func (r Ring) ReadHandle(text string) (Handle, bool) {
	h, ok := r.readHandle(text)
	return Handle{h.SessionID, h.userID, h.Generation}, ok
}
