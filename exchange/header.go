package exchange

import (
	"errors"
	"fmt"
	"strings"
	"unicode"
)

// header is the JOSE header of a token, less what we do not use.
type header struct {
	algorithm string // RS256 or PS256
	keyID     string
}

const (
	headerDepth = 4
	maxKeyID    = 256 // bytes
)

// forbiddenHeaders refuse a token by being there. We understand no extension (crit: RFC
// 7515 §4.1.11), take no key from a token (jku jwk x5u x5c: RFC 8725 §3.10), and know
// neither unencoded (b64: RFC 7797), compressed (zip), encrypted (enc) nor nested (cty)
// payloads. Auth0 sends none of them.
var forbiddenHeaders = []string{"crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc", "cty"}

var registeredHeaders = nameTable(append([]string{"alg", "typ", "kid", "x5t", "x5t#S256"}, forbiddenHeaders...)...)

// parseHeader reads the protected header (RFC 7515 §4).
func parseHeader(src string, purpose Purpose) (header, *Refusal) {
	doc, refusal := parseTokenJSON(src, headerDepth, ReasonHeaderJSON, registeredHeaders)
	if refusal != nil {
		return header{}, refusal
	}
	for _, name := range forbiddenHeaders {
		if _, found := doc.member(0, name); found {
			return header{}, invalid(ReasonHeaderField, fmt.Sprintf("header %q is not accepted", name))
		}
	}
	var h header
	if h.algorithm, refusal = headerAlgorithm(doc); refusal != nil {
		return header{}, refusal
	}
	if h.keyID, refusal = headerKeyID(doc); refusal != nil {
		return header{}, refusal
	}
	return h, headerType(doc, purpose)
}

// headerAlgorithm lets through what any tenant may be configured for; the tenant's own
// list is applied once the issuer is known.
func headerAlgorithm(doc jsonDoc) (string, *Refusal) {
	at, found := doc.member(0, "alg")
	if !found || doc[at].kind != jsonString || signingMethod(doc[at].text) == nil {
		return "", invalid(ReasonAlgorithm, "alg is not RS256 or PS256")
	}
	return doc[at].text, nil
}

func headerKeyID(doc jsonDoc) (string, *Refusal) {
	at, found := doc.member(0, "kid")
	if !found || doc[at].kind != jsonString {
		return "", invalid(ReasonKeyID, "no kid, or not a string")
	}
	if !validKeyID(doc[at].text) {
		return "", invalid(ReasonKeyID, "kid is not 1 to 256 bytes without control characters")
	}
	return doc[at].text, nil
}

func validKeyID(kid string) bool {
	return kid != "" && len(kid) <= maxKeyID && strings.IndexFunc(kid, unicode.IsControl) < 0
}

// headerType accepts what a token for the purpose carries, as a media type in any case (RFC 7515
// §4.1.9), or nothing.
func headerType(doc jsonDoc, purpose Purpose) *Refusal {
	at, found := doc.member(0, "typ")
	if !found {
		return nil
	}
	if doc[at].kind == jsonString {
		for _, typ := range purpose.types() {
			if strings.EqualFold(doc[at].text, typ) {
				return nil
			}
		}
	}
	return invalid(ReasonType, "typ is not that of "+purpose.String())
}

// parseTokenJSON reads header or payload, and refuses names that another reader could take
// for a registered one.
func parseTokenJSON(src string, depth int, reason Reason, registered map[string]string) (jsonDoc, *Refusal) {
	doc, err := parseJSON(src, depth)
	if errors.Is(err, errJSONDuplicate) {
		return nil, invalid(ReasonName, err.Error())
	}
	if err != nil {
		return nil, invalid(reason, err.Error())
	}
	if name, found := doc.twin(registered); found {
		return nil, invalid(ReasonName, fmt.Sprintf("a name that differs from %q only in case", name))
	}
	return doc, nil
}
