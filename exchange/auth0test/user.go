package auth0test

// The subjects of the two users.
const (
	Ada   = "auth0|64b7f0c2a1d3e5f708192a3b"
	Grace = "auth0|64b7f0c2a1d3e5f708192a3c"
)

// User is someone who can log in, with any password.
type User struct {
	Sub      string // `sub`
	Email    string // what /authorize and the password grant know the user by
	Name     string
	Nickname string
	Roles    []string // for the default [Options].Action; Auth0 itself puts no roles in tokens
}

// Users gives the tenant's users.
func Users() []User {
	return []User{
		{Sub: Ada, Email: "ada@example.com", Name: "Ada Lovelace", Nickname: "ada", Roles: []string{"admin"}},
		{Sub: Grace, Email: "grace@example.com", Name: "Grace Hopper", Nickname: "grace", Roles: []string{"member"}},
	}
}

func userByEmail(email string) (User, bool) {
	for _, u := range Users() {
		if u.Email == email {
			return u, true
		}
	}
	return User{}, false
}

func userBySub(sub string) (User, bool) {
	for _, u := range Users() {
		if u.Sub == sub {
			return u, true
		}
	}
	return User{}, false
}

func exampleAction(u User) Claims {
	return Claims{
		"https://example.com/email": u.Email,
		"https://example.com/roles": u.Roles,
	}
}

// profile is what ID tokens and /userinfo say about u (OpenID Connect Core §5.4).
func profile(u User, scope string) Claims {
	c := Claims{"sub": u.Sub}
	if hasScope(scope, "profile") {
		c["name"], c["nickname"] = u.Name, u.Nickname
		c["updated_at"] = "2026-01-01T00:00:00.000Z" // Auth0's form, not OIDC's number
	}
	if hasScope(scope, "email") {
		c["email"], c["email_verified"] = u.Email, true
	}
	return c
}
