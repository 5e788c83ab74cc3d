package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/fauna-login/fauna-login/fqlx"
)

// handle is what the cookie of mode refresh holds. It is no secret of Fauna's: all it can do is
// what POST /fauna-login/refresh and DELETE /fauna-login do.
type handle struct {
	fqlx.Handle
	userID string // decimal digits
}

// A written handle is the ids of session and user (8 bytes each), the generation (4 bytes), all big
// endian, and the HMAC-SHA256 of the three.
const (
	handleData = 8 + 8 + 4
	handleSize = handleData + sha256.Size
)

// signHandle writes a handle, under the ring's first key.
func (k keyring) signHandle(h handle) (string, error) {
	b, err := appendIDs(make([]byte, 0, handleSize), h.SessionID, h.userID)
	if err != nil {
		return "", fmt.Errorf("writing a handle: %w", err)
	}
	if h.Generation < 0 || uint64(h.Generation) > 1<<32-1 {
		return "", fmt.Errorf("writing a handle of generation %d: out of range", h.Generation)
	}
	b = binary.BigEndian.AppendUint32(b, uint32(h.Generation))
	return base64url.EncodeToString(append(b, handleMAC(k.macs[0], b)...)), nil
}

// readHandle reads a handle that was written under any key of the ring, and nothing else.
func (k keyring) readHandle(text string) (h handle, ok bool) {
	b, ok := readBase64url(text)
	if !ok || len(b) != handleSize {
		return handle{}, false
	}
	data, mac := b[:handleData], b[handleData:]
	for _, key := range k.macs {
		if hmac.Equal(mac, handleMAC(key, data)) {
			h.SessionID, h.userID = readIDs(data)
			h.Generation = int(binary.BigEndian.Uint32(data[16:]))
			return h, true
		}
	}
	return handle{}, false
}

func handleMAC(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}
