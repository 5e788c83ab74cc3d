package config_test

import (
	"errors"
	"flag"
	"io/fs"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/config"
)

var update = flag.Bool("update", false, "rewrite the README's table")

// minimal is the least that is valid.
const minimal = "auth0: {domain: tenant.eu.auth0.com, audience: [https://api.example.com]}\n"

// files is a directory in memory: name → content.
type files map[string]string

func (f files) read(name string) ([]byte, error) {
	content, ok := f[name]
	if !ok {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return []byte(content), nil
}

// load reads a YAML text with an environment.
func load(yaml string, env ...string) (*config.Config, error) {
	return config.Load(config.Options{File: "c.yaml", Env: env, ReadFile: files{"c.yaml": yaml}.read})
}

func mustLoad(t *testing.T, yaml string, env ...string) *config.Config {
	t.Helper()
	c, err := load(yaml, env...)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func equal(t *testing.T, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s = %#v, want %#v", what, got, want)
	}
}

func TestDefaults(t *testing.T) {
	c := mustLoad(t, minimal)
	want := &config.Config{
		Listen:      "127.0.0.1:8080",
		AdminListen: "127.0.0.1:9090",
		PublicURL:   "http://127.0.0.1:8080",
		Auth0: config.Auth0{
			Tenants: []config.Tenant{{
				Name:       "default",
				Issuers:    []string{"https://tenant.eu.auth0.com/"},
				Audience:   []string{"https://api.example.com"},
				Algorithms: []string{"RS256"},
				Claims:     config.Claims{User: []config.Claim{}, Session: []config.Claim{}},
				OnBehalf:   config.OnBehalf{Scope: "fauna:issue_for_user", MaxTTL: 15 * time.Minute},
			}},
			Leeway:      30 * time.Second,
			MaxLifetime: 720 * time.Hour,
			JWKS: config.JWKS{
				Refresh: 10 * time.Minute, Cooldown: 30 * time.Second, MaxStale: 24 * time.Hour,
				Timeout: 5 * time.Second, CacheDir: "fauna-data/jwks",
			},
		},
		Fauna: config.Fauna{
			PublicEndpoint: "http://127.0.0.1:8080", Timeout: 5 * time.Second, UserCollection: "User",
			Data: "./fauna-data", Listen: "127.0.0.1:8443", CacheMB: 256,
		},
		Session: config.Session{Mode: "bearer", MaxTTL: time.Hour, MinTTL: 10 * time.Second, MaxSecretsPerJWT: 20},
		Limits:  config.Limits{MaxTokenBytes: 16384, RequestsPerMinutePerSubject: 60},
		Log:     config.Log{Level: "info", Format: "json"},
	}
	equal(t, "config", c, want)
}

func TestFormatsAgree(t *testing.T) {
	const yaml = `
auth0:
  tenants:
    - name: main
      issuers: ["http://localhost:8081/"]
      audience: [a, b]
      claims: {session: [{to: roles, from: /roles, required: true}]}
      session_id_claim: /sid
      on_behalf: {clients: [m2m], max_ttl: 1m}
      event_tokens: [0123456789abcdef]
  leeway: 1m30s
limits: {requests_per_minute_per_ip: 7, trusted_proxies: [10.0.0.0/8]}
`
	const json = `{"auth0": {"tenants": [{"name": "main", "issuers": ["http://localhost:8081/"], "audience": ["a", "b"],
		"claims": {"session": [{"to": "roles", "from": "/roles", "required": true}]},
		"session_id_claim": "/sid", "on_behalf": {"clients": ["m2m"], "max_ttl": "1m"}, "event_tokens": ["0123456789abcdef"]}], "leeway": "1m30s"},
		"limits": {"requests_per_minute_per_ip": 7, "trusted_proxies": ["10.0.0.0/8"]}}`
	const toml = `
[auth0]
leeway = "1m30s"
[[auth0.tenants]]
name = "main"
issuers = ["http://localhost:8081/"]
audience = ["a", "b"]
session_id_claim = "/sid"
on_behalf = {clients = ["m2m"], max_ttl = "1m"}
event_tokens = ["0123456789abcdef"]
[[auth0.tenants.claims.session]]
to = "roles"
from = "/roles"
required = true
[limits]
requests_per_minute_per_ip = 7
trusted_proxies = ["10.0.0.0/8"]
`
	dir := files{"c.yaml": yaml, "c.yml": yaml, "c.json": json, "c.toml": toml}
	want := mustLoad(t, yaml)
	equal(t, "claims", want.Auth0.Tenants[0].Claims.Session, []config.Claim{{To: "roles", From: "/roles", Required: true}})
	equal(t, "on_behalf", want.Auth0.Tenants[0].OnBehalf, config.OnBehalf{Clients: []string{"m2m"}, Scope: "fauna:issue_for_user", MaxTTL: time.Minute})
	equal(t, "leeway", want.Auth0.Leeway, 90*time.Second)
	equal(t, "proxies", want.Limits.TrustedProxies, []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for name := range dir {
		c, err := config.Load(config.Options{File: name, ReadFile: dir.read})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		equal(t, name, c, want)
	}
}

func TestDefaultFile(t *testing.T) {
	dir := t.TempDir()
	if _, err := config.Load(config.Options{Dir: dir}); err == nil || err.Error() != "auth0: expected a tenant: domain and audience, or tenants; there is no fauna-login.yaml here, name another with --config" {
		t.Errorf("without a file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "fauna-login.yaml"), []byte(minimal+"log: {level: warn}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := config.Load(config.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "level", c.Log.Level, "warn")
	_, err = config.Load(config.Options{Dir: dir, File: "other.yaml"})
	if err == nil || err.Error() != "other.yaml: expected a readable file: no such file or directory" {
		t.Errorf("a named file: %v", err)
	}
}

func TestEnvironment(t *testing.T) {
	c := mustLoad(t, "cors: {origins: [https://a.example]}\nlisten: 127.0.0.1:1\n",
		"PATH=/bin", "FAUNA_ENDPOINT=http://evil.example", "FAUNA_SECRET=x", // not for serve
		"FAUNA_LOGIN_AUTH0_DOMAIN=tenant.eu.auth0.com",
		"FAUNA_LOGIN_AUTH0_AUDIENCE=https://a.example, https://b.example",
		"FAUNA_LOGIN_AUTH0_ISSUERS=https://login.example.com/",
		"FAUNA_LOGIN_AUTH0_JWKS_MAX_STALE=1s",
		"FAUNA_LOGIN_AUTH0_LINK_ID_CLAIM=/https:~1~1example.com~1link",
		"FAUNA_LOGIN_AUTH0_ON_BEHALF_CLIENTS=one,two",
		"FAUNA_LOGIN_AUTH0_ON_BEHALF_SCOPE=a b",
		"FAUNA_LOGIN_AUTH0_ON_BEHALF_MAX_TTL=720h",
		"FAUNA_LOGIN_AUTH0_LOGOUT_CLIENTS=spa",
		"FAUNA_LOGIN_AUTH0_EVENT_TOKENS=0123456789abcdef,0123456789abcdeg",
		"FAUNA_LOGIN_AUDIT_OUTPUT=stdout",
		"FAUNA_LOGIN_CORS_ORIGINS=",
		"FAUNA_LOGIN_LISTEN=localhost:2",
		"FAUNA_LOGIN_ADMIN_LISTEN=",
		"FAUNA_LOGIN_LIMITS_MAX_TOKEN_BYTES=0",
		"FAUNA_LOGIN_LIMITS_TRUSTED_PROXIES=10.0.0.0/8,fd00::/8",
		"FAUNA_LOGIN_FAUNA_SECRET=fnSecret",
	)
	equal(t, "issuers", c.Auth0.Tenants[0].Issuers, []string{"https://tenant.eu.auth0.com/", "https://login.example.com/"})
	equal(t, "audience", c.Auth0.Tenants[0].Audience, []string{"https://a.example", "https://b.example"})
	equal(t, "link_id_claim", c.Auth0.Tenants[0].LinkIDClaim, "/https:~1~1example.com~1link")
	equal(t, "on_behalf", c.Auth0.Tenants[0].OnBehalf, config.OnBehalf{Clients: []string{"one", "two"}, Scope: "a b", MaxTTL: 720 * time.Hour})
	equal(t, "logout_clients", c.Auth0.Tenants[0].LogoutClients, []string{"spa"})
	equal(t, "event_tokens", revealed(c.Auth0.Tenants[0].EventTokens), []string{"0123456789abcdef", "0123456789abcdeg"})
	equal(t, "audit", c.Audit.Output, "stdout")
	equal(t, "max_stale", c.Auth0.JWKS.MaxStale, time.Second)
	equal(t, "origins", len(c.CORS.Origins), 0)
	equal(t, "listen", c.Listen, "localhost:2")
	equal(t, "admin_listen", c.AdminListen, "")
	equal(t, "max_token_bytes", c.Limits.MaxTokenBytes, 0)
	equal(t, "proxies", len(c.Limits.TrustedProxies), 2)
	equal(t, "endpoint", c.Fauna.Endpoint, "")
	equal(t, "secret", c.Fauna.Secret.Reveal(), "fnSecret")
}

func TestSecretFiles(t *testing.T) {
	dir := files{
		"c.yaml":      minimal + "fauna: {endpoint: 'https://fauna.internal:8443/', secret_file: s, root_secret_file: r}\n",
		"s":           "fnService\n",
		"r":           "fnRoot\r\n",
		"both.yaml":   minimal + "fauna: {secret: a, secret_file: s}\n",
		"gone.yaml":   minimal + "fauna: {root_secret_file: nowhere}\n",
		"empty.yaml":  minimal + "fauna: {secret_file: nothing}\n",
		"nothing":     "\n",
		"spaces.yaml": minimal + "fauna: {secret_file: lines}\n",
		"lines":       "a\nb\n",
	}
	c, err := config.Load(config.Options{File: "c.yaml", ReadFile: dir.read})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "secret", c.Fauna.Secret.Reveal(), "fnService")
	equal(t, "root_secret", c.Fauna.RootSecret.Reveal(), "fnRoot")
	equal(t, "public_endpoint", c.Fauna.PublicEndpoint, "https://fauna.internal:8443")
	equal(t, "cache_dir", c.Auth0.JWKS.CacheDir, "")
	for _, c := range []struct {
		file string
		env  []string
		want string
	}{
		{"both.yaml", nil, "fauna.secret_file: expected either fauna.secret or fauna.secret_file, not both"},
		{"gone.yaml", nil, "fauna.root_secret_file: expected a readable file: file does not exist"},
		{"empty.yaml", nil, "fauna.secret_file: expected a file that holds a secret of 1 to 1024 visible ASCII characters"},
		{"spaces.yaml", nil, "fauna.secret_file: expected a file that holds a secret of 1 to 1024 visible ASCII characters"},
		{"c.yaml", []string{"FAUNA_LOGIN_FAUNA_SECRET=x"}, "fauna.secret_file: expected either fauna.secret or fauna.secret_file, not both"},
		{"c.yaml", []string{"FAUNA_ROOT_SECRET=x"}, "fauna.root_secret_file: expected either fauna.root_secret or fauna.root_secret_file, not both"},
	} {
		t.Run(c.want, func(t *testing.T) {
			_, err := config.Load(config.Options{File: c.file, Env: c.env, ReadFile: dir.read})
			if err == nil || err.Error() != c.want {
				t.Errorf("got %v", err)
			}
		})
	}
	t.Run("relative to Dir", func(t *testing.T) {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, "s"), []byte("fnX\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := config.Load(config.Options{Dir: dir, Env: []string{"FAUNA_LOGIN_FAUNA_SECRET_FILE=s",
			"FAUNA_LOGIN_AUTH0_DOMAIN=a.example", "FAUNA_LOGIN_AUTH0_AUDIENCE=x"}})
		if err != nil {
			t.Fatal(err)
		}
		equal(t, "secret", c.Fauna.Secret.Reveal(), "fnX")
	})
}

