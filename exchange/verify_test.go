package exchange_test

import (
	"crypto"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

var noon = func() time.Time { return time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC) }

func newVerifier(tb testing.TB, config exchange.VerifierConfig) *exchange.Verifier {
	tb.Helper()
	v, err := exchange.NewVerifier(config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(v.Close)
	return v
}

// reasonOf is the reason of a refusal, "" of none.
func reasonOf(tb testing.TB, err error) exchange.Reason {
	tb.Helper()
	if err == nil {
		return accepted
	}
	var refusal *exchange.Refusal
	if !errors.As(err, &refusal) {
		tb.Fatalf("%v is a %T, not a refusal", err, err)
	}
	return refusal.Reason
}

func TestVerifyCases(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	seen := map[string]bool{}
	for _, c := range tokenCases() {
		t.Run(c.String(), func(t *testing.T) {
			if seen[c.id] {
				t.Fatalf("two cases %s", c.id)
			}
			seen[c.id] = true
			verdict, err := v.Verify(t.Context(), c.token(e), exchange.PurposeExchange)
			if got := reasonOf(t, err); got != c.want {
				t.Fatalf("reason %q, want %q (%v)", got, c.want, err)
			}
			if verdict.For(exchange.PurposeExchange) != (c.want == accepted) {
				t.Errorf("For(PurposeExchange) = %v with reason %q", verdict.For(exchange.PurposeExchange), c.want)
			}
			if c.sub != "" && verdict.Subject != c.sub {
				t.Errorf("subject %q, want %q", verdict.Subject, c.sub)
			}
			var refusal *exchange.Refusal
			if errors.As(err, &refusal) {
				if refusal.Kind != c.kind() {
					t.Errorf("kind %v, want %v", refusal.Kind, c.kind())
				}
				if verdict.Hash != "" || verdict.Subject != "" || verdict.UserClaims != nil {
					t.Errorf("a refusal with a verdict: %+v", verdict)
				}
				if !slices.Contains(exchange.Reasons(), refusal.Reason) {
					t.Errorf("reason %q is not in Reasons()", refusal.Reason)
				}
			}
		})
	}
}

func TestVerifyVerdict(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	token := e.fromStrict("RS256", m{"permissions": []string{"todo:write"}, "act": m{"sub": "agent"}, "exp": raw("%d.9", e.in(60))})
	got, err := v.Verify(t.Context(), token, exchange.PurposeExchange)
	if err != nil {
		t.Fatal(err)
	}
	h, p, _ := parts(token)
	want := map[string][2]any{
		"tenant":      {got.Tenant, "strict"},
		"issuer":      {got.Issuer, e.strict},
		"subject":     {got.Subject, "auth0|507f1f77bcf86cd799439011"},
		"client":      {got.ClientID, "spa"},
		"org":         {got.OrgID, "org_1"},
		"actor":       {got.Actor, "agent"},
		"kid":         {got.KeyID, "k2"},
		"audience":    {strings.Join(got.Audience, " "), ours + " " + e.strict + "userinfo"},
		"scope":       {strings.Join(got.Scope, " "), "todo:read fauna:login"},
		"permissions": {strings.Join(got.Permissions, " "), "todo:write"},
		"issued":      {got.IssuedAt, noon().Add(-5 * time.Second)},
		"expires":     {got.ExpiresAt, noon().Add(60 * time.Second)},
		"user":        {string(got.UserClaims), "{}"},
		"session":     {string(got.SessionClaims), `{"roles":["admin"]}`},
		"hash":        {got.Hash, independentHash("strict", h+"."+p)},
	}
	for name, pair := range want {
		if pair[0] != pair[1] {
			t.Errorf("%s: %v, want %v", name, pair[0], pair[1])
		}
	}
}

func independentHash(tenant, signingInput string) string {
	h := sha256.New()
	h.Write([]byte("auth0_jwt/v1\x00"))
	_ = binary.Write(h, binary.BigEndian, uint32(len(tenant)))
	h.Write([]byte(tenant + signingInput))
	return hex.EncodeToString(h.Sum(nil))
}

func TestZeroVerdictIsNo(t *testing.T) {
	if (exchange.Verdict{}).For(exchange.PurposeExchange) {
		t.Error("the zero Verdict is valid")
	}
	if (exchange.Verdict{Tenant: "main", Subject: "auth0|x", Hash: "x"}).For(exchange.PurposeExchange) {
		t.Error("a Verdict that Verify did not make is valid")
	}
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	for _, purpose := range []exchange.Purpose{0, -1, exchange.PurposeLogoutToken + 1} {
		verdict, err := v.Verify(t.Context(), e.good(), purpose)
		if got := reasonOf(t, err); got != exchange.ReasonPurpose || verdict.For(exchange.PurposeExchange) {
			t.Errorf("purpose %d: reason %q, valid %v", purpose, got, verdict.For(exchange.PurposeExchange))
		}
	}
	if (&exchange.Refusal{}).Kind != exchange.InvalidToken {
		t.Error("an unclassified refusal is not an invalid token")
	}
}

// Case 234: a PS256 signature is different each time, the token is the same.
func TestVerifyHashIgnoresSignature(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	first, second := e.fromStrict("PS256", nil), e.fromStrict("PS256", nil)
	if first == second {
		t.Fatal("two PS256 signatures are equal")
	}
	a, errA := v.Verify(t.Context(), first, exchange.PurposeExchange)
	b, errB := v.Verify(t.Context(), second, exchange.PurposeExchange)
	if err := errors.Join(errA, errB); err != nil {
		t.Fatal(err)
	}
	if a.Hash != b.Hash {
		t.Errorf("hashes %s and %s of one token", a.Hash, b.Hash)
	}
}

// A signature s and s + n are the same number to careless RSA code.
func TestVerifySignatureHasOneForm(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	h, p, s := parts(e.good())
	sum := new(big.Int).Add(new(big.Int).SetBytes(must(b64.DecodeString(s))), keys().k1.N)
	for _, sig := range [][]byte{sum.Bytes(), append([]byte{0}, must(b64.DecodeString(s))...)} {
		_, err := v.Verify(t.Context(), join(h, p, b64.EncodeToString(sig)), exchange.PurposeExchange)
		if got := reasonOf(t, err); got != exchange.ReasonSignature {
			t.Errorf("reason %q for another form of the signature", got)
		}
	}
}

// Each limit in time, a second to either side.
func TestVerifyLeeways(t *testing.T) {
	const life = int64(720 * 3600)
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	for _, c := range []struct {
		name   string
		claims m
		want   exchange.Reason
	}{
		{"exp now+1", m{"exp": e.in(1)}, accepted},
		{"exp now", m{"exp": e.in(0)}, exchange.ReasonExpired},
		{"exp now+0.9", m{"exp": raw("%d.9", e.in(0))}, exchange.ReasonExpired},
		{"exp now-1", m{"exp": e.in(-1)}, exchange.ReasonExpired},
		{"nbf now+30", m{"nbf": e.in(30)}, accepted},
		{"nbf now+31", m{"nbf": e.in(31)}, exchange.ReasonNotYetValid},
		{"iat now+30", m{"iat": e.in(30)}, accepted},
		{"iat now+31", m{"iat": e.in(31)}, exchange.ReasonNotYetValid},
		{"exp iat+1", m{"iat": e.in(0), "exp": e.in(1)}, accepted},
		{"exp iat", m{"iat": e.in(1), "exp": e.in(1)}, exchange.ReasonLifetime},
		{"life max", m{"iat": e.in(-10), "exp": e.in(life - 10)}, accepted},
		{"life max+1", m{"iat": e.in(-10), "exp": e.in(life - 9)}, exchange.ReasonLifetime},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := v.Verify(t.Context(), e.withClaims(c.claims), exchange.PurposeExchange)
			if got := reasonOf(t, err); got != c.want {
				t.Errorf("reason %q, want %q", got, c.want)
			}
		})
	}
}

