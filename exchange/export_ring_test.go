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

func (r Ring) SignHandle(h fqlx.Handle) (string, error)        { return r.signHandle(h) }
func (r Ring) ReadHandle(text string) (h fqlx.Handle, ok bool) { return r.readHandle(text) }
