package config

import (
	"encoding/base64"
	"net"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// validAddress checks what net.Listen("tcp", s) takes, without names of ports.
func validAddress(s string) bool {
	host, port, err := net.SplitHostPort(s)
	if err != nil || !validPort(port) {
		return false
	}
	return host == "" || validHost(host)
}

func validPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == s
}

var hostName = regexp.MustCompile(`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

func validHost(s string) bool {
	if strings.Contains(s, ":") {
		ip, err := netip.ParseAddr(s)
		return err == nil && (ip.Zone() == "" || hostName.MatchString(ip.Zone()))
	}
	return len(s) <= 253 && hostName.MatchString(s)
}

// validDomain checks a host name as Auth0 puts it in `iss`: lower case, no port.
func validDomain(s string) bool {
	return validHost(s) && !strings.Contains(s, ":") && strings.ToLower(s) == s
}

// LoopbackAddress reports whether only this machine can reach an address to listen on.
func LoopbackAddress(s string) bool {
	host, _, err := net.SplitHostPort(s)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	ip, err := netip.ParseAddr(host)
	return strings.EqualFold(host, "localhost") || err == nil && ip.Unmap().IsLoopback()
}

// parseURL takes an http or https URL in the form in which it would be compared: with a host in
// lower case, without a user, a query and a fragment.
func parseURL(s string) (*url.URL, bool) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.HasPrefix(s, u.Scheme+"://") {
		return nil, false
	}
	if u.User != nil || strings.ContainsAny(s, "?# \"<>\\^`{|}") || !validHost(u.Hostname()) || strings.ToLower(u.Host) != u.Host {
		return nil, false
	}
	if _, _, err := net.SplitHostPort(u.Host); err == nil && !validPort(u.Port()) {
		return nil, false
	}
	return u, true
}

// safeURL takes a URL that secrets and keys may travel to: https, or http on this machine.
func safeURL(s string) bool {
	u, ok := parseURL(s)
	return ok && (u.Scheme == "https" || loopbackHost(u.Hostname()))
}

// safeJWKS is safeURL with a query allowed.
func safeJWKS(s string) bool {
	path, query, _ := strings.Cut(s, "?")
	return safeURL(path) && !strings.ContainsAny(query, "# \"<>\\^`{|}")
}

// validOrigin checks that s is what a browser sends as Origin (RFC 6454 §6.2).
func validOrigin(s string) bool {
	u, ok := parseURL(s)
	if !ok || s != u.Scheme+"://"+u.Host {
		return false
	}
	return u.Port() != map[string]string{"http": "80", "https": "443"}[u.Scheme]
}

// secretForm is what validSecret takes, in words.
const secretForm = "a secret of 1 to 1024 visible ASCII characters"

// validSecret checks that s can stand after "Bearer" in a header.
func validSecret(s string) bool {
	return len(s) >= 1 && len(s) <= 1024 && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' })
}

var scope = regexp.MustCompile(`^[!#-\[\]-~]+( [!#-\[\]-~]+)*$`)

// validScope checks RFC 6749 §3.3.
func validScope(s string) bool { return scope.MatchString(s) }

// eventTokenForm is what validEventToken takes, in words.
const eventTokenForm = "16 to 1024 letters, digits and -._~+/, with = at the end only, as a bearer token is written"

var b64token = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

// validEventToken checks RFC 6750 §2.1, and that s is too long to be guessed if it is random.
func validEventToken(s string) bool { return len(s) >= 16 && len(s) <= 1024 && b64token.MatchString(s) }

// keyForm is what validKey takes, in words.
const keyForm = "32 random bytes in base64url, as fauna-login key new prints them"

// validKey checks a key of the key ring.
func validKey(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32
}

// pointerForm is what validPointer takes, in words.
const pointerForm = `expected a JSON pointer such as /https:~1~1example.com~1email ("~1" is "/", "~0" is "~")`

var pointer = regexp.MustCompile(`^(/([^~/]|~[01])*)+$`)

// validPointer checks a JSON pointer (RFC 6901 §3) to something inside the document.
func validPointer(s string) bool { return len(s) <= 1024 && pointer.MatchString(s) }

var (
	identifier = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

	keywords = strings.Fields("if else at match case let null true false isa join on of")

	// Members of every document, which a field cannot replace.
	members = strings.Fields("id coll ts ttl data delete update replace updateData replaceData exists")

	// Names that FQL and FSL know, and those of the schema that comes with the service.
	globals = strings.Fields(`Array Boolean Bytes Date Doc Double EventSource FQL Float ID Int Long Math Null Number Object Query Set
		SetCursor String Struct Time TransactionTime UUID Any Never struct interface type function collection
		Collection Function Role AccessProvider Database Key Credential Credentials Token log dbg abort asc desc newId _
		auth0_jwt auth0_deny auth0_event auth0_tenant
		exchangeAuth0Jwt upsertAuth0User issueAuth0OnBehalf auth0ServerSession auth0Linked auth0Evict auth0Secret auth0Denied auth0Covers
		auth0Blocked auth0SessionActive denyAuth0 endAuth0Session revokeAuth0Session endAuth0SessionsOf auth0Ended logoutAuth0 endAuth0Jwt
		endAuth0SessionById refreshAuth0Session
		endAuth0Sessions applyAuth0UserEvent blockAuth0User unblockAuth0User findAuth0User registerAuth0Tenants auth0SchemaVersion
		auth0Administrator`)
)

// validIdentifier checks a name in FQL.
func validIdentifier(s string) bool {
	return len(s) <= 128 && identifier.MatchString(s) && !slices.Contains(keywords, s)
}

func validCollection(s string) bool { return validIdentifier(s) && !slices.Contains(globals, s) }

// reservedMember says whether Fauna uses a field's name itself.
func reservedMember(s string) bool { return slices.Contains(members, s) }

// reservedInUser says whether the user document has a field of that name already, or may get one.
func reservedInUser(s string) bool {
	return reservedMember(s) || s == "blocked" || strings.HasPrefix(s, "auth0_")
}