func TestVerifyTenantIsolation(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	signers := map[string]*rsa.PrivateKey{e.main: keys().k1, e.other: keys().other}
	for iss, tenant := range map[string]string{e.main: "main", e.other: "other"} {
		for owner, key := range signers {
			verdict, err := v.Verify(t.Context(), sign(goodHeader, e.claims(iss, nil), key), exchange.PurposeExchange)
			if owner == iss && (err != nil || verdict.Tenant != tenant) {
				t.Errorf("%s by its own key: tenant %q, %v", iss, verdict.Tenant, err)
			}
			if owner != iss && reasonOf(t, err) != exchange.ReasonSignature {
				t.Errorf("%s by the key of %s: %v", iss, owner, err)
			}
		}
	}
}

// What may be said of a refused token in a log: never a claim's value but those named.
func TestVerifyRefusalTellsWhoButNotWhat(t *testing.T) {
	e := newCaseEnv(t, noon)
	v := newVerifier(t, e.config())
	for _, c := range tokenCases() {
		_, err := v.Verify(t.Context(), c.token(e), exchange.PurposeExchange)
		var refusal *exchange.Refusal
		if errors.As(err, &refusal) {
			for _, secret := range []string{"ada@example.com", "openid", "org_2", "other.example", "todo:write", "auth0|507f"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%s: the log would hold %q: %v", c, secret, err)
				}
			}
		}
	}
	_, err := v.Verify(t.Context(), e.withClaims(m{"exp": e.in(-1)}), exchange.PurposeExchange)
	var r *exchange.Refusal
	if !errors.As(err, &r) || r.Tenant != "main" || r.Issuer != e.main || r.KeyID != "k1" || r.Subject == "" || r.ClientID != "spa" {
		t.Errorf("an expired token's refusal does not say whose it was: %+v", r)
	}
}

