package value

// Format is a wire encoding, named by the X-Format header (Fauna: §1.2, §1.5).
type Format uint8

const (
	Simple Format = iota
	Tagged
)

// The kinds below exist on the wire only: the evaluator turns a result into them
// before it is encoded, and takes them out of decoded arguments.
type (
	// Document is a live document written out. Fields holds everything behind `coll`
	// in order: ts, ttl, then the rest.
	Document struct {
		Coll   string
		ID     string // one of ID and Name
		Name   string
		Fields []Field
	}
	// Reference is a document not written out. With Missing it is a null document and
	// Cause says why: "not found", "deleted", "permission denied", "collection deleted".
	Reference struct {
		Coll    string
		ID      string // one of ID and Name
		Name    string
		Missing bool
		Cause   string
	}
	// Page is a set: its first elements and, when there are more, the cursor behind them.
	// A set beyond the depth limit has only After and Data == nil.
	Page struct {
		Data  Array
		After string
	}
)

func (*Document) Kind() Kind { return KindRef }
func (Reference) Kind() Kind { return KindRef }
func (*Page) Kind() Kind     { return KindOther }
