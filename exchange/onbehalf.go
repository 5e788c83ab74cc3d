package exchange

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/fauna-login/fauna-login/fqlx"

	jwtmiddleware "github.com/auth0/go-jwt-middleware/v2"
	"github.com/labstack/echo/v4"
)

// userAnswer is what POST /fauna-login/on-behalf answers for a user document alone.
type userAnswer struct {
	User idOnly `json:"user"`
}

// postOnBehalf issues what the server, whose token the middleware in front verified, asks for
// on a user's behalf. No user token is there: the server vouches for the user it names.
func (s *Service) postOnBehalf(c echo.Context) error {
	ctx := c.Request().Context()
	asker, _ := ctx.Value(jwtmiddleware.ContextKey{}).(Verdict) // the zero Verdict is a no
	if !asker.For(PurposeOnBehalf) {
		return errors.New("on behalf without a verdict")
	}
	body, err := readBody(c)
	if err != nil {
		return err
	}
	if mediaType(c) != "application/json" {
		return &Error{problem: problemObjectType, Reason: ReasonRequest}
	}
	request, problem := s.onBehalfRequest(string(body), asker)
	if problem != nil {
		return problem
	}
	record := recordOf(ctx)
	record.who.subject, record.who.hash = request.Subject, "" // the user's, who has no token here
	session, err := s.issueOnBehalf(ctx, request)
	if err != nil {
		return err
	}
	record.issued(session)
	a := s.answer(session)
	switch request.Issue {
	case fqlx.IssueSession:
		a.TokenType = "" // there is no secret; the times are the session's
	case fqlx.IssueUser:
		record.outcome = "done"
		return c.JSON(http.StatusOK, userAnswer{a.User})
	}
	return c.JSON(http.StatusOK, a)
}

func (s *Service) issueOnBehalf(ctx context.Context, request fqlx.OnBehalfRequest) (fqlx.Session, error) {
	if err := s.limitSubject(request.Tenant, request.Subject); err != nil {
		return fqlx.Session{}, err
	}
	start := s.Now()
	session, err := s.Fauna.IssueOnBehalf(ctx, request)
	s.metrics.fauna.Observe(s.Now().Sub(start).Seconds())
	var refused *fqlx.Refused
	switch {
	case errors.As(err, &refused) && refused.Code == "denied":
		// The mark is on the user. The server's own token is as good as ever.
		return fqlx.Session{}, &Error{problem: problemDenied, Reason: ReasonDenyMark}
	case err != nil:
		return fqlx.Session{}, faunaError(ctx, err)
	}
	return session, nil
}

// onBehalfRequest reads the body of a request of asker's.
func (s *Service) onBehalfRequest(body string, asker Verdict) (fqlx.OnBehalfRequest, *Error) {
	tenant := s.Verifier.tenantOf(asker)
	r := fqlx.OnBehalfRequest{
		Tenant: asker.Tenant, Issuer: asker.Issuer, RequestedBy: asker.ClientID,
		Issue: fqlx.IssueSecret, MaxSecrets: s.MaxSecrets, TTL: s.onBehalfTTL(tenant),
	}
	reader := onBehalfReader{tenant: tenant, client: asker.ClientID, maxTTL: r.TTL}
	if problem := reader.read(body, &r); problem != nil {
		return fqlx.OnBehalfRequest{}, problem
	}
	return r, nil
}

// onBehalfTTL is how long what a server asks for may live, and does if it does not say.
func (s *Service) onBehalfTTL(tenant *Tenant) time.Duration {
	return min(tenant.OnBehalf.MaxTTL, s.MaxTTL)
}

// onBehalfReader reads bodies of POST /fauna-login/on-behalf. As with tokens, what two readers
// could read differently is refused: the body decides who somebody is.
type onBehalfReader struct {
	tenant *Tenant
	client string // that asks
	maxTTL time.Duration

	doc jsonDoc
}

