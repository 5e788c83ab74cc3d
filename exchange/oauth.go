package exchange

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// The names of RFC 8693 that are spoken here. What is issued is an access token to Fauna: it is
// sent as a bearer token.
const (
	grantTokenExchange = "urn:ietf:params:oauth:grant-type:token-exchange"
	typeAccessToken    = "urn:ietf:params:oauth:token-type:access_token"
	typeJWT            = "urn:ietf:params:oauth:token-type:jwt"
)

const (
	tokenPath    = "/oauth/token"
	metadataPath = "/.well-known/oauth-authorization-server" // RFC 8414 §3
)

// metadata describes the token endpoint (RFC 8414 §2).
type metadata struct {
	Issuer        string   `json:"issuer"`
	TokenEndpoint string   `json:"token_endpoint"`
	AuthMethods   []string `json:"token_endpoint_auth_methods_supported"`
	Grants        []string `json:"grant_types_supported"`
	ResponseTypes []string `json:"response_types_supported"` // required, and there are none
}

func (s *Service) getMetadata(c echo.Context) error {
	return c.JSON(http.StatusOK, metadata{
		Issuer:        s.PublicURL,
		TokenEndpoint: s.PublicURL + tokenPath,
		AuthMethods:   []string{"none"},
		Grants:        []string{grantTokenExchange},
		ResponseTypes: []string{},
	})
}

// tokenAnswer is the answer of POST /oauth/token (RFC 8693 §2.2.1), with what POST /fauna-login
// says beside it.
type tokenAnswer struct {
	AccessToken     string `json:"access_token"` // the secret
	IssuedTokenType string `json:"issued_token_type"`
	TokenType       string `json:"token_type"`
	ExpiresIn       int64  `json:"expires_in"`      // seconds
	Scope           string `json:"scope,omitempty"` // of the subject token: all of it, whatever was asked for
	Endpoint        string `json:"endpoint"`
	User            idOnly `json:"user"`
	Session         idOnly `json:"session"`
}

// postToken exchanges a user's token, for the user as POST /fauna-login does, or with an actor
// token for a server that the user's token was sent to. The server's secret is of the same
// session: logging out ends it too.
func (s *Service) postToken(c echo.Context) error {
	ctx := c.Request().Context()
	request, problem := readTokenRequest(c)
	if problem != nil {
		return problem
	}
	if s.Mode == ModeCookie && request.actor == "" {
		return &Error{problem: problemCookieMode, Reason: ReasonRequest}
	}
	record, by := recordOf(ctx), requester{maxTTL: s.MaxTTL}
	var actor Verdict
	if request.actor != "" {
		record.op = opOnBehalf
		var err error
		if actor, err = s.verify(ctx, request.actor, PurposeOnBehalf); err != nil {
			return tokenError(err, "actor")
		}
		record.asker = actor.ClientID
		by = requester{client: actor.ClientID, maxTTL: s.onBehalfTTL(s.Verifier.tenantOf(actor))}
	}
	subject, err := s.verify(ctx, request.subject, PurposeExchange)
	if err != nil {
		return tokenError(err, "subject")
	}
	if request.actor != "" && actor.Tenant != subject.Tenant {
		return tokenError(&Error{problem: problemDenied, Reason: ReasonActor, Err: errors.New("the actor token is of another tenant")}, "actor")
	}
	if problem := s.checkTargets(request, subject); problem != nil {
		return problem
	}
	session, err := s.exchange(ctx, subject, by)
	if err != nil {
		return tokenError(err, "subject")
	}
	record.issued(session)
	a := s.answer(session)
	return c.JSON(http.StatusOK, tokenAnswer{
		AccessToken: a.Secret, IssuedTokenType: typeAccessToken, TokenType: a.TokenType,
		ExpiresIn: a.ExpiresIn, Scope: strings.Join(subject.Scope, " "),
		Endpoint: a.Endpoint, User: a.User, Session: a.Session,
	})
}

// tokenRequest is a form of POST /oauth/token (RFC 8693 §2.1).
type tokenRequest struct {
	subject, actor string   // tokens; the actor's may be empty
	targets        []string // resource and audience
	scope          []string
}