func TestNewVerifierRefuses(t *testing.T) {
	good := exchange.Tenant{Name: "main", Issuers: []string{"https://t.auth0.com/"}, Audience: []string{ours}}
	change := func(f func(*exchange.Tenant)) []exchange.Tenant {
		tenant := good
		f(&tenant)
		return []exchange.Tenant{tenant}
	}
	for name, c := range map[string]struct {
		tenants []exchange.Tenant
		want    string
	}{
		"no tenant":          {nil, "no tenant"},
		"one name twice":     {[]exchange.Tenant{good, good}, "two of this name"},
		"one issuer twice":   {append(change(func(t *exchange.Tenant) { t.Name = "b" }), good), "configured already"},
		"no name":            {change(func(t *exchange.Tenant) { t.Name = "" }), "name:"},
		"no issuer":          {change(func(t *exchange.Tenant) { t.Issuers = nil }), "issuers: at least one"},
		"no audience":        {change(func(t *exchange.Tenant) { t.Audience = nil }), "audience: at least one"},
		"empty audience":     {change(func(t *exchange.Tenant) { t.Audience = []string{""} }), "audience:"},
		"issuer no slash":    {change(func(t *exchange.Tenant) { t.Issuers = []string{"https://t.auth0.com"} }), "slash"},
		"issuer http":        {change(func(t *exchange.Tenant) { t.Issuers = []string{"http://t.auth0.com/"} }), "https expected"},
		"issuer near-local":  {change(func(t *exchange.Tenant) { t.Issuers = []string{"http://localhost.evil.com/"} }), "https expected"},
		"issuer with user":   {change(func(t *exchange.Tenant) { t.Issuers = []string{"https://u:p@t.auth0.com/"} }), "without user"},
		"issuer not a URL":   {change(func(t *exchange.Tenant) { t.Issuers = []string{"t.auth0.com/"} }), "https URL expected"},
		"jwks file":          {change(func(t *exchange.Tenant) { t.JWKSURL = "file:///etc/passwd" }), "https URL expected"},
		"jwks http":          {change(func(t *exchange.Tenant) { t.JWKSURL = "http://t.auth0.com/jwks" }), "https expected"},
		"algorithm HS256":    {change(func(t *exchange.Tenant) { t.Algorithms = []string{"HS256"} }), `"HS256": RS256 or PS256`},
		"algorithm none":     {change(func(t *exchange.Tenant) { t.Algorithms = []string{"none"} }), `"none": RS256 or PS256`},
		"claim over blocked": {change(func(t *exchange.Tenant) { t.UserClaims = []exchange.ClaimCopy{{To: "blocked", From: "/x"}} }), "claims.user[0].to"},
		"claim target twice": {change(func(t *exchange.Tenant) {
			t.SessionClaims = []exchange.ClaimCopy{{To: "a", From: "/x"}, {To: "a", From: "/y"}}
		}), "claims.session[1].to"},
		"claim pointer": {change(func(t *exchange.Tenant) { t.UserClaims = []exchange.ClaimCopy{{To: "a", From: "x"}} }), "claims.user[0].from"},
	} {
		t.Run(name, func(t *testing.T) {
			v, err := exchange.NewVerifier(exchange.VerifierConfig{Tenants: c.tenants})
			if err == nil {
				v.Close()
				t.Fatal("accepted")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %q does not say %q", err, c.want)
			}
		})
	}
	for _, issuer := range []string{"http://localhost:8081/", "http://127.0.0.1/", "http://[::1]:80/"} {
		tenants := change(func(t *exchange.Tenant) { t.Issuers = []string{issuer} })
		newVerifier(t, exchange.VerifierConfig{Tenants: tenants}) // fails the test if refused
	}
}

