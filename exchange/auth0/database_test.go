package auth0_test

import (
	"fmt"
	"net/http"
	"reflect"
	"regexp"
	"strings"
	"testing"
)

// database is a custom database connection.
type database struct {
	*world
	configuration m
}

func newDatabase(tb testing.TB) *database {
	w := newWorld(tb)
	return &database{w, m{"FAUNA_ENDPOINT": w.service.URL, "FAUNA_SECRET": w.key("auth0_database")}}
}

// run runs a script of database/. Auth0 wants exactly one call of the callback.
func (d *database) run(name string, args ...any) outcome {
	d.Helper()
	o := d.node.run(m{"database": "database/" + name + ".js", "configuration": d.configuration, "arguments": args})
	if o.Calls != 1 {
		d.Errorf("%s: the callback was called %d times", name, o.Calls)
	}
	return o
}

func (d *database) create(email, password string) outcome {
	d.Helper()
	return d.run("create", m{
		"email": email, "password": password, "tenant": "tenant", "client_id": "spa", "connection": "fauna",
		"user_metadata": m{"language": "en"}, "app_metadata": m{},
	})
}

// succeeds fails the test unless the callback got that result and no error.
func (d *database) succeeds(what string, o outcome, want any) {
	d.Helper()
	if o.Error != nil || !reflect.DeepEqual(o.Result, want) {
		d.Errorf("%s: %+v, %v; want %v", what, o.Error, o.Result, want)
	}
}

func (d *database) fails(what string, o outcome, want scriptError) {
	d.Helper()
	if o.Error == nil || *o.Error != want || o.Result != nil {
		d.Errorf("%s: %+v, %v; want %+v", what, o.Error, o.Result, want)
	}
}

func wrong(email string) scriptError {
	return scriptError{Name: "WrongUsernameOrPasswordError", ID: email}
}

func TestDatabase(t *testing.T) {
	d := newDatabase(t)
	exists := scriptError{Name: "ValidationError", Code: "user_exists", Message: "The user exists already."}

	d.succeeds("nobody yet", d.run("get_user", "ada@example.com"), nil)
	d.fails("a login before any account", d.run("login", "ada@example.com", "correct horse"), wrong("ada@example.com"))
	d.succeeds("create", d.create("Ada@Example.com", "correct horse"), nil)
	d.fails("create again", d.create("ada@example.COM", "battery staple"), exists)
	d.succeeds("create another", d.create("grace@example.com", "battery staple"), nil)

	// A wrong password, somebody else's, and an unknown address.
	d.fails("wrong password", d.run("login", "ada@example.com", "Correct horse"), wrong("ada@example.com"))
	d.fails("another's", d.run("login", "ada@example.com", "battery staple"), wrong("ada@example.com"))
	d.fails("unknown", d.run("login", "eve@example.com", "correct horse"), wrong("eve@example.com"))
	d.fails("nobody's", d.run("login", "eve@example.com", "nobody"), wrong("eve@example.com"))
	d.fails("empty", d.run("login", "ada@example.com", ""), wrong("ada@example.com"))

	o := d.run("login", "ada@example.com", "correct horse")
	profile, _ := o.Result.(m)
	userID, _ := profile["user_id"].(string)
	if !regexp.MustCompile(`^fauna\|[0-9]+$`).MatchString(userID) {
		t.Fatalf("the profile is %+v", o)
	}
	want := m{"user_id": userID, "email": "ada@example.com", "email_verified": false}
	d.succeeds("login", o, want)
	d.succeeds("in another case", d.run("login", "ADA@example.com", "correct horse"), want)
	d.succeeds("get user", d.run("get_user", "Ada@example.com"), want)

	d.succeeds("verify", d.run("verify", "ada@example.com"), true)
	d.succeeds("verify again", d.run("verify", "ada@example.com"), true)
	d.succeeds("verify nobody", d.run("verify", "eve@example.com"), false)
	want["email_verified"] = true
	d.succeeds("login, verified", d.run("login", "ada@example.com", "correct horse"), want)

	changed := d.run("change_password", "ada@example.com", "new password")
	if reset, _ := changed.Result.(m)["last_password_reset"].(float64); reset < 1.7e12 || changed.Error != nil {
		t.Errorf("change password: %+v", changed)
	}
	d.succeeds("change nobody's", d.run("change_password", "eve@example.com", "new password"), false)
	d.fails("the old password", d.run("login", "ada@example.com", "correct horse"), wrong("ada@example.com"))
	d.succeeds("the new password", d.run("login", "ada@example.com", "new password"), want)

	// After the login the page gets its secret by the ordinary exchange.
	l := d.exchange("auth0|"+userID, nil)
	if a := d.engine.Public(l.Secret, `Query.identity()!.user.auth0_sub`); a.Data != "auth0|"+userID {
		t.Errorf("with the secret: %+v", a)
	}

	d.succeeds("delete", d.run("delete", userID), nil)
	d.succeeds("delete again", d.run("delete", userID), nil)
	d.succeeds("delete what never was", d.run("delete", `64b7"|f0`), nil)
	d.fails("after the deletion", d.run("login", "ada@example.com", "new password"), wrong("ada@example.com"))
	d.succeeds("get user after it", d.run("get_user", "ada@example.com"), nil)
	d.is(`[auth0_account.all().count(), Credential.all().count()]`, `[1,2]`) // and nobody's credential
	d.succeeds("sign up anew", d.create("ada@example.com", "correct horse"), nil)
	if again, _ := d.run("get_user", "ada@example.com").Result.(m); again["user_id"] == userID || again["email_verified"] != false {
		t.Errorf("a new account is the old one: %v", again)
	}
	d.is(`auth0_account.all().map(.email).order().toArray()`, `["ada@example.com","grace@example.com"]`)

	// An account that the owner made has no password before its first change.
	d.engine.Query(`auth0_account.create({ email: "moved@example.com", user_id: "old|7" })`)
	d.fails("no password yet", d.run("login", "moved@example.com", "correct horse"), wrong("moved@example.com"))
	d.run("change_password", "moved@example.com", "correct horse")
	d.succeeds("moved", d.run("login", "moved@example.com", "correct horse"), m{"user_id": "old|7", "email": "moved@example.com", "email_verified": false})
}

