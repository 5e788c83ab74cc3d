package config

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// foldTenants turns the short form into the one tenant that it describes.
func (l *loader) foldTenants(a *Auth0) {
	short := l.set["auth0.domain"] || slices.ContainsFunc(shortKeys(l.keys), func(path string) bool { return l.set[path] })
	switch {
	case short && l.set["auth0.tenants"]:
		l.add("auth0.tenants", "expected either tenants or the short form (domain and other keys of a tenant in auth0), not both")
	case short:
		t := a.Short
		if t.Name == "" && !l.set["auth0.name"] {
			t.Name = "default"
		}
		if a.Domain != "" {
			t.Issuers = append([]string{"https://" + a.Domain + "/"}, t.Issuers...)
		}
		a.Tenants = []Tenant{t}
		l.shortDomain, l.short = a.Domain, true
	}
	a.Domain, a.Short = "", Tenant{}
}

// shortKeys gives the paths of a tenant's keys in the short form.
func shortKeys(keys []key) (paths []string) {
	auth0, _ := find(keys, "auth0")
	for _, k := range auth0.keys {
		if k.name == "" {
			for _, name := range names(k.keys) {
				paths = append(paths, "auth0."+name)
			}
			for _, leaf := range leaves(k.keys) { // a variable sets on_behalf.clients alone
				paths = append(paths, leaf.path)
			}
		}
	}
	return paths
}

func (l *loader) checkAuth0(c *Config) {
	if !l.ok("auth0", "auth0.tenants") {
		return
	}
	tenants := c.Auth0.Tenants
	if len(tenants) == 0 {
		if l.ok("auth0.domain", "auth0.issuers", "auth0.audience") {
			text := "expected a tenant: domain and audience, or tenants"
			if l.noFile {
				text += "; there is no " + DefaultFile + " here, name another with --config"
			}
			l.add("auth0", text)
		}
		return
	}
	seen := seenNames{issuers: map[string]bool{}, tenants: map[string]bool{}, eventTokens: map[string]bool{}}
	for i, t := range tenants {
		l.checkTenant(l.tenantPath(i), t, seen)
	}
}

// tenantPath is where the keys of a tenant stand.
func (l *loader) tenantPath(i int) string {
	if l.short {
		return "auth0"
	}
	return fmt.Sprintf("auth0.tenants[%d]", i)
}

// seenNames is what must be unique among the tenants.
type seenNames struct{ issuers, tenants, eventTokens map[string]bool }

var tenantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

func (l *loader) checkTenant(path string, t Tenant, seen seenNames) {
	switch {
	case !tenantName.MatchString(t.Name):
		l.add(path+".name", "expected 1 to 64 letters, digits, dots, dashes and underscores")
	case seen.tenants[t.Name]:
		l.add(path+".name", "expected a name that no other tenant has")
	}
	seen.tenants[t.Name] = true
	l.checkIssuers(path, t, seen)
	l.checkAudience(path, t)
	if t.JWKSURL != "" && !safeJWKS(t.JWKSURL) {
		l.add(path+".jwks_url", "expected an https URL such as https://tenant.eu.auth0.com/.well-known/jwks.json (http for loopback hosts only)")
	}
	if len(t.Algorithms) == 0 && l.ok(path+".algorithms") {
		l.add(path+".algorithms", "expected RS256, PS256 or both")
	}
	for i, alg := range t.Algorithms {
		l.checkOneOf(fmt.Sprintf("%s.algorithms[%d]", path, i), alg, "RS256", "PS256")
	}
	l.checkUnique(path+".algorithms", t.Algorithms)
	l.checkNames(path+".clients", t.Clients)
	l.checkNames(path+".organizations", t.Organizations)
	l.checkNames(path+".actors", t.Actors)
	if t.RequiredScope != "" {
		l.checkScope(path+".required_scope", t.RequiredScope)
	}
	l.checkClaims(path+".claims.user", t.Claims.User, reservedInUser)
	l.checkClaims(path+".claims.session", t.Claims.Session, reservedMember)
	l.checkPointer(path+".session_id_claim", t.SessionIDClaim)
	l.checkPointer(path+".link_id_claim", t.LinkIDClaim)
	l.checkOnBehalf(path+".on_behalf", t.OnBehalf)
	l.checkLogoutClients(path+".logout_clients", t)
	l.checkEventTokens(path+".event_tokens", t, seen)
}

