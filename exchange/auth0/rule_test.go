package auth0_test

import (
	"net/http"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

func (w *world) rule(configuration, change m) outcome {
	w.Helper()
	context := m{
		"clientID": auth0test.ClientID, "connection": "Username-Password-Authentication", "protocol": "oidc-basic-profile",
		"sessionID": "sid-1", "request": m{"query": m{"prompt": "none"}, "ip": "203.0.113.7"}, "stats": m{"loginsCount": 1},
	}
	o := w.node.run(m{
		"rule": "rule-legacy.js", "configuration": configuration, "context": merge(context, change),
		"user": m{"user_id": auth0test.Ada, "email": "ada@example.com"},
	})
	if o.Calls != 1 {
		w.Errorf("the callback was called %d times", o.Calls)
	}
	return o
}

func TestRule(t *testing.T) {
	w := newWorld(t)
	links := m{"NAMESPACE": namespace}
	if o := w.rule(links, nil); o.AccessToken[sidClaim] != "sid-1" || len(o.AccessToken) != 1 || o.Error != nil {
		t.Errorf("links: %+v", o)
	}
	if o := w.rule(links, m{"request": m{"query": m{}}}); len(o.AccessToken) > 0 {
		t.Errorf("a session whose id may change: %+v", o)
	}
	if o := w.rule(w.secrets(nil), m{"protocol": "samlp"}); len(o.AccessToken) > 0 {
		t.Errorf("SAML: %+v", o)
	}
	if n := w.tokens.requests() + w.service.requests(); n != 0 {
		t.Errorf("%d requests", n)
	}

	for _, change := range []m{nil, {"protocol": "oauth2-refresh-token", "sessionID": nil, "request": m{}}} {
		o := w.rule(w.secrets(m{"FAIL": "closed"}), change)
		l := w.exchange(auth0test.Ada, o.AccessToken)
		w.is(`auth0_jwt.byLinkId("`+o.AccessToken[tidClaim].(string)+`").map(s => [s.id, s.origin]).toArray()`, `[["`+l.Session.ID+`","server"]]`)
	}
	w.rule(w.secrets(nil), m{"primaryUser": auth0test.Grace})
	w.is(`User.byAuth0("main", "`+auth0test.Grace+`").count()`, `1`)
	if n := w.tokens.requests(); n != 1 {
		t.Errorf("%d requests for a token", n)
	}
	w.service.answer(func(rw http.ResponseWriter, r *http.Request) bool {
		w.service.answer(nil)
		rw.WriteHeader(http.StatusUnauthorized)
		rw.Write([]byte(`{}`))
		return true
	})
	if o := w.rule(w.secrets(m{"FAIL": "closed"}), nil); o.Error != nil || w.tokens.requests() != 1 {
		t.Errorf("a token that is good no more: %+v", o)
	}
	for name, fault := range faults {
		w.service.answer(fault)
		if o := w.rule(w.secrets(m{"FAIL": "open"}), nil); o.Error != nil || len(o.Log) != 1 || len(o.AccessToken) == 0 {
			t.Errorf("%s, open: %+v", name, o)
		}
		if o := w.rule(w.secrets(m{"FAIL": "closed"}), nil); o.Error == nil || o.Error.Name != "UnauthorizedError" {
			t.Errorf("%s, closed: %+v", name, o)
		}
	}
	w.service.answer(slow)
	if o := w.rule(w.secrets(m{"FAIL": "closed"}), nil); o.Error == nil || o.MS < 1200 || o.MS >= 2000 {
		t.Errorf("slow: %+v", o)
	}
}