func BenchmarkVerify(b *testing.B) {
	verify := benchmarkVerify(b)
	b.ReportAllocs()
	for b.Loop() {
		verify()
	}
}

// BenchmarkVerifyOverRSA prints, as x-rsa, what Verify costs in units of the bare RSA check
// that no verifier can avoid. The two take turns, so that a busy machine slows both.
func BenchmarkVerifyOverRSA(b *testing.B) {
	verify := benchmarkVerify(b)
	bare := bareRSA(newCaseEnv(b, noon).good())
	var whole, floor time.Duration
	for b.Loop() {
		start := time.Now()
		verify()
		middle := time.Now()
		bare()
		whole, floor = whole+middle.Sub(start), floor+time.Since(middle)
	}
	b.ReportMetric(float64(whole)/float64(floor), "x-rsa")
}

// benchmarkVerify returns a verification with the key in the cache.
func benchmarkVerify(b *testing.B) func() {
	e := newCaseEnv(b, noon)
	v := newVerifier(b, e.config())
	token := e.withClaims(m{"permissions": []string{"todo:read", "todo:write"}, namespac + "roles": []string{"admin", "editor"}})
	verify := func() {
		if _, err := v.Verify(b.Context(), token, exchange.PurposeExchange); err != nil {
			b.Fatal(err)
		}
	}
	verify()
	return verify
}

func BenchmarkRSA(b *testing.B) {
	e := newCaseEnv(b, noon)
	bare := bareRSA(e.good())
	b.ReportAllocs()
	for b.Loop() {
		bare()
	}
}

// bareRSA is SHA-256 of the signing input and one RS256-2048 verification.
func bareRSA(token string) func() {
	h, p, s := parts(token)
	input, sig, key := []byte(h+"."+p), must(b64.DecodeString(s)), &keys().k1.PublicKey
	return func() {
		sum := sha256.Sum256(input)
		if err := rsa.VerifyPKCS1v15(key, crypto.SHA256, sum[:], sig); err != nil {
			panic(err)
		}
	}
}

// BenchmarkVerifyRefused is what an unsigned token costs that holds as many names as fit.
func BenchmarkVerifyRefused(b *testing.B) {
	e := newCaseEnv(b, noon)
	v := newVerifier(b, e.config())
	names := m{"iss": "https://evil.example/"}
	for i := range 1400 {
		names[string(must(big.NewInt(int64(i)).MarshalText()))] = 0
	}
	token := sign(goodHeader, names, keys().attacker)
	b.SetBytes(int64(len(token)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(b.Context(), token, exchange.PurposeExchange); reasonOf(b, err) != exchange.ReasonIssuer {
			b.Fatal(err)
		}
	}
}
