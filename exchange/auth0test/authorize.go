package auth0test

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"time"
)

//go:embed login.html
var loginHTML string

//go:embed message.html
var messageHTML string

var (
	loginPage   = template.Must(template.New("login").Parse(loginHTML))
	messagePage = template.Must(template.New("message").Parse(messageHTML))
)

// authorizeRequest is a valid request to /authorize (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1).
type authorizeRequest struct {
	query     url.Values
	redirect  *url.URL
	mode      string // query or web_message
	challenge string
	audience  string
	maxAge    time.Duration // negative when not asked for
}

// authorize answers with a code at once when the browser is logged in, else with the page that
// asks which user; prompt=none answers login_required instead. Unlike Auth0, which fills the hint
// into its page, it takes a login_hint that names a user for the answer: without passwords there is
// nothing left to ask.
func (t *Tenant) authorize(w http.ResponseWriter, r *http.Request) {
	a, ok := t.parseAuthorize(w, r, r.URL.Query())
	if !ok {
		return
	}
	s, loggedIn := t.session(r)
	if a.maxAge >= 0 && t.Now().Sub(s.at) >= a.maxAge {
		loggedIn = false
	}
	hinted, known := userByEmail(a.query.Get("login_hint"))
	switch prompt := a.query.Get("prompt"); {
	case prompt == "" && known && (!loggedIn || s.user.Sub != hinted.Sub):
		t.answerCode(w, r, a, t.newSession(w, hinted))
	case prompt == "none" && !loggedIn:
		t.answer(w, r, a, url.Values{"error": {"login_required"}, "error_description": {"Login required"}})
	case loggedIn && (prompt == "none" || prompt == ""):
		t.answerCode(w, r, a, s)
	default:
		t.showLogin(w, a)
	}
}

// login takes the form of the login page: the user, and the request that led to the page.
func (t *Tenant) login(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	query, err := url.ParseQuery(r.PostFormValue("request"))
	if err != nil {
		badPage(w, "the form's request is not a query string")
		return
	}
	a, ok := t.parseAuthorize(w, r, query)
	if !ok {
		return
	}
	u, ok := userByEmail(r.PostFormValue("user"))
	if !ok {
		badPage(w, "there is no such user")
		return
	}
	t.answerCode(w, r, a, t.newSession(w, u))
}

// parseAuthorize checks a request. What is wrong with it goes to the application, unless it is
// the address of the application that is wrong: that is shown on a page (RFC 6749 §4.1.2.1).
func (t *Tenant) parseAuthorize(w http.ResponseWriter, r *http.Request, q url.Values) (authorizeRequest, bool) {
	a := authorizeRequest{query: q, mode: q.Get("response_mode"), maxAge: -1}
	var err error
	if a.redirect, err = t.names.localURL(q.Get("redirect_uri")); err != nil {
		badPage(w, "redirect_uri: "+err.Error())
		return a, false
	}
	if a.mode == "" {
		a.mode = "query"
	}
	a.challenge = q.Get("code_challenge")
	a.audience = t.api(q.Get("audience"))

	e := ""
	switch {
	case a.mode != "query" && a.mode != "web_message":
		a.mode, e = "query", "response_mode: query and web_message are imitated"
	case q.Get("client_id") == "":
		e = "Missing required parameter: client_id"
	case q.Get("response_type") == "":
		e = "Missing required parameter: response_type"
	case q.Get("response_type") != "code":
		t.answer(w, r, a, errorValues("unsupported_response_type", "response_type: only code is imitated"))
		return a, false
	case a.challenge == "" || q.Get("code_challenge_method") != "S256":
		e = "code_challenge, code_challenge_method: expected PKCE with S256"
	case a.audience != "" && a.audience != t.Audience:
		t.answer(w, r, a, errorValues("access_denied", "Service not found: "+a.audience))
		return a, false
	case q.Get("max_age") != "":
		seconds, err := strconv.ParseUint(q.Get("max_age"), 10, 31)
		if err != nil {
			e = "max_age: expected seconds"
		}
		a.maxAge = time.Duration(seconds) * time.Second
	}
	if e != "" {
		t.answer(w, r, a, errorValues("invalid_request", e))
	}
	return a, e == ""
}

