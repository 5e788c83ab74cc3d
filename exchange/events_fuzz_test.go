package exchange_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/fqlx"
)

// FuzzEvent reads bodies of the event webhook. In one that is obeyed all that counts stands once,
// and says the same to a reader that takes the last of equal names.
func FuzzEvent(f *testing.F) {
	f.Add(`{"specversion":"1.0","id":"evt_1","type":"user.updated","time":"2026-11-20T12:00:00.000Z","data":{"object":{"user_id":"auth0|1","blocked":true}}}`)
	f.Add(`{"specversion":"1.0","id":"evt_1","type":"user.updated","time":"2026-11-20T12:00:00+01:00","data":{"object":{"user_id":"auth0|1","blocked":false}}}`)
	f.Add(`{"specversion":"1.0","id":"e","type":"user.deleted","time":"2026-11-20T12:00:00Z","data":{"object":{"user_id":"a|é","user_id":"x"}}}`)
	f.Add(`{"a0purpose":"test","specversion":"1.0","id":"e","type":"user.deleted"}`)
	f.Add(`{"specversion":"1.0","id":"e","type":"user.deleted","time":"2026-11-20T12:00:00Z","x":"\ud800","x":{"id":1,"id":2},"data":{"object":{"user_id":"a|b","\udfff":[[{}]]}}}`)
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
		object := onlyOne(t, onlyOne(t, body, "data"), "object")
		onlyOne(t, object, "user_id")
		onlyOne(t, object, "blocked")
		for _, name := range []string{"specversion", "id", "type", "time", "a0purpose"} {
			onlyOne(t, body, name)
		}
		checkEvent(t, body, event, now)
	})
}

// FuzzEventMetadata sends users' own data with their deletion: whatever JSON they are, it counts.
func FuzzEventMetadata(f *testing.F) {
	for _, seed := range []string{`{}`, `{"x":"\ud800"}`, `{"x":1,"x":2}`, `[[[{"\udc00":1e999}]]]`, `{"data":{"object":{"user_id":"a|c"}}}`, `"\\\""`} {
		f.Add(seed)
	}
	now := noon()
	f.Fuzz(func(t *testing.T, metadata string) {
		if !utf8.ValidString(metadata) || !json.Valid([]byte(metadata)) {
			return
		}
		event, err := exchange.ParseEvent(`{"specversion":"1.0","id":"e","type":"user.deleted","time":"2026-11-20T12:00:00Z","data":{"object":{"user_metadata":`+
			metadata+`,"user_id":"a|b"}}}`, now)
		if err != nil || event.Subject != "a|b" || !event.Deleted {
			t.Errorf("%q: %v, %v", metadata, event, err)
		}
	})
}

// onlyOne returns the text of an object's member, which stands there once or not at all.
func onlyOne(t *testing.T, object, name string) string {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(object))
	if start, err := decoder.Token(); err != nil || start != json.Delim('{') {
		t.Fatalf("obeyed where %q should be an object: %v", object, err)
	}
	var found []string
	for decoder.More() {
		member, err := decoder.Token()
		var value json.RawMessage
		if err == nil {
			err = decoder.Decode(&value)
		}
		if err != nil {
			t.Fatalf("obeyed though %q is not JSON: %v", object, err)
		}
		if member == name {
			found = append(found, string(value))
		}
	}
	if len(found) > 1 {
		t.Fatalf("obeyed with two of %s: %q", name, object)
	}
	return strings.Join(found, "")
}

// checkEvent holds an event that is obeyed against encoding/json's reading of it.
func checkEvent(t *testing.T, body string, event fqlx.UserEvent, now time.Time) {
	t.Helper()
	var e map[string]any
	if err := json.Unmarshal([]byte(body), &e); err != nil {
		t.Fatalf("%q: %v", body, err)
	}
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
