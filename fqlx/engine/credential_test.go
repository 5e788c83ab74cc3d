package engine_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

// An app with passwords of its own: visitors sign up and in through functions, on the public
// port, and then act with the token that they got.
const passwordApp = `
collection User { email: String; unique [.email]; index byEmail { terms [.email] } }
collection Note { owner: Ref<User>; text: String }
@role(server)
function signUp(email, password) {
  let user = User.create({ email: email })
  Credential.create({ document: user, password: password })
  user.id
}
@role(server)
function signIn(email, password, ttl) {
  let credential = Credential.byDocument(User.byEmail(email).first())
  credential!.login(password, ttl).secret
}
role visitor { privileges signUp { call }; privileges signIn { call } }
role member {
  membership User
  privileges User { read { predicate (u => u == Query.identity()) } }
  privileges Note { read { predicate (n => n.owner == Query.identity()) }; create { predicate (n => n.owner == Query.identity()) } }
}
`

func TestSignInWithPassword(t *testing.T) {
	s := enginetest.New(t)
	s.Push(passwordApp)
	visitor := s.Query(`Key.create({ role: "visitor" }).secret`).(string)
	ask := func(secret, query string) any {
		t.Helper()
		a := s.Public(secret, query)
		if a.Status != http.StatusOK {
			t.Fatalf("%s: %+v", query, a)
		}
		return a.Data
	}
	ada := ask(visitor, `signUp("ada@example.com", "correct horse")`)
	ask(visitor, `signUp("grace@example.com", "battery staple")`)

	exp := s.Now().Add(time.Minute).Format(time.RFC3339)
	secret := ask(visitor, fmt.Sprintf(`signIn("ada@example.com", "correct horse", Time(%q))`, exp)).(string)
	if !strings.HasPrefix(secret, "fnE") || len(secret) != 51 {
		t.Errorf("secret %s", secret)
	}
	if got := ask(secret, `[Query.identity()!.id, Query.identity()!.email, Query.token()!.ttl]`); fmt.Sprint(got) != fmt.Sprint([]any{ada, "ada@example.com", exp}) {
		t.Errorf("got %v", got)
	}
	ask(secret, `Note.create({ owner: Query.identity()!, text: "mine" })`)
	if got := ask(secret, `Credential.byDocument(Query.identity()!)!.verify("correct horse")`); got != true {
		t.Errorf("its own credential: %v", got)
	}

	for _, tt := range []struct {
		name, secret, query string
		status              int
		code                string
	}{
		{"wrong password", visitor, `signIn("ada@example.com", "battery staple", null)`, 400, "invalid_secret"},
		{"nobody", visitor, `signIn("eve@example.com", "x", null)`, 400, "invalid_argument"},
		{"no rights", visitor, `Credential.all().first()!.verify("correct horse")`, 400, "null_value"},
		{"for another", secret, `Note.create({ owner: User.byId("1"), text: "x" })`, 400, "permission_denied"},
		{"too many guesses", secret, `Array.sequence(0, 10).map(n => Credential.byDocument(Query.identity()!)!.verify("#{n}"))`, 400, "invalid_request"},
	} {
		if a := s.Public(tt.secret, tt.query); a.Status != tt.status || a.Error.Code != tt.code {
			t.Errorf("%s: %+v", tt.name, a)
		}
	}

	s.Advance(time.Minute)
	if a := s.Public(secret, `1`); a.Status != http.StatusUnauthorized {
		t.Errorf("an expired secret: %+v", a)
	}
}

// Neither a password nor its hash is in any body.
func TestPasswordsStayInside(t *testing.T) {
	s := enginetest.New(t)
	s.Push(`collection User {}`)
	s.Query(`Credential.create({ id: 1, document: User("1"), password: "5ekret" })`)
	for _, query := range []string{
		`Credential.create({ document: User(newId()), password: "5ekret" })`,
		`Credential.all()`,
		`Credential(1)!.update({ data: { a: 1 } })`,
		`[Credential(1) { password, hashed_secret, hashed_password, secret, data }]`,
		`Credential(1).login("5ekret").secret.length`,
		`let c = Credential(1)!; log(c); dbg(c); "#{c} #{Object.entries(c)} #{Object.assign({}, c)}"`,
		`abort(Credential(1))`,
		`Credential.where(.password != null || .hashed_secret != null)`,
		`[Credential(1), 2].toSet().pageSize(1)`,
	} {
		for _, format := range []string{"simple", "tagged", "decorated"} {
			r := do(t, s.URL, request{secret: s.Secret, header: map[string]string{"X-Format": format}, body: fql(query)})
			if strings.Contains(r.body, "5ekret") || strings.Contains(r.body, "bcrypt") || strings.Contains(r.body, "$2a$") {
				t.Errorf("%s: %s", query, r.body)
			}
		}
	}
}