// api is the audience that was asked for, or "" when it was none but the tenant's own /userinfo.
func (t *Tenant) api(audience string) string {
	if audience == t.Issuer+"userinfo" {
		return ""
	}
	return audience
}

func errorValues(code, description string) url.Values {
	return url.Values{"error": {code}, "error_description": {description}}
}

// answerCode answers a with an authorization code for s.
func (t *Tenant) answerCode(w http.ResponseWriter, r *http.Request, a authorizeRequest, s session) {
	name := t.newCode(code{
		grant: grant{
			user:     s.user,
			client:   a.query.Get("client_id"),
			audience: a.audience,
			scope:    a.query.Get("scope"),
			nonce:    a.query.Get("nonce"),
			sid:      s.sid,
			org:      a.query.Get("organization"),
			authTime: s.at,
			maxAge:   a.maxAge >= 0,
		},
		redirect:  a.query.Get("redirect_uri"),
		challenge: a.challenge,
	})
	t.answer(w, r, a, url.Values{"code": {name}})
}

// answer sends values to the application, by a redirect or by postMessage to its window.
func (t *Tenant) answer(w http.ResponseWriter, r *http.Request, a authorizeRequest, values url.Values) {
	if state := a.query.Get("state"); state != "" {
		values.Set("state", state)
	}
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Referrer-Policy", "no-referrer")
	if a.mode == "web_message" {
		t.postMessage(w, a.redirect, values)
		return
	}
	to := *a.redirect
	query := to.Query()
	for name := range values {
		query.Set(name, values.Get(name))
	}
	to.RawQuery = query.Encode()
	status := http.StatusFound
	if r.Method == http.MethodPost {
		status = http.StatusSeeOther
	}
	http.Redirect(w, r, to.String(), status)
}

// postMessage answers with the page that auth0-spa-js waits for in a hidden frame or a popup:
// it posts {type: "authorization_response", response} to the application's origin.
func (t *Tenant) postMessage(w http.ResponseWriter, redirect *url.URL, values url.Values) {
	response := map[string]string{}
	for name := range values {
		response[name] = values.Get(name)
	}
	nonce := t.random(16)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'nonce-"+nonce+"'; frame-ancestors "+t.names.ancestors())
	messagePage.Execute(w, map[string]any{
		"Nonce": nonce, "Response": response, "Origin": redirect.Scheme + "://" + redirect.Host,
	})
}

func (t *Tenant) showLogin(w http.ResponseWriter, a authorizeRequest) {
	nonce := t.random(16)
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'nonce-"+nonce+"'; frame-ancestors 'none'")
	loginPage.Execute(w, map[string]any{
		"Nonce": nonce, "Request": a.query.Encode(), "Client": a.query.Get("client_id"),
		"Hint": a.query.Get("login_hint"), "Users": Users(),
	})
}

// badPage tells the person at the browser what is wrong.
func badPage(w http.ResponseWriter, what string) {
	http.Error(w, "Oops!, something went wrong: "+what, http.StatusBadRequest)
}

// logout ends the browser's session and sends it to returnTo.
func (t *Tenant) logout(w http.ResponseWriter, r *http.Request) {
	to := r.URL.Query().Get("returnTo")
	if to != "" {
		if _, err := t.names.localURL(to); err != nil {
			badPage(w, "returnTo: "+err.Error())
			return
		}
	}
	if c, err := r.Cookie(sessionCookie); err == nil {
		t.mu.Lock()
		delete(t.sessions, c.Value)
		t.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
	w.Header().Set("Cache-Control", "no-store")
	if to == "" {
		w.Write([]byte("OK"))
		return
	}
	http.Redirect(w, r, to, http.StatusFound)
}
