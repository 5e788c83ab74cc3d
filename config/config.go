package config

import (
	"net/netip"
	"time"
)

// Config is the whole configuration, valid and complete: short forms are resolved, files with
// secrets are read, defaults that follow from other keys are filled in. PublicURL, and
// Fauna.PublicEndpoint after it, stay empty when they would follow from a listener on port 0,
// which is not known before it listens.
type Config struct {
	Listen      string  `key:"listen" default:"127.0.0.1:8080" doc:"address of the public listener"`
	AdminListen string  `key:"admin_listen" default:"127.0.0.1:9090" doc:"address of metrics and pprof; empty = off"`
	TLS         TLS     `key:"tls"`
	PublicURL   string  `key:"public_url" doc:"how browsers reach this service; default: http(s)://<listen> when that is loopback; needed with the embedded engine otherwise"`
	Auth0       Auth0   `key:"auth0"`
	Fauna       Fauna   `key:"fauna"`
	Session     Session `key:"session"`
	CORS        CORS    `key:"cors"`
	Limits      Limits  `key:"limits"`
	Log         Log     `key:"log"`
	Audit       Audit   `key:"audit"`
}

// TLS names the files of the public listener's certificate. Both empty: plain HTTP.
type TLS struct {
	CertFile string `key:"cert_file" doc:"PEM certificate chain; empty = plain HTTP, for a TLS proxy in front; re-read when it changes"`
	KeyFile  string `key:"key_file" doc:"PEM private key; re-read when it changes"`
}

// Auth0 says whose tokens are accepted. After [Load] all tenants are in Tenants; Domain and Short
// are how one tenant may be written in the file, and empty.
type Auth0 struct {
	Domain  string   `key:"domain" doc:"short form: one tenant named default whose issuer is https://<domain>/; every key of a tenant may then stand in auth0 itself"`
	Short   Tenant   `key:""`
	Tenants []Tenant `key:"tenants" doc:"long form, instead: a list of mappings with the keys from auth0.name to auth0.event_tokens_file"`

	Leeway      time.Duration `key:"leeway" default:"30s" min:"0s" max:"10m" doc:"clock difference allowed for nbf and iat; never for exp"`
	MaxLifetime time.Duration `key:"max_lifetime" default:"720h" min:"1s" max:"720h" doc:"tokens with a longer exp − iat are refused; the default is Auth0's own maximum"`
	JWKS        JWKS          `key:"jwks"`
}

// Tenant is an Auth0 tenant: its issuers and which of their tokens count.
type Tenant struct {
	Name          string   `key:"name" doc:"part of every user's key: never rename; short form: default when absent"`
	Issuers       []string `key:"issuers" doc:"the tenant's domain and its custom domains, as in iss: https://tenant.eu.auth0.com/"`
	Audience      []string `key:"audience" doc:"API identifiers; one of them must be in aud"`
	JWKSURL       string   `key:"jwks_url" doc:"default: <issuer>.well-known/jwks.json; set = shared by the tenant's issuers"`
	Algorithms    []string `key:"algorithms" default:"RS256" doc:"RS256 and/or PS256"`
	Clients       []string `key:"clients" doc:"allowed azp or client_id; empty = any"`
	Organizations []string `key:"organizations" doc:"allowed org_id; empty = any, also none"`
	Actors        []string `key:"actors" doc:"allowed act.sub; empty = tokens with act are refused"`
	RequiredScope string   `key:"required_scope" doc:"scopes that a token must have, space separated"`
	Claims        Claims   `key:"claims"`

	SessionIDClaim  string   `key:"session_id_claim" doc:"JSON pointer to Auth0's session id, by which Auth0 can end sessions; empty = off"`
	LinkIDClaim     string   `key:"link_id_claim" doc:"JSON pointer to the link_id of a session that a server made, for the token to join it; empty = off"`
	OnBehalf        OnBehalf `key:"on_behalf"`
	LogoutClients   []string `key:"logout_clients" doc:"client ids that are accepted as aud of logout tokens; empty = back-channel logout is off"`
	EventTokens     []Secret `key:"event_tokens" doc:"bearer tokens of Auth0's event stream, each of this tenant alone, 16 bytes or more; two while one replaces the other; empty = off"`
	EventTokensFile string   `key:"event_tokens_file" doc:"file that holds them, instead, one per line"`
}

// OnBehalf says which machines may ask for a user's session.
type OnBehalf struct {
	Clients []string      `key:"clients" doc:"client ids of the machines that may ask for a user's session; empty = off"`
	Scope   string        `key:"scope" default:"fauna:issue_for_user" doc:"scopes that their tokens must have, space separated"`
	MaxTTL  time.Duration `key:"max_ttl" default:"15m" min:"1s" max:"720h" doc:"longest life of what they are given, whole seconds"`
}

// Claims says what to copy from a token.
type Claims struct {
	User    []Claim `key:"user" doc:"claims to copy into the user document"`
	Session []Claim `key:"session" doc:"claims to copy into auth0_jwt.claims, for ABAC rules"`
}