// revealed is what the secrets hold.
func revealed(secrets []config.Secret) (all []string) {
	for _, s := range secrets {
		all = append(all, s.Reveal())
	}
	return all
}

func TestEventTokensFile(t *testing.T) {
	const form = "auth0.event_tokens_file: expected a file that holds tokens, one per line, each 16 to 1024 letters, digits and -._~+/, with = at the end only, as a bearer token is written"
	dir := files{"one": "0123456789abcdef\n", "two": "0123456789abcdef\r\n\nABCDEFGHIJKLMNO-._~+/==", "none": "\n\n", "short": "0123456789abcdef\n0123456789abcde\n",
		"space": "0123456789abcdef \n", "twice": "0123456789abcdef\n0123456789abcdef\n"}
	short := func(keys string) string {
		return "auth0: {domain: a.example, audience: [x], " + keys + "}\n"
	}
	for _, c := range []struct {
		name, yaml string
		want       []string // the first tenant's tokens
		err        string
	}{
		{"one", short("event_tokens_file: one"), []string{"0123456789abcdef"}, ""},
		{"two, with an empty line", short("event_tokens_file: two"), []string{"0123456789abcdef", "ABCDEFGHIJKLMNO-._~+/=="}, ""},
		{"long form", tenant("event_tokens_file: one"), []string{"0123456789abcdef"}, ""},
		{"both", short("event_tokens_file: one, event_tokens: [0123456789abcdeX]"), nil, "auth0.event_tokens_file: expected either auth0.event_tokens or auth0.event_tokens_file, not both"},
		{"gone", tenant("event_tokens_file: gone"), nil, "auth0.tenants[0].event_tokens_file: expected a readable file: file does not exist"},
		{"empty", short("event_tokens_file: none"), nil, "auth0.event_tokens_file: expected a file that holds them, one per line"},
		{"short", short("event_tokens_file: short"), nil, form},
		{"space", short("event_tokens_file: space"), nil, form},
		{"twice", short("event_tokens_file: twice"), nil, "auth0.event_tokens_file: expected each token once in all tenants: it tells the tenant"},
		{"of another tenant", "auth0: {tenants: [{name: a, issuers: ['https://a.example/'], audience: [x], event_tokens: [0123456789abcdef]}, {name: b, issuers: ['https://b.example/'], audience: [x], event_tokens_file: one}]}", nil,
			"auth0.tenants[1].event_tokens_file: expected each token once in all tenants: it tells the tenant"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir["c.yaml"] = c.yaml
			loaded, err := config.Load(config.Options{File: "c.yaml", ReadFile: dir.read})
			if err != nil || c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			equal(t, "tokens", revealed(loaded.Auth0.Tenants[0].EventTokens), c.want)
		})
	}
}

