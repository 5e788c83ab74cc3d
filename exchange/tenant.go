package exchange

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Tenant is an Auth0 tenant: one or more issuers that share users, keys or both, and what
// is asked of their tokens.
type Tenant struct {
	Name       string   // part of every user's key
	Issuers    []string // compared byte for byte with iss; end in a slash, as Auth0's do
	Audience   []string // at least one of ours
	JWKSURL    string   // one key set for all issuers; empty: <issuer>.well-known/jwks.json each
	Algorithms []string // RS256, PS256; empty: RS256

	Clients       []string // allowed azp or client_id; empty: any
	Organizations []string // allowed org_id; empty: any, and none
	Actors        []string // allowed act.sub; empty: delegated tokens are refused
	RequiredScope string   // space separated; empty: none

	UserClaims    []ClaimCopy // into the user's document
	SessionClaims []ClaimCopy // into the session's claims

	// SessionIDClaim and LinkIDClaim are JSON pointers (RFC 6901) to claims that hold Auth0's
	// session id, and an id that joins the JWT to a session made on the user's behalf. Empty: none.
	SessionIDClaim, LinkIDClaim string

	OnBehalf      OnBehalf
	LogoutClients []string // aud of logout tokens; empty: none are accepted
	EventTokens   []string // bearers of the event webhook, each of this tenant alone; empty: off
}

// OnBehalf says which machines may ask for a user's session, and for how long.
type OnBehalf struct {
	Clients []string      // azp or client_id of their tokens; empty: nobody
	Scope   string        // space separated, all of it needed
	MaxTTL  time.Duration // of what is issued, whole seconds
}

// ClaimCopy says which claim goes into which field.
type ClaimCopy struct {
	To       string // field name: letters, digits and _, not beginning with a digit
	From     string // JSON pointer into the claims (RFC 6901)
	Required bool   // refuse a token that lacks it; else the field is left as it is
}

// ReservedUserFields may not be the target of a claim that is copied into the user's
// document: the first ones are Fauna's own (Fauna: "Invalid reserved name"), the others
// are what the exchange writes and decides by.
var ReservedUserFields = []string{
	"id", "coll", "ts", "ttl", "data",
	"delete", "update", "replace", "updateData", "replaceData", "exists",
	"auth0_tenant", "auth0_sub", "auth0_blocked", "auth0_event_at", "blocked",
}

// Validate reports all mistakes in the tenant at once, joined.
func (t Tenant) Validate() error {
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !validIdentifier(t.Name) {
		add("name: 1 to 255 bytes without control characters expected")
	}
	if len(t.Issuers) == 0 {
		add("issuers: at least one expected")
	}
	for _, issuer := range t.Issuers {
		if err := checkURL(issuer); err != nil {
			add("issuers: %q: %w", issuer, err)
		} else if !strings.HasSuffix(issuer, "/") {
			add("issuers: %q: a slash at the end expected, as in Auth0's iss", issuer)
		}
	}
	if len(t.Audience) == 0 || slices.Contains(t.Audience, "") {
		add("audience: at least one expected, none empty")
	}
	if t.JWKSURL != "" {
		if err := checkURL(t.JWKSURL); err != nil {
			add("jwks_url: %q: %w", t.JWKSURL, err)
		}
	}
	for _, name := range t.Algorithms {
		if signingMethod(name) == nil {
			add("algorithms: %q: RS256 or PS256 expected", name)
		}
	}
	if o := t.OnBehalf; len(o.Clients) > 0 && (o.MaxTTL < time.Second || o.MaxTTL%time.Second != 0) {
		add("on_behalf.max_ttl: whole seconds expected, at least one")
	}
	errs = append(errs, validateCopies("claims.user", t.UserClaims, ReservedUserFields)...)
	errs = append(errs, validateCopies("claims.session", t.SessionClaims, nil)...)
	return errors.Join(errs...)
}

// Validate reports what is wrong with the copy on its own; whether the target is free is
// for the list it stands in.
func (c ClaimCopy) Validate() error { return errors.Join(c.mistakes()...) }

func (c ClaimCopy) mistakes() (errs []error) {
	if !validFieldName(c.To) {
		errs = append(errs, fmt.Errorf("to: %q: letters, digits and _ expected, no digit first", c.To))
	}
	if _, err := parsePointer(c.From); err != nil {
		errs = append(errs, fmt.Errorf("from: %q: %w", c.From, err))
	}
	return errs
}

func validateCopies(path string, copies []ClaimCopy, reserved []string) (errs []error) {
	seen := map[string]bool{}
	for i, c := range copies {
		mistakes := c.mistakes()
		if slices.Contains(reserved, c.To) {
			mistakes = append(mistakes, fmt.Errorf("to: %q is a field of the document itself", c.To))
		}
		if seen[c.To] {
			mistakes = append(mistakes, fmt.Errorf("to: %q is a target already", c.To))
		}
		seen[c.To] = true
		for _, err := range mistakes {
			errs = append(errs, fmt.Errorf("%s[%d].%w", path, i, err))
		}
	}
	return errs
}

// validFieldName accepts FQL identifiers in ASCII.
func validFieldName(s string) bool {
	for i, r := range s {
		letter := 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || r == '_'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxIdentifier
}

// checkURL accepts an absolute https URL, or http on this machine, with nothing that an
// issuer may not have (RFC 8414 §2).
func checkURL(s string) error {
	u, err := url.Parse(s)
	switch {
	case err != nil || u.Host == "" || u.Opaque != "":
		return errors.New("an https URL expected")
	case u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		return errors.New("a URL without user, query and fragment expected")
	case u.Scheme == "https", u.Scheme == "http" && isLoopback(u.Hostname()):
		return nil
	default:
		return errors.New("https expected; http is for loopback hosts only")
	}
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// algorithms are those allowed, the default applied.
func (t Tenant) algorithms() []string {
	if len(t.Algorithms) == 0 {
		return []string{"RS256"}
	}
	return t.Algorithms
}