// Claim copies one claim.
type Claim struct {
	To       string `key:"to" doc:"field to write"`
	From     string `key:"from" doc:"JSON pointer into the token's claims, such as /https:~1~1example.com~1email"`
	Required bool   `key:"required" default:"false" doc:"refuse tokens without it"`
}

// JWKS says how the issuers' key sets are kept.
type JWKS struct {
	Refresh  time.Duration `key:"refresh" default:"10m" min:"1s" max:"720h" doc:"how often key sets are fetched"`
	Cooldown time.Duration `key:"cooldown" default:"30s" min:"1s" max:"720h" doc:"shortest time between fetches for unknown key ids"`
	MaxStale time.Duration `key:"max_stale" default:"24h" min:"1s" max:"720h" doc:"how long the last good keys are used while they cannot be fetched"`
	Timeout  time.Duration `key:"timeout" default:"5s" min:"1s" max:"10m" doc:"of one fetch"`
	CacheDir string        `key:"cache_dir" doc:"directory that keeps key sets over a restart; default: <data>/jwks with the embedded engine, else off"`
}

// Fauna says where documents live. Without an endpoint the embedded engine is used.
type Fauna struct {
	Endpoint       string        `key:"endpoint" doc:"such as https://fauna.internal:8443; empty = embedded engine"`
	Secret         Secret        `key:"secret" doc:"the service key, of role token_exchange; needed with endpoint; the embedded engine makes its own"`
	SecretFile     string        `key:"secret_file" doc:"file that holds it, instead"`
	PublicEndpoint string        `key:"public_endpoint" doc:"what SPAs are told; default: endpoint, or public_url"`
	Timeout        time.Duration `key:"timeout" default:"5s" min:"1s" max:"10m" doc:"of one exchange's query, retries included"`
	UserCollection string        `key:"user_collection" default:"User" doc:"collection of the user documents"`
	Data           string        `key:"data" default:"./fauna-data" doc:"embedded: directory of the database, keys and secrets"`
	Listen         string        `key:"listen" default:"127.0.0.1:8443" doc:"embedded: full wire port (schema, admin); empty = off"`
	RootSecret     Secret        `key:"root_secret" doc:"embedded: also FAUNA_ROOT_SECRET; default: made once, kept in <data>/root.secret"`
	RootSecretFile string        `key:"root_secret_file" doc:"file that holds it, instead"`
	CacheMB        int           `key:"cache_mb" default:"256" min:"1" max:"1048576" doc:"embedded: block cache, MiB"`
}

// Embedded says whether the embedded engine is used.
func (f Fauna) Embedded() bool { return f.Endpoint == "" }

// Session says how secrets are handed out.
type Session struct {
	Mode             string        `key:"mode" default:"bearer" doc:"what a browser holds: bearer = the secret in memory; refresh = that and a cookie for the next secret; cookie = the secret sealed in a cookie, queries through this service"`
	Keys             []Secret      `key:"keys" doc:"key ring of the cookies, each as fauna-login key new prints it; the first seals, all open; needed unless mode is bearer"`
	KeysFile         string        `key:"keys_file" doc:"file that holds them, instead, one per line"`
	MaxTTL           time.Duration `key:"max_ttl" default:"1h" min:"1s" max:"720h" doc:"longest life of a secret, whole seconds; it never outlives its token"`
	MinTTL           time.Duration `key:"min_ttl" default:"10s" min:"1s" max:"720h" doc:"nothing is issued when less is left, whole seconds"`
	MaxSecretsPerJWT int           `key:"max_secrets_per_jwt" default:"20" min:"1" max:"1000" doc:"live secrets of one token; the oldest goes"`
}

// CORS says which pages of other origins may call the service.
type CORS struct {
	Origins []string `key:"origins" doc:"exact origins, such as https://app.example.com; empty = no cross-origin use"`
}

// Limits bounds what callers may do; 0 switches a limit off.
type Limits struct {
	MaxTokenBytes               int            `key:"max_token_bytes" default:"16384" min:"0" max:"1048576" doc:"longest token; 0 = off"`
	RequestsPerMinutePerIP      int            `key:"requests_per_minute_per_ip" default:"0" min:"0" max:"1000000" doc:"0 = off; IPv6 per /64"`
	RequestsPerMinutePerSubject int            `key:"requests_per_minute_per_subject" default:"60" min:"0" max:"1000000" doc:"0 = off"`
	TrustedProxies              []netip.Prefix `key:"trusted_proxies" doc:"CIDRs whose X-Forwarded-For counts"`
}

// Log says how the service logs, to standard error.
type Log struct {
	Level  string `key:"level" default:"info" doc:"debug, info, warn or error"`
	Format string `key:"format" default:"json" doc:"json or text"`
}

// Audit says where the record of decisions goes, one line of JSON for each.
type Audit struct {
	Output string `key:"output" doc:"stdout, or a file to append to, which is opened again on SIGHUP; empty or off = no record"`
}
