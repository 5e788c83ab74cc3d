package exchange

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx"
)

const (
	maxCopiedBytes = 16 << 10 // of one encoded object
	maxCopiedDepth = 8        // arrays and objects around a value
)

// pointer is a JSON pointer, taken apart (RFC 6901).
type pointer []string

func parsePointer(s string) (pointer, error) {
	if !strings.HasPrefix(s, "/") {
		return nil, errors.New("a JSON pointer expected, as in /https:~1~1example.com~1email")
	}
	p := pointer(strings.Split(s[1:], "/"))
	for i, token := range p {
		if strings.Contains(strings.NewReplacer("~0", "", "~1", "").Replace(token), "~") {
			return nil, errors.New("in a JSON pointer ~ is written ~0 and / is written ~1")
		}
		// ~1 first: "~01" stands for "~1" (RFC 6901 §4).
		p[i] = strings.ReplaceAll(strings.ReplaceAll(token, "~1", "/"), "~0", "~")
	}
	return p, nil
}

// optionalPointer is nil for the empty string.
func optionalPointer(s string) (pointer, error) {
	if s == "" {
		return nil, nil
	}
	return parsePointer(s)
}

// identifier is the string that the pointer leads to, empty where there is none. One that is
// there decides about deny marks, so it has to be well formed.
func (p pointer) identifier(doc jsonDoc) (string, *Refusal) {
	if p == nil {
		return "", nil
	}
	at, found := p.find(doc)
	if !found || doc[at].kind == jsonNull {
		return "", nil
	}
	if doc[at].kind != jsonString || !validIdentifier(doc[at].text) {
		return "", invalid(ReasonClaim, "session id or link id: not a string of 1 to 255 bytes without control characters")
	}
	return doc[at].text, nil
}

// find follows the pointer from the root of doc.
func (p pointer) find(doc jsonDoc) (at int, found bool) {
	for _, token := range p {
		if doc[at].kind == jsonArray {
			at, found = doc.element(at, token)
		} else {
			at, found = doc.member(at, token)
		}
		if !found {
			return 0, false
		}
	}
	return at, true
}

// element finds an element of the array at index at by its decimal index.
func (d jsonDoc) element(at int, index string) (int, bool) {
	n, err := strconv.ParseUint(index, 10, 32)
	if err != nil || strconv.FormatUint(n, 10) != index {
		return 0, false
	}
	for i := at + 1; i < d[at].next; i = d[i].next {
		if n == 0 {
			return i, true
		}
		n--
	}
	return 0, false
}

// claimCopier copies claims into one object, in Fauna's tagged encoding: the driver sends
// a Go map whose keys begin with @ as it is, so that a claim {"@ref": …} would arrive as a
// reference instead of as data.
type claimCopier []copyStep

type copyStep struct {
	field    []byte // `"name":`
	name     string
	from     pointer
	required bool
}

func newClaimCopier(copies []ClaimCopy) (claimCopier, error) {
	var steps claimCopier
	for _, c := range copies {
		from, err := parsePointer(c.From)
		if err != nil {
			return nil, fmt.Errorf("from: %q: %w", c.From, err)
		}
		steps = append(steps, copyStep{
			field: append(fqlx.AppendText(nil, c.To), ':'), name: c.To,
			from: from, required: c.Required,
		})
	}
	return steps, nil
}

// copy returns the object. A claim that is absent or null leaves its field out.
func (steps claimCopier) copy(doc jsonDoc) ([]byte, *Refusal) {
	out := []byte{'{'}
	for _, step := range steps {
		at, found := step.from.find(doc)
		if !found || doc[at].kind == jsonNull {
			if step.required {
				return nil, denied(ReasonClaimRequired, "no claim for "+step.name)
			}
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendTagged(append(out, step.field...), doc, at, 0); err != nil {
			return nil, denied(copyReason(err), fmt.Sprintf("claim for %s: %v", step.name, err))
		}
	}
	return append(out, '}'), nil
}

var (
	errCopyTooDeep  = fmt.Errorf("nested deeper than %d", maxCopiedDepth)
	errCopyTooLong  = fmt.Errorf("more than %d bytes in all", maxCopiedBytes)
	errCopyTooLarge = errors.New("a number beyond 64 bits")
)

func copyReason(err error) Reason {
	if errors.Is(err, errCopyTooLarge) {
		return ReasonClaimUnsupported
	}
	return ReasonClaimTooLarge
}

// appendTagged appends the value at index at (Fauna: X-Format tagged).
func appendTagged(out []byte, doc jsonDoc, at, depth int) ([]byte, error) {
	var err error
	switch node := doc[at]; node.kind {
	case jsonNull:
		out = append(out, "null"...)
	case jsonFalse:
		out = append(out, "false"...)
	case jsonTrue:
		out = append(out, "true"...)
	case jsonString:
		out = fqlx.AppendText(out, node.text)
	case jsonNumber:
		out, err = appendNumber(out, node.text)
	default:
		if depth == maxCopiedDepth {
			return nil, errCopyTooDeep
		}
		out, err = appendNested(out, doc, at, depth+1)
	}
	if err == nil && len(out) > maxCopiedBytes {
		err = errCopyTooLong
	}
	return out, err
}

func appendNested(out []byte, doc jsonDoc, at, depth int) ([]byte, error) {
	open, end := "[", "]"
	if doc[at].kind == jsonObject {
		open, end = "{", "}"
		if doc.looksTagged(at) {
			open, end = `{"@object":{`, "}}"
		}
	}
	out = append(out, open...)
	for i := at + 1; i < doc[at].next; i = doc[i].next {
		if i > at+1 {
			out = append(out, ',')
		}
		if doc[at].kind == jsonObject {
			out = append(fqlx.AppendText(out, doc[i].name), ':')
		}
		var err error
		if out, err = appendTagged(out, doc, i, depth); err != nil {
			return nil, err
		}
	}
	return append(out, end...), nil
}

// looksTagged reports whether Fauna would take the object at index at for a tagged value.
func (d jsonDoc) looksTagged(at int) bool {
	for i := at + 1; i < d[at].next; i = d[i].next {
		if strings.HasPrefix(d[i].name, "@") {
			return true
		}
	}
	return false
}

// appendNumber keeps integers exact: what is written without fraction and exponent is an
// Int or a Long or refused, never a Double that is near it.
func appendNumber(out []byte, number string) ([]byte, error) {
	if strings.ContainsAny(number, ".eE") {
		f, err := strconv.ParseFloat(number, 64)
		if err != nil {
			return nil, errCopyTooLarge
		}
		out = strconv.AppendFloat(append(out, `{"@double":"`...), f, 'g', -1, 64)
		return append(out, `"}`...), nil
	}
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return nil, errCopyTooLarge
	}
	return fqlx.AppendInt(out, n), nil
}
