package exchange_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// FuzzEvent reads bodies of the event webhook. One that is obeyed says the same to a reader that
// refuses what is ambiguous, and to one that takes the last of equal names.
func FuzzEvent(f *testing.F) {
	f.Add(`{"specversion":"1.0","id":"evt_1","type":"user.updated","time":"2026-11-20T12:00:00.000Z","data":{"object":{"user_id":"auth0|1","blocked":true}}}`)
	f.Add(`{"specversion":"1.0","id":"evt_1","type":"user.updated","time":"2026-11-20T12:00:00+01:00","data":{"object":{"user_id":"auth0|1","blocked":false}}}`)
	f.Add(`{"specversion":"1.0","id":"e","type":"user.deleted","time":"2026-11-20T12:00:00Z","data":{"object":{"user_id":"a|é","user_id":"x"}}}`)
	f.Add(`{"a0purpose":"test","specversion":"1.0","id":"e","type":"user.deleted"}`)
	f.Add(`{"specversion":"1.0","id":"e","t\u0079pe":"user.deleted","time":"2026-11-20T12:00:00Z","data":{"object":{"user_id":"a|b"}}} `)
	now := noon()
	f.Fuzz(func(t *testing.T, body string) {
		event, err := exchange.ParseEvent(body, now)
		if err != nil || event.Subject == "" {
			if event.Subject != "" {
				t.Fatalf("refused with a subject: %q", body)
			}
			return
		}
		strict := strictObject(t, body)
		var last map[string]any
		if err := json.Unmarshal([]byte(body), &last); err != nil {
			t.Fatalf("%q: %v", body, err)
		}
		for _, e := range []map[string]any{strict, last} {
			object := e["data"].(map[string]any)["object"].(map[string]any)
			at, err := time.Parse(time.RFC3339, e["time"].(string))
			if err != nil || !at.Equal(event.Time) || at.After(now.Add(5*time.Minute)) || at.Unix() < 0 {
				t.Fatalf("%q: time %v, we %v", body, at, event.Time)
			}
			if e["specversion"] != "1.0" || e["id"] == "" || e["a0purpose"] == "test" || object["user_id"] != event.Subject || !strings.Contains(event.Subject, "|") {
				t.Fatalf("%q: obeyed as %v", body, event)
			}
			switch e["type"] {
			case "user.deleted":
				if !event.Deleted || event.Blocked {
					t.Fatalf("%q: obeyed as %v", body, event)
				}
			case "user.updated":
				if event.Deleted || object["blocked"] != event.Blocked {
					t.Fatalf("%q: obeyed as %v", body, event)
				}
			default:
				t.Fatalf("%q: obeyed as %v", body, event)
			}
		}
	})
}

// FuzzLogoutForm sends bodies to the back-channel logout endpoint. Only a form with exactly one
// logout token is obeyed.
func FuzzLogoutForm(f *testing.F) {
	s := newEndingService(f, nil)
	// The token stands in the body as ~; each time it is another.
	for _, seed := range []string{"logout_token=~", "logout_token=~&logout_token=~", "a=b&logout_token=~;", "logout_token=~%00", "logout%5Ftoken=~", "logout_token=%20~", "logout_token=~&%zz", "LOGOUT_TOKEN=~"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		s.tb = t
		token := s.logoutToken(s.main, nil)
		body = strings.ReplaceAll(body, "~", token)
		a := s.do(s.request("POST", "/auth0/backchannel-logout", body, formType))
		form, err := url.ParseQuery(body)
		good := err == nil && len(form["logout_token"]) == 1 && form.Get("logout_token") == token
		if want := 400; a.status != want && !(good && a.status == 200) && !(len(body) > 64<<10 && a.status == 413) || good && a.status == 400 {
			t.Errorf("%q: %d", body, a.status)
		}
	})
}