// Whatever a user types is a value, never a piece of a query.
func TestDatabaseArguments(t *testing.T) {
	d := newDatabase(t)
	for i, text := range []string{
		`"; auth0_account.all().forEach(.delete()); "`, `#{1 + 1} ${email} email \ ' OR ''='`, "line\nbreak 😀 a\u0000b", `{"@int":"1"}`, strings.Repeat("x", 4096),
	} {
		name, email := fmt.Sprintf("%.50q", text), fmt.Sprintf("%d+%s@example.com", i, text)
		d.succeeds(name+", create", d.create(email, text), nil)
		profile, _ := d.run("login", email, text).Result.(m)
		if profile["email"] != strings.ToLower(email) {
			t.Errorf("%s: %.200v", name, profile)
		}
		d.succeeds(name+", delete", d.run("delete", text), nil)
		d.succeeds(name+", delete", d.run("delete", profile["user_id"]), nil)
		d.succeeds(name+", deleted", d.run("get_user", email), nil)
	}
	d.is(`auth0_account.all().count()`, `0`)
}

// A store that is out of reach is neither a wrong password nor an unknown user.
func TestDatabaseOutOfReach(t *testing.T) {
	d := newDatabase(t)
	d.create("ada@example.com", "correct horse")
	good := d.configuration
	runs := map[string][]any{
		"login": {"ada@example.com", "correct horse"}, "create": {m{"email": "eve@example.com", "password": "x"}},
		"verify": {"ada@example.com"}, "change_password": {"ada@example.com", "x"}, "get_user": {"ada@example.com"}, "delete": {"fauna|1"},
	}
	all := func(what string) {
		t.Helper()
		for name, args := range runs {
			o := d.run(name, args...)
			d.fails(name+", "+what, o, scriptError{Name: "Error", Message: "The user store is not available."})
			if len(o.Log) != 1 {
				t.Errorf("%s, %s: the log is %q", name, what, o.Log)
			}
		}
	}
	for what, fault := range faults {
		d.service.answer(fault)
		all(what)
	}
	d.service.answer(func(w http.ResponseWriter, _ *http.Request) bool { w.Write([]byte(`{"summary":""}`)); return true })
	all("an answer without data")
	d.service.answer(nil)
	for what, change := range map[string]m{
		"an unknown key":        {"FAUNA_SECRET": "fnAunknown"},
		"the service's own key": {"FAUNA_SECRET": d.key("token_exchange")},
		"a key without rights":  {"FAUNA_SECRET": d.key("client")},
		"no key":                {"FAUNA_SECRET": nil},
		"no URL":                {"FAUNA_ENDPOINT": nil},
		"nothing listens":       {"FAUNA_ENDPOINT": "http://127.0.0.1:1"},
	} {
		d.configuration = merge(good, change)
		all(what)
	}
	d.configuration = good
	d.succeeds("all is as it was", d.run("login", "ada@example.com", "correct horse"), d.run("get_user", "ada@example.com").Result)
}

// A login for an unknown address takes what one with a wrong password takes.
func TestDatabaseTellsNobodyWhoIsThere(t *testing.T) {
	d := newDatabase(t)
	d.create("ada@example.com", "correct horse")
	cost := func(email string) int {
		t.Helper()
		return d.computeOps(`auth0DatabaseLogin("` + email + `", "battery staple")`)
	}
	known, unknown := cost("ada@example.com"), cost("eve@example.com")
	d.engine.Query(`Credential.byDocument(auth0_account.byId("1"))!.delete()`)
	if without := cost("eve@example.com"); 10*without > known || 10*unknown < 9*known || 9*unknown > 10*known {
		t.Errorf("a known address %d, an unknown one %d, without a stand-in %d", known, unknown, without)
	}
}
