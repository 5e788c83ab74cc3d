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

func (r Ring) Seal(sessionID string, expires time.Time, secret string) (string, error) {
	return r.seal(sealed{sessionID, expires, secret})
}

func (r Ring) Open(text string) (sessionID string, expires time.Time, secret string, ok bool) {
	s, ok := r.open(text)
	return s.sessionID, s.expires, s.secret, ok
}

func (r Ring) SignHandle(h fqlx.Handle) (string, error)        { return r.signHandle(h) }
func (r Ring) ReadHandle(text string) (h fqlx.Handle, ok bool) { return r.readHandle(text) }