// readTokenRequest reads a form. No client authentication is needed, as the tokens are what is
// believed: client_id and client_secret, in the form or as Basic (RFC 6749 §2.3.1), which
// libraries send unasked, are granted nothing.
func readTokenRequest(c echo.Context) (tokenRequest, *Error) {
	body, err := readBody(c)
	if err != nil {
		return tokenRequest{}, errorOf(err)
	}
	if mediaType(c) != "application/x-www-form-urlencoded" {
		return tokenRequest{}, &Error{problem: problemFormType, Reason: ReasonRequest}
	}
	if problem := checkBasic(c.Request().Header.Values("Authorization")); problem != nil {
		return tokenRequest{}, problem
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return tokenRequest{}, wants("A form expected, in the encoding application/x-www-form-urlencoded.")
	}
	return parseTokenRequest(form)
}

// checkBasic lets client credentials pass. A bearer token there is one too many: it cannot be
// told which of the two is meant.
func checkBasic(headers []string) *Error {
	if len(headers) == 0 {
		return nil
	}
	if scheme, _, _ := strings.Cut(headers[0], " "); len(headers) > 1 || !strings.EqualFold(scheme, "Basic") {
		return wants("Tokens are sent in the form. Authorization may be Basic, once, or absent.")
	}
	return nil
}

// parseTokenRequest reads the parameters. One without a value counts as absent, unknown ones
// are ignored, and none but resource and audience may be there twice (RFC 6749 §3.2, RFC 8693
// §2.1).
func parseTokenRequest(form url.Values) (tokenRequest, *Error) {
	for name, values := range form {
		if len(values) > 1 && name != "resource" && name != "audience" {
			return tokenRequest{}, wants("Each parameter but resource and audience is expected once at most.")
		}
	}
	isToken := func(kind string) bool { return kind == typeAccessToken || kind == typeJWT }
	switch grant := form.Get("grant_type"); {
	case grant == "":
		return tokenRequest{}, wants("grant_type: " + grantTokenExchange + " expected.")
	case grant != grantTokenExchange:
		return tokenRequest{}, &Error{problem: problemGrant, Reason: ReasonRequest}
	case form.Get("access_token") != "":
		return tokenRequest{}, wants("access_token is not expected: the token is sent as subject_token.")
	case form.Get("subject_token") == "":
		return tokenRequest{}, wants("subject_token: an Auth0 access token expected.")
	case !isToken(form.Get("subject_token_type")):
		return tokenRequest{}, wants("subject_token_type: " + typeAccessToken + " or " + typeJWT + " expected.")
	case form.Get("actor_token") == "" && form.Get("actor_token_type") != "":
		return tokenRequest{}, wants("actor_token_type is expected with actor_token only.")
	case form.Get("actor_token") != "" && !isToken(form.Get("actor_token_type")):
		return tokenRequest{}, wants("actor_token_type: " + typeAccessToken + " or " + typeJWT + " expected.")
	case form.Get("requested_token_type") != "" && form.Get("requested_token_type") != typeAccessToken:
		return tokenRequest{}, wants("requested_token_type: " + typeAccessToken + " expected, or none.")
	}
	targets := slices.Concat(form["resource"], form["audience"])
	return tokenRequest{
		subject: form.Get("subject_token"),
		actor:   form.Get("actor_token"),
		targets: slices.DeleteFunc(targets, func(target string) bool { return target == "" }),
		scope:   strings.Fields(form.Get("scope")),
	}, nil
}

// checkTargets wants what a secret of the token is good for. A secret can be neither narrowed
// to a part of the token's scope, so that more is given than was asked for, nor widened.
func (s *Service) checkTargets(request tokenRequest, subject Verdict) *Error {
	tenant := s.Verifier.tenantOf(subject)
	for _, target := range request.targets {
		if target != s.Endpoint && target != s.PublicURL && !slices.Contains(tenant.Audience, target) {
			return &Error{problem: problemTarget, Reason: ReasonRequest}
		}
	}
	for _, scope := range request.scope {
		if !slices.Contains(subject.Scope, scope) {
			return &Error{problem: problemScopeWide, Reason: ReasonRequest}
		}
	}
	return nil
}

// tokenError is err as this endpoint tells it. Whatever is wrong with a token, the policy that
// refuses it too, is a 400 invalid_request (RFC 8693 §2.2.2). role is subject or actor.
func tokenError(err error, role string) *Error {
	e := *errorOf(err)
	if e.status != http.StatusUnauthorized && e.status != http.StatusForbidden {
		return &e
	}
	description := "The " + role + " token is valid, but this user or client may not log in here."
	switch e.code {
	case problemInvalidToken.code:
		description = "The " + role + " token is not valid here. Get a fresh one from Auth0, with this API as its audience."
	case problemScope.code:
		description = "The " + role + " token lacks a required scope."
	}
	e.problem, e.Scope = problem{http.StatusBadRequest, "invalid_request", description}, ""
	return &e
}