func (l *loader) checkIssuers(path string, t Tenant, seen seenNames) {
	if len(t.Issuers) == 0 && l.ok(path+".issuers", path+".domain") {
		what, at := "the tenant's issuers, such as [https://tenant.eu.auth0.com/]", path+".issuers"
		if l.short {
			what, at = "the tenant's domain, such as tenant.eu.auth0.com", path+".domain"
		}
		l.add(at, "expected "+what)
	}
	for i, issuer := range t.Issuers {
		at := fmt.Sprintf("%s.issuers[%d]", path, i)
		if l.short && l.shortDomain != "" { // the first one was made from domain
			if at = fmt.Sprintf("%s.issuers[%d]", path, i-1); i == 0 {
				at = path + ".domain"
			}
		}
		switch {
		case at == path+".domain" && !validDomain(l.shortDomain):
			l.add(at, "expected a host name in lower case such as tenant.eu.auth0.com, without https:// and slashes")
		case !safeURL(issuer) || !strings.HasSuffix(issuer, "/"):
			l.add(at, "expected an https URL that ends in a slash, such as https://tenant.eu.auth0.com/ (http for loopback hosts only)")
		case seen.issuers[issuer]:
			l.add(at, "expected each issuer once")
		}
		seen.issuers[issuer] = true
	}
}

func (l *loader) checkAudience(path string, t Tenant) {
	at := path + ".audience"
	if len(t.Audience) == 0 && l.ok(at) {
		l.add(at, "expected the identifier of your API, such as [https://api.example.com]")
	}
	l.checkNames(at, t.Audience)
	for i, audience := range t.Audience {
		for _, issuer := range t.Issuers {
			if audience == issuer+"userinfo" {
				l.add(fmt.Sprintf("%s[%d]", at, i), "expected an API of yours: every token with the scope openid is for the issuer's userinfo")
			}
		}
	}
}

// checkNames checks a list of identifiers that somebody else chose.
func (l *loader) checkNames(path string, values []string) {
	for i, v := range values {
		if v == "" || len(v) > 1024 || strings.TrimSpace(v) != v {
			l.add(fmt.Sprintf("%s[%d]", path, i), "expected 1 to 1024 bytes without space around them")
		}
	}
	l.checkUnique(path, values)
}

func (l *loader) checkClaims(path string, claims []Claim, reserved func(string) bool) {
	seen := map[string]bool{}
	for i, c := range claims {
		to, from := fmt.Sprintf("%s[%d].to", path, i), fmt.Sprintf("%s[%d].from", path, i)
		switch {
		case !validIdentifier(c.To):
			l.add(to, "expected the name of a field: letters, digits and underscores, not a keyword")
		case reserved(c.To):
			l.add(to, "expected a name that neither Fauna nor fauna-login uses itself")
		case seen[c.To]:
			l.add(to, "expected each field once")
		}
		seen[c.To] = true
		if !validPointer(c.From) {
			l.add(from, pointerForm)
		}
	}
}

// readEventTokens reads the tenants' files of event tokens. What the lines hold is for
// checkEventTokens.
func (l *loader) readEventTokens(tenants []Tenant) {
	for i := range tenants {
		l.readSecrets(l.tenantPath(i)+".event_tokens", &tenants[i].EventTokens, tenants[i].EventTokensFile)
	}
}

func (l *loader) checkOnBehalf(path string, o OnBehalf) {
	l.checkNames(path+".clients", o.Clients)
	for i, client := range o.Clients {
		if strings.HasSuffix(client, "@clients") {
			l.add(fmt.Sprintf("%s.clients[%d]", path, i), "expected a client id as in azp, without the @clients of sub")
		}
	}
	l.checkScope(path+".scope", o.Scope)
	l.checkWholeSeconds(path+".max_ttl", o.MaxTTL)
}

// checkLogoutClients keeps the audiences of logout tokens apart from those of access tokens, so
// that neither can ever be taken for the other (OpenID Connect Back-Channel Logout 1.0 §2.8).
func (l *loader) checkLogoutClients(path string, t Tenant) {
	l.checkNames(path, t.LogoutClients)
	for i, client := range t.LogoutClients {
		if slices.Contains(t.Audience, client) {
			l.add(fmt.Sprintf("%s[%d]", path, i), "expected a client id: an audience of access tokens is none of logout tokens")
		}
	}
}

// checkEventTokens also keeps each token to one tenant: a request is of the tenant whose token
// it bears.
func (l *loader) checkEventTokens(path string, t Tenant, seen seenNames) {
	for i, secret := range t.EventTokens {
		at, form := fmt.Sprintf("%s[%d]", path, i), "expected "+eventTokenForm
		if t.EventTokensFile != "" {
			at, form = path+"_file", "expected a file that holds tokens, one per line, each "+eventTokenForm
		}
		token := secret.Reveal()
		switch {
		case !validEventToken(token):
			l.add(at, form)
		case seen.eventTokens[token]:
			l.add(at, "expected each token once in all tenants: it tells the tenant")
		}
		seen.eventTokens[token] = true
	}
}
