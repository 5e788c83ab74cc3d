package eval

import (
	"encoding/binary"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// CollectionOf returns the collection of a document's key prefix; false if the prefix is
// that of something else, an index entry or the schema.
func CollectionOf(prefix []byte) (value.CollID, bool) {
	if len(prefix) != 5+idLen || prefix[0] != prefixDocument {
		return 0, false
	}
	id := value.CollID(binary.BigEndian.Uint32(prefix[1:]))
	return id, id == schema.CollKey || isOwned(id) || id >= schema.FirstUserColl
}
