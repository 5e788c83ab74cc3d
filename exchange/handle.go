package exchange

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"github.com/fauna-login/fauna-login/fqlx"
)

// A refresh handle is the session's id (8 bytes), its generation (4 bytes), both big endian, and
// the HMAC-SHA256 of the two. It is no secret of Fauna's: all it can do is what
// POST /fauna-login/refresh and DELETE /fauna-login do.
const (
	handleData = 8 + 4
	handleSize = handleData + sha256.Size
)

// signHandle writes a handle, under the ring's first key.
func (k keyring) signHandle(h fqlx.Handle) (string, error) {
	id, err := strconv.ParseUint(h.SessionID, 10, 64)
	if err != nil || h.Generation < 0 || uint64(h.Generation) > 1<<32-1 {
		return "", fmt.Errorf("writing a handle of generation %d: out of range", h.Generation)
	}
	b := binary.BigEndian.AppendUint64(make([]byte, 0, handleSize), id)
	b = binary.BigEndian.AppendUint32(b, uint32(h.Generation))
	return base64url.EncodeToString(append(b, handleMAC(k.macs[0], b)...)), nil
}

// readHandle reads a handle that was written under any key of the ring, and nothing else.
func (k keyring) readHandle(text string) (fqlx.Handle, bool) {
	b, err := base64url.DecodeString(text)
	if err != nil || len(b) != handleSize {
		return fqlx.Handle{}, false
	}
	data, mac := b[:handleData], b[handleData:]
	for _, key := range k.macs {
		if hmac.Equal(mac, handleMAC(key, data)) {
			return fqlx.Handle{
				SessionID:  strconv.FormatUint(binary.BigEndian.Uint64(data), 10),
				Generation: int(binary.BigEndian.Uint32(data[8:])),
			}, true
		}
	}
	return fqlx.Handle{}, false
}

func handleMAC(key, data []byte) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write(data)
	return mac.Sum(nil)
}
