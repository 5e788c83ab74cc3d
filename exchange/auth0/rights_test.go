package auth0_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// post is the status of a request to the engine's whole port, and its body.
func (w *world) post(method, path, secret, body string) (int, string) {
	w.Helper()
	req, err := http.NewRequest(method, w.engine.URL+path, bytes.NewReader([]byte(body)))
	if err != nil {
		w.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		w.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.Fatal(err)
	}
	return res.StatusCode, string(text)
}

// computeOps is what a query costs by Fauna's own count.
func (w *world) computeOps(fql string) int {
	w.Helper()
	query, _ := json.Marshal(m{"query": fql})
	_, body := w.post("POST", "/query/1", w.engine.Secret, string(query))
	var answer struct {
		Stats struct {
			ComputeOps int `json:"compute_ops"`
		}
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		w.Fatal(err)
	}
	return answer.Stats.ComputeOps
}

// result is a query's result as JSON, or the code of its error.
func (w *world) result(secret, fql string) string {
	w.Helper()
	a := w.engine.As(secret, fql)
	if a.Error.Code != "" {
		return a.Error.Code
	}
	b, err := json.Marshal(a.Data)
	if err != nil {
		w.Fatal(err)
	}
	return string(b)
}

// The key of Auth0's scripts may call the six functions and nothing else.
func TestDatabaseKeyMayDoNothingElse(t *testing.T) {
	d := newDatabase(t)
	key := d.configuration["FAUNA_SECRET"].(string)
	d.create("ada@example.com", "correct horse")
	l := d.exchange(auth0test.Ada, nil)
	id := d.engine.Query(`auth0_account.all().first()!.id`).(string)
	written := `[auth0_account, User, auth0_jwt, auth0_deny, Token, Credential, Key].map(c => c.all().count())`
	before := d.text(written)

	const denied = "permission_denied"
	account := `auth0_account.byId("` + id + `")`
	for fql, want := range map[string]string{
		account + `.email`:    denied,
		account + `.exists()`: "false",
		account:               "null",
		account + `!`:         "null_value",
		account + `.update({ email_verified: true })`:                     denied,
		account + `.delete()`:                                             denied,
		`auth0_account.all().toArray()`:                                   "[]",
		`auth0_account.all().any(a => a.email == "ada@example.com")`:      "false",
		`auth0_account.byEmail("ada@example.com").first()`:                denied,
		`auth0_account.byUserId("fauna|1").first()`:                       denied,
		`auth0_account.create({ email: "x@example.com" })`:                denied,
		`Credential.all().count()`:                                        "0",
		`Credential.byDocument(` + account + `)`:                          "null",
		`Credential.byDocument(` + account + `)?.verify("correct horse")`: "null",
		`Credential.create({ document: ` + account + `, password: "x" })`: denied,
		`Token.create({ document: ` + account + ` })`:                     denied,
		`Token.create({ document: User.byId("` + l.User.ID + `") })`:      denied,
		`Key.create({ role: "server" })`:                                  denied,
		`Key.all().toArray()`:                                             "[]",
		`Role.all().toArray()`:                                            "[]",
		`Function.all().toArray()`:                                        "[]",
		`Collection.byName("auth0_account").exists()`:                     "false",
		`User.all().toArray()`:                                            "[]",
		`User.byId("` + l.User.ID + `").update({ blocked: true })`:        denied,
		`User.byAuth0("main", "` + auth0test.Ada + `").first()`:           denied,
		`auth0_jwt.all().toArray()`:                                       "[]",
		`auth0_jwt.byId("` + l.Session.ID + `").delete()`:                 denied,
		`auth0_deny.all().toArray()`:                                      "[]",
		// our own functions that the six are made of
		`auth0DatabaseAccount("ada@example.com")`:           denied,
		`auth0DatabaseNobody()`:                             denied,
		`auth0DatabaseProfile({ user_id: 1, email: 2 })`:    denied,
		`auth0DatabaseGetUser("ada@example.com")?.password`: "null",
		// the exchange's
		`exchangeAuth0Jwt({})`:                        denied,
		`issueAuth0OnBehalf({})`:                      denied,
		`refreshAuth0Session({})`:                     denied,
		`endAuth0Jwt({})`:                             denied,
		`endAuth0Sessions({})`:                        denied,
		`endAuth0SessionById("` + l.Session.ID + `")`: denied,
		`applyAuth0UserEvent({})`:                     denied,
		`blockAuth0User({})`:                          denied,
		`unblockAuth0User("main", "x")`:               denied,
		`findAuth0User("main", "x")`:                  denied,
		`upsertAuth0User("main", "x", {})`:            denied,
		`registerAuth0Tenants([])`:                    denied,
		`auth0Administrator()`:                        denied,
		`auth0SchemaVersion()`:                        denied,
		`logoutAuth0()`:                               denied,
	} {
		if got := d.result(key, fql); got != want {
			t.Errorf("%s answers %s, want %s", fql, got, want)
		}
		if a := d.engine.Public(key, fql); a.Status == http.StatusUnauthorized {
			t.Errorf("%s answers 401 on the public port", fql)
		}
	}
	for _, path := range []string{"/schema/1/files", "/schema/1/files/fauna-login.database.fsl", "/schema/1/status"} {
		if status, _ := d.post("GET", path, key, ""); status != http.StatusForbidden {
			t.Errorf("%s answers %d", path, status)
		}
	}
	for _, suffix := range []string{":admin", ":server", ":@role/token_exchange", ":@doc/auth0_account/" + id} {
		if got := d.result(key+suffix, "1"); got != "unauthorized" {
			t.Errorf("the key with %s answers %s", suffix, got)
		}
	}
	if after := d.text(written); after != before {
		t.Errorf("something was written: %s, before %s", after, before)
	}

	// Nor may others call the six.
	for who, secret := range map[string]string{"the service": d.key("token_exchange"), "a session": l.Secret, "a client key": d.key("client")} {
		for _, call := range []string{
			`auth0DatabaseLogin("ada@example.com", "correct horse")`, `auth0DatabaseCreate("x@example.com", "x")`,
			`auth0DatabaseVerify("ada@example.com")`, `auth0DatabaseChangePassword("ada@example.com", "x")`,
			`auth0DatabaseGetUser("ada@example.com")`, `auth0DatabaseDelete("x")`,
		} {
			if got := d.result(secret, call); got != denied {
				t.Errorf("%s, as %s, answers %s", call, who, got)
			}
		}
	}
}