// Two good keys of the key ring.
const (
	ringKey  = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAE"
	ringKey2 = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAI"
)

func TestKeysFile(t *testing.T) {
	const form = "session.keys_file: expected a file that holds keys, one per line, each 32 random bytes in base64url, as fauna-login key new prints them"
	dir := files{"two": ringKey2 + "\n" + ringKey + "\r\n", "none": "\n", "bad": ringKey + "\n" + ringKey + "A\n", "twice": ringKey + "\n" + ringKey}
	for _, c := range []struct {
		name, session string
		want          []string
		err           string
	}{
		{"two", "keys_file: two, mode: cookie", []string{ringKey2, ringKey}, ""},
		{"mode bearer", "keys_file: two", []string{ringKey2, ringKey}, ""},
		{"both", "keys_file: two, keys: [" + ringKey + "]", nil, "session.keys_file: expected either session.keys or session.keys_file, not both"},
		{"gone", "keys_file: gone, mode: refresh", nil, "session.keys_file: expected a readable file: file does not exist"},
		{"empty", "keys_file: none, mode: refresh", nil, "session.keys_file: expected a file that holds them, one per line"},
		{"bad", "keys_file: bad", nil, form},
		{"twice", "keys_file: twice", nil, "session.keys_file: expected each key once"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir["c.yaml"] = minimal + "session: {" + c.session + "}\n"
			loaded, err := config.Load(config.Options{File: "c.yaml", ReadFile: dir.read})
			if err != nil || c.err != "" {
				if err == nil || err.Error() != c.err {
					t.Errorf("got %v, want %s", err, c.err)
				}
				return
			}
			equal(t, "keys", revealed(loaded.Session.Keys), c.want)
		})
	}
}