// read reads body over the defaults in r.
func (b *onBehalfReader) read(body string, r *fqlx.OnBehalfRequest) *Error {
	var err error
	if b.doc, err = parseJSON(body, 2+maxCopiedDepth); err != nil {
		return &Error{problem: problemObject, Reason: ReasonRequest, Err: err}
	}
	for at := 1; at < b.doc[0].next; at = b.doc[at].next {
		if problem := b.member(at, r); problem != nil {
			return problem
		}
	}
	if r.Subject == "" {
		return wants(wantSubject)
	}
	return nil
}

// What the members have to be. A description never holds what was sent.
const (
	wantSubject   = "sub: a user id of the form provider|id expected."
	wantIssuer    = "issuer: an issuer of the tenant that the access token is of expected."
	wantTTL       = "ttl: whole seconds expected, from 1 to %d."
	wantSessionID = "session_id: a string of 1 to 255 bytes without control characters expected."
	wantLinkID    = "link_id: a string of 1 to 255 bytes without control characters expected."
	wantUser      = "user: an object expected, of fields that claims.user of the tenant names, 16 KiB in all, with numbers of 64 bits."
	wantIssue     = "issue: secret, session or user expected."
	wantMembers   = "Members expected: sub, issuer, ttl, session_id, link_id, user, issue, and no other."
)

// wants is the answer to a body with a member that is not as it should be.
func wants(what string) *Error {
	return &Error{problem: problem{http.StatusBadRequest, "invalid_request", what}, Reason: ReasonRequest}
}

// member reads the member at index at into r.
func (b *onBehalfReader) member(at int, r *fqlx.OnBehalfRequest) *Error {
	node, ok, want := b.doc[at], false, wantMembers
	isText := node.kind == jsonString
	switch node.name {
	case "sub":
		r.Subject, want = node.text, wantSubject
		ok = isText && checkSubject(claims{subject: node.text, clientID: b.client}) == nil
	case "issuer":
		r.Issuer, want = node.text, wantIssuer
		ok = isText && slices.Contains(b.tenant.Issuers, node.text)
	case "ttl":
		want = fmt.Sprintf(wantTTL, b.maxTTL/time.Second)
		r.TTL, ok = b.ttl(node)
	case "session_id":
		r.SessionID, want = node.text, wantSessionID
		ok = isText && validIdentifier(node.text)
	case "link_id":
		r.LinkID, want = node.text, wantLinkID
		ok = isText && validIdentifier(node.text)
	case "user":
		want = wantUser
		r.User, ok = b.user(at)
	case "issue":
		r.Issue, want = fqlx.Issue(node.text), wantIssue
		ok = isText && slices.Contains([]fqlx.Issue{fqlx.IssueSecret, fqlx.IssueSession, fqlx.IssueUser}, r.Issue)
	}
	if !ok {
		return wants(want)
	}
	return nil
}

func (b *onBehalfReader) ttl(node jsonNode) (time.Duration, bool) {
	seconds, err := strconv.ParseInt(node.text, 10, 64)
	ok := node.kind == jsonNumber && err == nil && 1 <= seconds && seconds <= int64(b.maxTTL/time.Second)
	return time.Duration(seconds) * time.Second, ok
}

// user encodes fields for the user document, within the bounds of copied claims. A null takes
// its field away.
func (b *onBehalfReader) user(at int) (fqlx.Tagged, bool) {
	if b.doc[at].kind != jsonObject {
		return "", false
	}
	out := []byte{'{'}
	for i := at + 1; i < b.doc[at].next; i = b.doc[i].next {
		name := b.doc[i].name
		if !slices.ContainsFunc(b.tenant.UserClaims, func(c ClaimCopy) bool { return c.To == name }) {
			return "", false
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		var err error
		if out, err = appendTagged(append(fqlx.AppendText(out, name), ':'), b.doc, i, 0); err != nil {
			return "", false
		}
	}
	return fqlx.Tagged(append(out, '}')), true
}

// tenantOf is the tenant that a verified token is of.
func (v *Verifier) tenantOf(verdict Verdict) *Tenant { return v.issuers[verdict.Issuer].tenant }

// servesOnBehalf reports whether any tenant lets machines ask on users' behalf.
func (v *Verifier) servesOnBehalf() bool {
	return slices.ContainsFunc(v.config.Tenants, func(t Tenant) bool { return len(t.OnBehalf.Clients) > 0 })
}
