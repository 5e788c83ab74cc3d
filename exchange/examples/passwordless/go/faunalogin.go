package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
)

// faunaLogin asks fauna-login for secrets on users' behalf. It identifies itself with a token of
// the client credentials grant (RFC 6749 §4.4), which it keeps until shortly before it expires.
type faunaLogin struct {
	url, issuer, audience, client, secret string
	http                                  *http.Client

	mu      sync.Mutex // held while a token is fetched, so that there is one fetch at a time
	token   string
	expires time.Time
}

// issued is what the page gets: where to query, with what, and until when.
type issued struct {
	Secret    string    `json:"secret"`
	Endpoint  string    `json:"endpoint"`
	ExpiresAt time.Time `json:"expires_at"`
}

// refusal is an answer other than 200.
type refusal struct {
	from   string
	status int
}

func (r *refusal) Error() string { return fmt.Sprintf("%s answered %d", r.from, r.status) }

// onBehalf gets a secret for a user whom the app has authenticated. user are fields for the
// user's document, such as claims.user of fauna-login's configuration names.
func (f *faunaLogin) onBehalf(ctx context.Context, sub string, user map[string]string) (issued, error) {
	body, err := json.Marshal(map[string]any{"sub": sub, "user": user})
	if err != nil {
		return issued{}, err
	}
	answer, err := f.ask(ctx, body)
	if refused, ok := err.(*refusal); ok && refused.from == "fauna-login" && refused.status == http.StatusUnauthorized {
		f.forgetToken() // a key was rotated, or a clock is wrong: once more with a new one
		answer, err = f.ask(ctx, body)
	}
	return answer, err
}

func (f *faunaLogin) ask(ctx context.Context, body []byte) (issued, error) {
	token, err := f.machineToken(ctx)
	if err != nil {
		return issued{}, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/fauna-login/on-behalf", bytes.NewReader(body))
	if err != nil {
		return issued{}, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	var answer issued
	err = f.do("fauna-login", req, &answer)
	return answer, err
}

// machineToken is this backend's own access token.
func (f *faunaLogin) machineToken(ctx context.Context) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if time.Now().Before(f.expires) {
		return f.token, nil
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {f.client}, "client_secret": {f.secret},
		"audience": {f.audience}, "scope": {"fauna:issue_for_user"},
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, f.issuer+"oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		AccessToken string `json:"access_token"`
		ExpiresIn   int    `json:"expires_in"`
	}
	if err := f.do("Auth0", req, &answer); err != nil {
		return "", err
	}
	f.token, f.expires = answer.AccessToken, time.Now().Add(time.Duration(answer.ExpiresIn-60)*time.Second)
	return f.token, nil
}

func (f *faunaLogin) forgetToken() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.expires = time.Time{}
}

func (f *faunaLogin) do(from string, req *http.Request, into any) error {
	res, err := f.http.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return &refusal{from, res.StatusCode}
	}
	return json.NewDecoder(res.Body).Decode(into)
}
