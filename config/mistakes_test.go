package config_test

import (
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/config"
)

// tenant is the long form with one key changed or added.
func tenant(more string) string {
	return "auth0: {tenants: [{name: main, issuers: ['https://a.example/'], audience: [x], " + more + "}]}\n"
}

func TestMistakes(t *testing.T) {
	const (
		needURL      = "expected an https URL that ends in a slash, such as https://tenant.eu.auth0.com/ (http for loopback hosts only)"
		needAddress  = "expected host:port such as 127.0.0.1:8080"
		needOrigin   = "expected an exact origin such as https://app.example.com: lower case, no path, no slash at the end, no default port"
		needDomain   = "expected a host name in lower case such as tenant.eu.auth0.com, without https:// and slashes"
		needField    = "expected the name of a field: letters, digits and underscores, not a keyword"
		needFree     = "expected a name that neither Fauna nor fauna-login uses itself"
		needPointer  = `expected a JSON pointer such as /https:~1~1example.com~1email ("~1" is "/", "~0" is "~")`
		needColl     = "expected the name of a collection that is neither reserved nor one of ours, such as User"
		needText     = "expected text in one line; numbers and dates need quotes"
		needList     = "expected a list such as [a, b]"
		needMapping  = "expected a mapping of keys"
		needDuration = "expected a duration from 1s to 720h, such as 90s, 15m or 1h30m"
		needEndpoint = "expected an https URL such as https://fauna.internal:8443 (http for loopback hosts only)"
		needScope    = "expected scopes with one space between them"
		needName     = "expected 1 to 1024 bytes without space around them"
		needToken    = "expected 16 to 1024 letters, digits and -._~+/, with = at the end only, as a bearer token is written"
		needOwn      = "expected each token once in all tenants: it tells the tenant"
		needMode     = "expected bearer, refresh or cookie"
		needKey      = "expected 32 random bytes in base64url, as fauna-login key new prints them"
		needKeys     = "expected a key, which fauna-login key new makes, or session.keys_file, since session.mode is "
		needClient   = "expected a client id: an audience of access tokens is none of logout tokens"
	)
	for _, c := range []struct {
		name, yaml string
		env        []string
		want       []string
	}{
		{"unknown key", minimal + "nonsense: 1\n", nil, []string{"nonsense: unknown key"}},
		{"close spelling", minimal + "lisen: x\n", nil, []string{"lisen: unknown key; did you mean listen?"}},
		{"two letters swapped", "auth0: {domian: a.example, audience: [x]}", nil, []string{"auth0.domian: unknown key; did you mean auth0.domain?"}},
		{"other case", minimal + "Listen: x\n", nil, []string{"Listen: unknown key; did you mean listen?"}},
		{"camel case", minimal + "session: {maxTTL: 1h}\n", nil, []string{"session.maxTTL: unknown key; did you mean session.max_ttl?"}},
		{"in the wrong section", "domain: a.example", nil, []string{"domain: unknown key; did you mean auth0.domain?"}},
		{"a section misspelt", "auht0: {domain: a.example, audience: [x]}", nil, []string{"auht0: unknown key; did you mean auth0?"}},
		{"a key with dots", minimal + "log.level: info\n", nil, []string{`"log.level": unknown key`}},
		{"in a list", tenant("adience: []"), nil, []string{"auth0.tenants[0].adience: unknown key; did you mean auth0.tenants[0].audience?"}},
		{"in a list in a list", tenant("claims: {user: [{to: a, from: /a, form: /b}]}"), nil,
			[]string{"auth0.tenants[0].claims.user[0].form: unknown key; did you mean auth0.tenants[0].claims.user[0].from?"}},
		{"keys of later versions", minimal + "bff: {}\nsession: {mode: bff}\n", nil,
			[]string{"bff: unknown key", "session.mode: " + needMode}},
		{"a key that is no text", minimal + "1: x\n", nil, []string{"1: unknown key"}},
		{"a key of many bytes", minimal + strings.Repeat("k", 100) + ": x\n", nil, []string{`"` + strings.Repeat("k", 64) + `": unknown key`}},

		{"unknown variable", minimal, []string{"FAUNA_LOGIN_NONSENSE=1"}, []string{"FAUNA_LOGIN_NONSENSE: unknown variable"}},
		{"close variable", "auth0: {audience: [x]}", []string{"FAUNA_LOGIN_AUTH0_DOMIAN=a.example"},
			[]string{"FAUNA_LOGIN_AUTH0_DOMIAN: unknown variable; did you mean FAUNA_LOGIN_AUTH0_DOMAIN?"}},
		{"lower case variable", minimal, []string{"FAUNA_LOGIN_listen=x"}, []string{"FAUNA_LOGIN_listen: unknown variable; did you mean FAUNA_LOGIN_LISTEN?"}},
		{"no variable for tenants", minimal, []string{"FAUNA_LOGIN_AUTH0_TENANTS=x"}, []string{"FAUNA_LOGIN_AUTH0_TENANTS: unknown variable"}},
		{"value of a variable", minimal, []string{"FAUNA_LOGIN_SESSION_MAX_TTL=1", "FAUNA_LOGIN_FAUNA_CACHE_MB=x", "FAUNA_LOGIN_CORS_ORIGINS=https://a.example,null"}, []string{
			"fauna.cache_mb: expected a whole number from 1 to 1048576 (set by FAUNA_LOGIN_FAUNA_CACHE_MB)",
			"session.max_ttl: " + needDuration + " (set by FAUNA_LOGIN_SESSION_MAX_TTL)",
			"cors.origins[1]: " + needOrigin + " (set by FAUNA_LOGIN_CORS_ORIGINS)",
		}},
		{"line break in a variable", minimal, []string{"FAUNA_LOGIN_FAUNA_SECRET=a\nb", "FAUNA_LOGIN_FAUNA_DATA=\xff"},
			[]string{"fauna.secret: " + needText + " (set by FAUNA_LOGIN_FAUNA_SECRET)", "fauna.data: " + needText + " (set by FAUNA_LOGIN_FAUNA_DATA)"}},

		{"number for text", minimal + "listen: 8080\n", nil, []string{"listen: " + needText}},
		{"list for text", minimal + "listen: [x]\n", nil, []string{"listen: " + needText}},
		{"mapping for text", minimal + "listen: {a: b}\n", nil, []string{"listen: " + needText}},
		{"text for a mapping", minimal + "fauna: x\n", nil, []string{"fauna: " + needMapping}},
		{"list for a mapping", minimal + "session: []\n", nil, []string{"session: " + needMapping}},
		{"text for a list", "auth0: {domain: a.example, audience: x}", nil, []string{"auth0.audience: " + needList}},
		{"number in a list", "auth0: {domain: a.example, audience: [1, x]}", nil, []string{"auth0.audience[0]: " + needText}},
		{"text for tenants", "auth0: {tenants: x}", nil, []string{"auth0.tenants: expected a list of mappings"}},
		{"text in tenants", "auth0: {tenants: [x]}", nil, []string{"auth0.tenants[0]: " + needMapping}},
		{"text for a number", minimal + "fauna: {cache_mb: '256'}\n", nil, []string{"fauna.cache_mb: expected a whole number from 1 to 1048576"}},
		{"fraction", minimal + "limits: {requests_per_minute_per_ip: 1.5}\n", nil, []string{"limits.requests_per_minute_per_ip: expected a whole number from 0 to 1000000"}},
		{"below the range", minimal + "session: {max_secrets_per_jwt: 0}\n", nil, []string{"session.max_secrets_per_jwt: expected a whole number from 1 to 1000"}},
		{"number for a duration", minimal + "fauna: {timeout: 5}\n", nil, []string{"fauna.timeout: expected a duration from 1s to 10m, such as 90s, 15m or 1h30m"}},
		{"short duration", minimal + "session: {max_ttl: 500ms}\n", nil, []string{"session.max_ttl: " + needDuration}},
		{"longer than Auth0 allows", "auth0: {domain: a.example, audience: [x], max_lifetime: 721h}", nil, []string{"auth0.max_lifetime: " + needDuration}},
		{"negative leeway", "auth0: {domain: a.example, audience: [x], leeway: -1s}", nil, []string{"auth0.leeway: expected a duration from 0s to 10m, such as 90s, 15m or 1h30m"}},
		{"part of a second", minimal + "session: {max_ttl: 1500ms, min_ttl: 1s}\n", nil, []string{"session.max_ttl: expected whole seconds"}},
		{"min above max", minimal + "session: {max_ttl: 10s, min_ttl: 11s}\n", nil, []string{"session.min_ttl: expected at most session.max_ttl"}},
		{"text for a boolean", tenant("claims: {user: [{to: a, from: /a, required: 'yes'}]}"), nil, []string{"auth0.tenants[0].claims.user[0].required: expected true or false"}},

		{"nothing", "", nil, []string{"auth0: expected a tenant: domain and audience, or tenants"}},
		{"no tenants", "auth0: {tenants: []}", nil, []string{"auth0: expected a tenant: domain and audience, or tenants"}},
		{"no audience", "auth0: {domain: a.example}", nil, []string{"auth0.audience: expected the identifier of your API, such as [https://api.example.com]"}},
		{"no domain", "auth0: {audience: [x]}", nil, []string{"auth0.domain: expected the tenant's domain, such as tenant.eu.auth0.com"}},
		{"an empty tenant", "auth0: {tenants: [{}]}", nil, []string{
			"auth0.tenants[0].name: expected 1 to 64 letters, digits, dots, dashes and underscores",
			"auth0.tenants[0].issuers: expected the tenant's issuers, such as [https://tenant.eu.auth0.com/]",
			"auth0.tenants[0].audience: expected the identifier of your API, such as [https://api.example.com]",
		}},
		{"both forms", "auth0: {domain: a.example, tenants: [{name: a, issuers: ['https://a.example/'], audience: [x]}]}", nil,
			[]string{"auth0.tenants: expected either tenants or the short form (domain and other keys of a tenant in auth0), not both"}},
		{"both forms by a variable", tenant(""), []string{"FAUNA_LOGIN_AUTH0_CLIENTS=x"},
			[]string{"auth0.tenants: expected either tenants or the short form (domain and other keys of a tenant in auth0), not both"}},
		{"domain with a scheme", "auth0: {domain: 'https://a.example', audience: [x]}", nil, []string{"auth0.domain: " + needDomain}},
		{"domain in upper case", "auth0: {domain: A.example, audience: [x]}", nil, []string{"auth0.domain: " + needDomain}},
		{"domain with a port", "auth0: {domain: 'localhost:8081', audience: [x]}", nil, []string{"auth0.domain: " + needDomain}},
		{"one issuer twice", "auth0: {tenants: [{name: a, issuers: ['https://a.example/'], audience: [x]}, {name: b, issuers: ['https://a.example/'], audience: [x]}]}", nil,
			[]string{"auth0.tenants[1].issuers[0]: expected each issuer once"}},
		{"domain again as an issuer", "auth0: {domain: a.example, issuers: ['https://a.example/'], audience: [x]}", nil, []string{"auth0.issuers[0]: expected each issuer once"}},
		{"one name twice", "auth0: {tenants: [{name: a, issuers: ['https://a.example/'], audience: [x]}, {name: a, issuers: ['https://b.example/'], audience: [x]}]}", nil,
			[]string{"auth0.tenants[1].name: expected a name that no other tenant has"}},
		{"issuers", "auth0: {tenants: [{name: a, audience: [x], issuers: ['https://a.example', 'http://a.example/', 'https://A.example/', 'https://u@a.example/', 'https://a.example/?x/', 'ftp://a.example/', '', 'https://a.example:99999/', 'http://localhost:8081/', 'http://[::1]/', 'http://127.9.9.9:1/']}]}", nil, []string{
			"auth0.tenants[0].issuers[0]: " + needURL, "auth0.tenants[0].issuers[1]: " + needURL, "auth0.tenants[0].issuers[2]: " + needURL,
			"auth0.tenants[0].issuers[3]: " + needURL, "auth0.tenants[0].issuers[4]: " + needURL, "auth0.tenants[0].issuers[5]: " + needURL,
			"auth0.tenants[0].issuers[6]: " + needURL, "auth0.tenants[0].issuers[7]: " + needURL,
		}},
		{"userinfo as audience", "auth0: {domain: a.example, audience: ['https://a.example/userinfo']}", nil,
			[]string{"auth0.audience[0]: expected an API of yours: every token with the scope openid is for the issuer's userinfo"}},
		{"audience twice", "auth0: {domain: a.example, audience: [x, x, '']}", nil,
			[]string{"auth0.audience[2]: expected 1 to 1024 bytes without space around them", "auth0.audience[1]: expected each value once"}},
		{"jwks_url", tenant("jwks_url: 'http://a.example/jwks'"), nil,
			[]string{"auth0.tenants[0].jwks_url: expected an https URL such as https://tenant.eu.auth0.com/.well-known/jwks.json (http for loopback hosts only)"}},
		{"algorithms", tenant("algorithms: [HS256, RS256, RS256]"), nil,
			[]string{"auth0.tenants[0].algorithms[0]: expected RS256 or PS256", "auth0.tenants[0].algorithms[2]: expected each value once"}},
		{"no algorithm", tenant("algorithms: []"), nil, []string{"auth0.tenants[0].algorithms: expected RS256, PS256 or both"}},
		{"scope", tenant("required_scope: 'a  b'"), nil, []string{"auth0.tenants[0].required_scope: " + needScope}},
		{"clients", tenant("clients: [' a']"), nil, []string{"auth0.tenants[0].clients[0]: expected 1 to 1024 bytes without space around them"}},

		{"claim targets", tenant("claims: {user: [{to: data, from: /a}, {to: auth0_sub, from: /a}, {to: blocked, from: /a}, {to: auth0_blocked, from: /a}, {to: auth0_event_at, from: /a}, {to: auth0_x, from: /a}, {to: a-b, from: /a}, {to: null, from: /a}, {to: isa, from: /a}, {to: ok, from: /a}, {to: ok, from: /b}]}"), nil, []string{
			"auth0.tenants[0].claims.user[0].to: " + needFree, "auth0.tenants[0].claims.user[1].to: " + needFree, "auth0.tenants[0].claims.user[2].to: " + needFree,
			"auth0.tenants[0].claims.user[3].to: " + needFree, "auth0.tenants[0].claims.user[4].to: " + needFree, "auth0.tenants[0].claims.user[5].to: " + needFree,
			"auth0.tenants[0].claims.user[6].to: " + needField, "auth0.tenants[0].claims.user[7].to: " + needField, "auth0.tenants[0].claims.user[8].to: " + needField,
			"auth0.tenants[0].claims.user[10].to: expected each field once",
		}},
		{"session claim targets", tenant("claims: {session: [{to: ttl, from: /a}, {to: blocked, from: /a}]}"), nil, []string{"auth0.tenants[0].claims.session[0].to: " + needFree}},
		{"pointers", tenant("claims: {user: [{to: a, from: email}, {to: b, from: ''}, {to: c, from: /a~2}, {to: d, from: /a~}, {to: e, from: /}, {to: f, from: '/a~0b~1c/0'}]}"), nil, []string{
			"auth0.tenants[0].claims.user[0].from: " + needPointer, "auth0.tenants[0].claims.user[1].from: " + needPointer,
			"auth0.tenants[0].claims.user[2].from: " + needPointer, "auth0.tenants[0].claims.user[3].from: " + needPointer,
		}},
		{"claims of the short form", "auth0: {domain: a.example, audience: [x], claims: {user: [{to: id, from: /a}]}}", nil, []string{"auth0.claims.user[0].to: " + needFree}},

		{"session pointers", tenant("session_id_claim: sid, link_id_claim: '/a~'"), nil, []string{
			"auth0.tenants[0].session_id_claim: " + needPointer, "auth0.tenants[0].link_id_claim: " + needPointer}},
		{"on_behalf", tenant("on_behalf: {clients: ['', a, a, ' b'], scope: 'a  b', max_ttl: 721h}"), nil, []string{
			"auth0.tenants[0].on_behalf.max_ttl: " + needDuration, "auth0.tenants[0].on_behalf.clients[0]: " + needName, "auth0.tenants[0].on_behalf.clients[3]: " + needName,
			"auth0.tenants[0].on_behalf.clients[2]: expected each value once", "auth0.tenants[0].on_behalf.scope: " + needScope}},
		{"on_behalf without a scope", tenant("on_behalf: {clients: [a], scope: '', max_ttl: 1500ms}"), nil, []string{
			"auth0.tenants[0].on_behalf.scope: " + needScope, "auth0.tenants[0].on_behalf.max_ttl: expected whole seconds"}},
		{"on_behalf of the short form", "auth0: {domain: a.example, audience: [x], on_behalf: {max_ttl: 0s, client: [a]}}", nil, []string{
			"auth0.on_behalf.client: unknown key; did you mean auth0.on_behalf.clients?", "auth0.on_behalf.max_ttl: " + needDuration}},
		{"on_behalf by a variable, with tenants", tenant(""), []string{"FAUNA_LOGIN_AUTH0_ON_BEHALF_CLIENTS=x"},
			[]string{"auth0.tenants: expected either tenants or the short form (domain and other keys of a tenant in auth0), not both"}},
		{"on_behalf of a subject", tenant("on_behalf: {clients: [a@clients]}"), nil, []string{
			"auth0.tenants[0].on_behalf.clients[0]: expected a client id as in azp, without the @clients of sub"}},
		{"on_behalf is no list", tenant("on_behalf: [a]"), nil, []string{"auth0.tenants[0].on_behalf: " + needMapping}},
		{"logout_clients", tenant("logout_clients: [a, x, a]"), nil, []string{
			"auth0.tenants[0].logout_clients[2]: expected each value once", "auth0.tenants[0].logout_clients[1]: " + needClient}},
		{"event_tokens", tenant("event_tokens: [0123456789abcde, '0123456789 abcdef', '0123456789abcdeä', '=0123456789abcdef', '0123456789=abcdef', 0123456789abcdef, 0123456789abcdef==, 0123456789abcdef, '']"), nil, []string{
			"auth0.tenants[0].event_tokens[0]: " + needToken, "auth0.tenants[0].event_tokens[1]: " + needToken, "auth0.tenants[0].event_tokens[2]: " + needToken,
			"auth0.tenants[0].event_tokens[3]: " + needToken, "auth0.tenants[0].event_tokens[4]: " + needToken, "auth0.tenants[0].event_tokens[7]: " + needOwn,
			"auth0.tenants[0].event_tokens[8]: " + needToken}},
		{"a number as an event token", tenant("event_tokens: [1234567890123456]"), nil, []string{"auth0.tenants[0].event_tokens[0]: " + needText}},
		{"an event token by a variable", minimal, []string{"FAUNA_LOGIN_AUTH0_EVENT_TOKENS=0123456789abcdef,short"}, []string{"auth0.event_tokens[1]: " + needToken + " (set by FAUNA_LOGIN_AUTH0_EVENT_TOKENS)"}},
		{"one event token for two tenants", "auth0: {tenants: [{name: a, issuers: ['https://a.example/'], audience: [x], event_tokens: [0123456789abcdef]}, {name: b, issuers: ['https://b.example/'], audience: [x], event_tokens: [0123456789abcdef]}]}", nil,
			[]string{"auth0.tenants[1].event_tokens[0]: " + needOwn}},
		{"the mask of an event token", tenant("event_tokens: ['[secret]']"), nil, []string{"auth0.tenants[0].event_tokens[0]: " + needToken}},
		{"mode", minimal + "session: {mode: Cookie}\n", nil, []string{"session.mode: " + needMode}},
		{"mode refresh without keys", minimal + "session: {mode: refresh}\n", nil, []string{"session.keys: " + needKeys + "refresh"}},
		{"mode cookie without keys", minimal + "session: {mode: cookie, keys: []}\n", nil, []string{"session.keys: " + needKeys + "cookie"}},
		{"keys", minimal + "session: {keys: [" + ringKey + ", " + ringKey[1:] + ", " + ringKey + "=, " + ringKey[:42] + "B, '', " + ringKey + ", '[secret]']}\n", nil, []string{
			"session.keys[1]: " + needKey, "session.keys[2]: " + needKey, "session.keys[3]: " + needKey, "session.keys[4]: " + needKey,
			"session.keys[5]: expected each key once", "session.keys[6]: " + needKey}},
		{"mode over plain http", minimal + "public_url: 'http://login.example.com'\nsession: {mode: refresh, keys: [" + ringKey + "]}\n", nil,
			[]string{"public_url: expected an https URL (http for loopback hosts only), since session.mode is refresh"}},
		{"mode on any address", minimal + "listen: ':8080'\nfauna: {endpoint: 'https://f.example', secret: s}\nsession: {mode: refresh, keys: [" + ringKey + "]}\n", nil,
			[]string{"public_url: expected an https URL, since session.mode is refresh and listen is not a loopback address"}},
		{"mode cookie under a path", minimal + "public_url: 'https://example.com/login/'\nsession: {mode: cookie, keys: [" + ringKey + "]}\n", nil,
			[]string{"public_url: expected a URL without a path, since session.mode is cookie and queries go to /query/1 there"}},
		{"audit", minimal + "audit: stdout\n", nil, []string{"audit: " + needMapping}},
		{"audit output", minimal + "audit: {output: [stdout]}\n", nil, []string{"audit.output: " + needText}},

		{"addresses", minimal + "listen: localhost\nadmin_listen: '127.0.0.1:http'\nfauna: {listen: '::1:8443'}\n", nil, []string{
			"listen: " + needAddress, "admin_listen: " + needAddress + ", or nothing", "fauna.listen: expected host:port such as 127.0.0.1:8443, or nothing"}},
		{"empty listen", minimal + "listen: ''\n", nil, []string{"listen: " + needAddress}},
		{"half of TLS", minimal + "tls: {cert_file: c}\n", nil, []string{"tls.key_file: expected a file, since tls.cert_file is set"}},
		{"the other half", minimal + "tls: {key_file: k}\n", nil, []string{"tls.cert_file: expected a file, since tls.key_file is set"}},
		{"public_url needed", minimal + "listen: 0.0.0.0:8080\n", nil, []string{"public_url: expected a URL, since listen is not a loopback address and the embedded engine is used"}},
		{"public_url", minimal + "public_url: login.example.com\n", nil, []string{"public_url: expected a URL such as https://login.example.com"}},
		{"endpoint", minimal + "fauna: {endpoint: 'http://fauna.internal:8443'}\n", nil, []string{"fauna.endpoint: " + needEndpoint}},
		{"no service key", minimal + "fauna: {endpoint: 'https://fauna.internal:8443'}\n", nil, []string{"fauna.secret: expected the service key, or fauna.secret_file, since fauna.endpoint is set"}},
		{"public_endpoint", minimal + "fauna: {public_endpoint: x}\n", nil, []string{"fauna.public_endpoint: expected a URL such as https://fauna.example.com"}},
		{"secret", minimal + "fauna: {secret: 'a b', root_secret: ä}\n", nil, []string{
			"fauna.secret: expected a secret of 1 to 1024 visible ASCII characters", "fauna.root_secret: expected a secret of 1 to 1024 visible ASCII characters, and no colon, which would begin a scope"}},
		{"collection", minimal + "fauna: {user_collection: auth0_jwt}\n", nil, []string{"fauna.user_collection: " + needColl}},
		{"collection of Fauna", minimal + "fauna: {user_collection: Token}\n", nil, []string{"fauna.user_collection: " + needColl}},
		{"collection name", minimal + "fauna: {user_collection: 'my users'}\n", nil, []string{"fauna.user_collection: " + needColl}},
		{"no data", minimal + "fauna: {data: ''}\n", nil, []string{"fauna.data: expected a directory"}},
		{"origins", minimal + "cors: {origins: ['*', 'https://*.example.com', 'https://a.example/', 'https://A.example', 'null', 'https://a.example:443', 'a.example', 'https://ok.example:8443', 'http://localhost:3000']}\n", nil, []string{
			"cors.origins[0]: " + needOrigin, "cors.origins[1]: " + needOrigin, "cors.origins[2]: " + needOrigin, "cors.origins[3]: " + needOrigin,
			"cors.origins[4]: " + needOrigin, "cors.origins[5]: " + needOrigin, "cors.origins[6]: " + needOrigin}},
		{"origin twice", minimal + "cors: {origins: ['https://a.example', 'https://a.example']}\n", nil, []string{"cors.origins[1]: expected each value once"}},
		{"proxies", minimal + "limits: {trusted_proxies: [10.0.0.1, 10.0.0.1/8, '10.0.0.0/8']}\n", nil, []string{
			"limits.trusted_proxies[0]: expected a CIDR such as 10.0.0.0/8", "limits.trusted_proxies[1]: expected a CIDR such as 10.0.0.0/8"}},
		{"log", minimal + "log: {level: INFO, format: xml}\n", nil, []string{"log.level: expected debug, info, warn or error", "log.format: expected json or text"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := load(c.yaml, c.env...)
			if err == nil {
				t.Fatal("no error")
			}
			if got, want := err.Error(), strings.Join(c.want, "\n"); got != want {
				t.Errorf("got:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

func TestUnreadableFiles(t *testing.T) {
	const secret = "fnSECRETSECRETSECRET"
	for _, c := range []struct{ name, file, content, want string }{
		{"no extension", "conf", "", "conf: expected a name that ends in .yaml, .yml, .toml or .json"},
		{"other extension", "c.ini", "", "c.ini: expected a name that ends in .yaml, .yml, .toml or .json"},
		{"YAML syntax", "c.yaml", "a: b: c\n", "c.yaml: mapping values are not allowed in this context"},
		{"YAML key twice", "c.yaml", "a: 1\na: 2\n", `c.yaml: line 2: mapping key "a" already defined at line 1`},
		{"YAML keys twice", "c.yaml", "a: 1\na: 2\nb: 1\nb: 2\n", `c.yaml: line 2: mapping key "a" already defined at line 1` + "\n" + `c.yaml: line 4: mapping key "b" already defined at line 3`},
		{"YAML text", "c.yaml", secret, "c.yaml: line 1: expected a mapping of keys"},
		{"YAML list", "c.yaml", "- " + secret, "c.yaml: line 1: expected a mapping of keys"},
		{"YAML anchor", "c.yaml", "fauna: {secret: *" + secret + "}", "c.yaml: unknown anchor"},
		{"YAML tag", "c.yaml", "fauna: {secret: !!int " + secret + "}", "c.yaml: cannot decode !!str … as a !!int"},
		{"two documents", "c.yaml", minimal + "---\nlisten: x\n", "c.yaml: expected one YAML document"},
		{"two documents, the first empty", "c.yaml", "---\n---\n" + minimal, "c.yaml: expected one YAML document"},
		{"after the end", "c.yaml", minimal + "...\nlisten: x\n", "c.yaml: expected one YAML document"},
		{"JSON syntax", "c.json", "{\n\"a\": \"" + secret + "\",\n}", "c.json: line 3: invalid character '}' looking for beginning of object key string"},
		{"JSON key twice", "c.json", "{\"fauna\":\n{\"secret\":\"a\",\"secret\":\"" + secret + "\"}}", "c.json: line 2: expected each key once: secret"},
		{"JSON array", "c.json", "[]", "c.json: expected a mapping of keys"},
		{"TOML syntax", "c.toml", "a = 1\nb = " + secret + "\n", ""},
		{"TOML key twice", "c.toml", "a = 1\na = 2\n", "c.toml: key a is already defined"},
		{"bytes", "c.yaml", "a: \xff", "c.yaml: expected UTF-8"},
		{"large", "c.yaml", strings.Repeat("#", 1<<20+1), "c.yaml: expected a file of at most 1 MiB"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := config.Load(config.Options{File: c.file, ReadFile: files{c.file: c.content}.read})
			if err == nil {
				t.Fatal("no error")
			}
			if c.want != "" && err.Error() != c.want {
				t.Errorf("got  %s\nwant %s", err, c.want)
			}
			if !strings.HasPrefix(err.Error(), c.file+": ") || strings.Contains(err.Error(), secret[:6]) {
				t.Errorf("got %s", err)
			}
		})
	}
	for name, yaml := range map[string]string{
		"a start marker": "# comment\n%YAML 1.1\n---\n" + minimal,
		"an end marker":  minimal + "...\n# bye\n",
		"no values":      minimal + "fauna:\nlog: {level: }\n",
		"an alias":       "auth0: {domain: a.example, audience: &a [x], clients: *a}\n",
	} {
		t.Run(name, func(t *testing.T) { mustLoad(t, yaml) })
	}
}
