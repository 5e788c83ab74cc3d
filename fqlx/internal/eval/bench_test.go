package eval

import "testing"

// body is forty lines of the kind that a function like the exchange is made of, without its
// reads and writes.
const body = `
let exchange = jwt => {
  let now = Time.now()
  let ttl = jwt.expires_at.difference(now, "seconds")
  if (ttl < jwt.min_ttl) abort("expired")
  let mark = null
  if (mark != null && mark.before >= jwt.issued_at) abort("denied")
  let user = {
    id: "412",
    blocked: false,
    name: "Ada",
    email: jwt.user.email
  }
  let changed = user.email != jwt.user.email || user.name != jwt.user.name
  let user = if (changed) Object.assign(user, jwt.user) else user
  if (user.blocked == true) abort("blocked")
  let found = null
  let stale = found != null && found.user != user
  let session = if (found != null && !stale) found else {
    user: user,
    tenant: jwt.tenant,
    jwt_hash: jwt.hash,
    issuer: jwt.issuer,
    client_id: jwt.client_id,
    scope: jwt.scope,
    permissions: jwt.permissions,
    org_id: jwt.org_id,
    claims: jwt.claims,
    issued_at: jwt.issued_at,
    expires_at: jwt.expires_at,
    origin: "jwt",
    ttl: jwt.expires_at
  }
  let live = [3, 1, 2].order(desc(x => x)).drop(jwt.max_secrets - 1)
  live.forEach(token => token + 1)
  let issued = now.toSeconds()
  let left = jwt.expires_at.toSeconds() - issued
  let expires = issued + (if (left < jwt.max_ttl) left else jwt.max_ttl)
  let token = { secret: "fnE#{user.id}", ttl: Time.epoch(expires, "seconds") }
  { secret: token.secret, user: user.id, session: session.tenant, issued_at: issued, expires_at: expires }
}
exchange({
  tenant: "main", issuer: "https://tenant.example/", sub: "auth0|1", hash: "00", client_id: "c",
  scope: ["openid"], permissions: ["a:b"], org_id: null, user: { email: "ada@example.com", name: "Ada" }, claims: {},
  issued_at: Time("2024-05-01T09:00:00Z"), expires_at: Time("2024-05-01T12:00:00Z"),
  max_ttl: 3600, min_ttl: 10, max_secrets: 3
})`

func BenchmarkEval(b *testing.B) {
	for _, bm := range []struct{ name, src string }{
		{"literal", "1"},
		{"arithmetic", "let x = 2; (x + 3) * 4 - x"},
		{"exchange", body},
		{"map", "Array.sequence(0, 1000).map(x => x + 1)"},
		{"fields", "let o = { a: { b: { c: 1 } } }; o.a.b.c"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			q, err := prepare(bm.src)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				ev := newPure(Limits{})
				if _, err := ev.run(q); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