// Where browsers reach the service decides whether they take its cookies.
func TestModes(t *testing.T) {
	for _, yaml := range []string{
		"", "listen: 127.0.0.1:0", "public_url: 'https://login.example.com/'", "public_url: 'http://localhost:1'",
		"{listen: ':8080', public_url: 'https://login.example.com'}", "tls: {cert_file: c, key_file: k}",
	} {
		for _, mode := range []string{"refresh", "cookie"} {
			c := mustLoad(t, yaml, "FAUNA_LOGIN_AUTH0_DOMAIN=a.example", "FAUNA_LOGIN_AUTH0_AUDIENCE=x",
				"FAUNA_LOGIN_SESSION_MODE="+mode, "FAUNA_LOGIN_SESSION_KEYS="+ringKey+","+ringKey2)
			equal(t, "mode", c.Session.Mode, mode)
			equal(t, "keys", revealed(c.Session.Keys), []string{ringKey, ringKey2})
		}
	}
}

func TestAuditOff(t *testing.T) {
	for _, yaml := range []string{"", "audit: {output: ''}\n", "audit: {output: off}\n"} {
		equal(t, yaml, mustLoad(t, minimal+yaml).Audit.Output, "")
	}
}

// The names of the service's schema are in two places, which this compares.
func TestSchemaNamesAreReserved(t *testing.T) {
	for _, file := range []string{"fauna-login.fsl", "fauna-login.app.fsl"} {
		fsl, err := os.ReadFile(filepath.Join("../fqlx/schema", file))
		if err != nil {
			t.Fatal(err)
		}
		names := regexp.MustCompile(`(?m)^(?:collection|function) (\w+)`).FindAllStringSubmatch(string(fsl), -1)
		if len(names) == 0 {
			t.Fatalf("no names in %s", file)
		}
		for _, name := range names {
			if name[1] != "User" && config.CheckUserCollection(name[1]) == nil { // User is what is chosen
				t.Errorf("the user collection may be called %s", name[1])
			}
		}
	}
}

func TestRootSecretVariable(t *testing.T) {
	c := mustLoad(t, minimal+"fauna: {root_secret: file}\n", "FAUNA_ROOT_SECRET=env")
	equal(t, "root_secret", c.Fauna.RootSecret.Reveal(), "env")
	c = mustLoad(t, minimal+"fauna: {root_secret: file}\n", "FAUNA_ROOT_SECRET=")
	equal(t, "root_secret", c.Fauna.RootSecret.Reveal(), "file")
	_, err := load(minimal, "FAUNA_ROOT_SECRET=a", "FAUNA_LOGIN_FAUNA_ROOT_SECRET=b")
	want := "fauna.root_secret: expected one value, but FAUNA_ROOT_SECRET has another (set by FAUNA_LOGIN_FAUNA_ROOT_SECRET)"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestPublicURL(t *testing.T) {
	for _, c := range []struct{ yaml, url, endpoint string }{
		{"", "http://127.0.0.1:8080", "http://127.0.0.1:8080"},
		{"listen: '[::1]:9'", "http://[::1]:9", "http://[::1]:9"},
		{"listen: LocalHost:9", "http://localhost:9", "http://localhost:9"},
		{"listen: 127.0.0.1:0", "", ""},
		{"tls: {cert_file: c, key_file: k}", "https://127.0.0.1:8080", "https://127.0.0.1:8080"},
		{"{listen: ':8080', public_url: 'https://login.example.com/'}", "https://login.example.com", "https://login.example.com"},
		{"{listen: ':8080', fauna: {endpoint: 'https://f.example', secret: s}}", "", "https://f.example"},
		{"fauna: {endpoint: 'http://127.0.0.1:8443', secret: s, public_endpoint: 'https://f.example'}", "http://127.0.0.1:8080", "https://f.example"},
	} {
		t.Run(c.yaml, func(t *testing.T) {
			got := mustLoad(t, c.yaml, "FAUNA_LOGIN_AUTH0_DOMAIN=a.example", "FAUNA_LOGIN_AUTH0_AUDIENCE=x")
			equal(t, "public_url", got.PublicURL, c.url)
			equal(t, "public_endpoint", got.Fauna.PublicEndpoint, c.endpoint)
		})
	}
}

func TestExample(t *testing.T) {
	c, err := config.Load(config.Options{File: "example.yaml"})
	if err != nil {
		t.Fatal(err)
	}
	plain := mustLoad(t, minimal)
	plain.Auth0.Tenants = c.Auth0.Tenants
	plain.Session.Keys = c.Session.Keys
	plain.CORS.Origins, plain.Limits.TrustedProxies = c.CORS.Origins, c.Limits.TrustedProxies // empty, not nil
	equal(t, "the example's values against the defaults", c, plain)

	text, err := os.ReadFile("example.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(config.Table()) {
		path, _, ok := strings.Cut(strings.TrimPrefix(line, "| `"), "`")
		if !ok {
			continue
		}
		name := path[strings.LastIndex(path, ".")+1:]
		if !strings.Contains(string(text), name+":") {
			t.Errorf("the example does not show %s", path)
		}
	}
}

func TestErrorsIsAList(t *testing.T) {
	_, err := load("listen: x\nlog: {level: loud}\n")
	var list config.Errors
	if !errors.As(err, &list) {
		t.Fatalf("%T", err)
	}
	equal(t, "number", len(list), 3)
	equal(t, "lines", strings.Count(err.Error(), "\n"), 2)
}
