package config

import (
	"fmt"
	"net"
	"net/url"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// validate checks what the types of the values do not say. Checks that compare keys are left
// out when one of the keys is wrong by itself.
func (l *loader) validate(c *Config) {
	l.checkListen(c)
	l.checkAuth0(c)
	l.checkFauna(&c.Fauna)
	l.checkSession(c.Session)
	l.checkMode(c)
	for i, origin := range c.CORS.Origins {
		if !validOrigin(origin) {
			l.add(fmt.Sprintf("cors.origins[%d]", i), "expected an exact origin such as https://app.example.com: lower case, no path, no slash at the end, no default port")
		}
	}
	l.checkUnique("cors.origins", c.CORS.Origins)
	l.checkOneOf("log.level", c.Log.Level, "debug", "info", "warn", "error")
	l.checkOneOf("log.format", c.Log.Format, "json", "text")
}

func (l *loader) checkListen(c *Config) {
	const form = "expected host:port such as 127.0.0.1:8080"
	if !validAddress(c.Listen) {
		l.add("listen", form)
	}
	if c.AdminListen != "" && !validAddress(c.AdminListen) {
		l.add("admin_listen", form+", or nothing")
	}
	switch {
	case c.TLS.CertFile == "" && c.TLS.KeyFile != "":
		l.add("tls.cert_file", "expected a file, since tls.key_file is set")
	case c.TLS.CertFile != "" && c.TLS.KeyFile == "":
		l.add("tls.key_file", "expected a file, since tls.cert_file is set")
	}
	switch {
	case c.PublicURL != "":
		if _, ok := parseURL(c.PublicURL); !ok {
			l.add("public_url", "expected a URL such as https://login.example.com")
		}
	case l.ok("listen", "fauna.endpoint") && c.Fauna.Embedded() && !LoopbackAddress(c.Listen):
		l.add("public_url", "expected a URL, since listen is not a loopback address and the embedded engine is used")
	}
}

func (l *loader) checkFauna(f *Fauna) {
	if f.Endpoint != "" && !safeURL(f.Endpoint) {
		l.add("fauna.endpoint", "expected an https URL such as https://fauna.internal:8443 (http for loopback hosts only)")
	}
	if f.PublicEndpoint != "" {
		if _, ok := parseURL(f.PublicEndpoint); !ok {
			l.add("fauna.public_endpoint", "expected a URL such as https://fauna.example.com")
		}
	}
	if !f.Secret.IsZero() && !validSecret(f.Secret.Reveal()) {
		l.add("fauna.secret", "expected "+secretForm)
	}
	if root := f.RootSecret.Reveal(); !f.RootSecret.IsZero() && (!validSecret(root) || strings.Contains(root, ":")) {
		l.add("fauna.root_secret", "expected "+secretForm+", and no colon, which would begin a scope")
	}
	if !f.Embedded() && f.Secret.IsZero() && l.ok("fauna.endpoint", "fauna.secret", "fauna.secret_file") {
		l.add("fauna.secret", "expected the service key, or fauna.secret_file, since fauna.endpoint is set")
	}
	if !validCollection(f.UserCollection) {
		l.add("fauna.user_collection", "expected the name of a collection that is neither reserved nor one of ours, such as User")
	}
	if f.Embedded() && f.Data == "" {
		l.add("fauna.data", "expected a directory")
	}
	if f.Listen != "" && !validAddress(f.Listen) {
		l.add("fauna.listen", "expected host:port such as 127.0.0.1:8443, or nothing")
	}
}

func (l *loader) checkSession(s Session) {
	l.checkWholeSeconds("session.max_ttl", s.MaxTTL)
	l.checkWholeSeconds("session.min_ttl", s.MinTTL)
	if s.MinTTL > s.MaxTTL && l.ok("session.min_ttl", "session.max_ttl") {
		l.add("session.min_ttl", "expected at most session.max_ttl")
	}
}

// checkMode checks what the modes with a cookie need: a key ring, and browsers that reach the
// service by https or on their own machine, since they take the cookie from nobody else.
func (l *loader) checkMode(c *Config) {
	mode := c.Session.Mode
	l.checkOneOf("session.mode", mode, "bearer", "refresh", "cookie")
	l.checkKeys(c.Session)
	if mode == "bearer" || !l.ok("session.mode") {
		return
	}
	since := ", since session.mode is " + mode
	if len(c.Session.Keys) == 0 && l.ok("session.keys", "session.keys_file") {
		l.add("session.keys", "expected a key, which fauna-login key new makes, or session.keys_file"+since)
	}
	u, ok := parseURL(c.PublicURL)
	switch {
	case c.PublicURL == "":
		if l.ok("listen", "public_url") && !LoopbackAddress(c.Listen) {
			l.add("public_url", "expected an https URL"+since+" and listen is not a loopback address")
		}
	case !ok: // told already
	case !safeURL(c.PublicURL):
		l.add("public_url", "expected an https URL (http for loopback hosts only)"+since)
	case mode == "cookie" && strings.Trim(u.Path, "/") != "":
		l.add("public_url", "expected a URL without a path"+since+" and queries go to /query/1 there")
	}
}

func (l *loader) checkKeys(s Session) {
	seen := map[string]bool{}
	for i, key := range s.Keys {
		at, form := fmt.Sprintf("session.keys[%d]", i), "expected "+keyForm
		if s.KeysFile != "" {
			at, form = "session.keys_file", "expected a file that holds keys, one per line, each "+keyForm
		}
		switch text := key.Reveal(); {
		case !validKey(text):
			l.add(at, form)
		case seen[text]:
			l.add(at, "expected each key once")
		default:
			seen[text] = true
		}
	}
}

func (l *loader) checkScope(path, value string) {
	if !validScope(value) {
		l.add(path, "expected scopes with one space between them")
	}
}

func (l *loader) checkPointer(path, value string) {
	if value != "" && !validPointer(value) {
		l.add(path, pointerForm)
	}
}

func (l *loader) checkWholeSeconds(path string, d time.Duration) {
	if d%time.Second != 0 {
		l.add(path, "expected whole seconds")
	}
}

// checkOneOf reports a value that is not one of known.
func (l *loader) checkOneOf(path, value string, known ...string) {
	if !slices.Contains(known, value) {
		last := len(known) - 1
		l.add(path, "expected "+strings.Join(known[:last], ", ")+" or "+known[last])
	}
}

// checkUnique reports the elements of a list that stand there already.
func (l *loader) checkUnique(path string, values []string) {
	for i, v := range values {
		if slices.Contains(values[:i], v) {
			l.add(fmt.Sprintf("%s[%d]", path, i), "expected each value once")
		}
	}
}

// complete fills in the defaults that follow from other keys.
func complete(c *Config) {
	f := &c.Fauna
	f.Endpoint = strings.TrimSuffix(f.Endpoint, "/")
	if host, port, err := net.SplitHostPort(c.Listen); err == nil && c.PublicURL == "" && loopbackHost(host) && port != "0" {
		u := url.URL{Scheme: "http", Host: strings.ToLower(c.Listen)}
		if c.TLS.CertFile != "" {
			u.Scheme = "https"
		}
		c.PublicURL = u.String()
	}
	c.PublicURL = strings.TrimSuffix(c.PublicURL, "/")
	if f.PublicEndpoint == "" {
		f.PublicEndpoint = f.Endpoint
	}
	if f.PublicEndpoint == "" {
		f.PublicEndpoint = c.PublicURL
	}
	f.PublicEndpoint = strings.TrimSuffix(f.PublicEndpoint, "/")
	if f.Embedded() && c.Auth0.JWKS.CacheDir == "" {
		c.Auth0.JWKS.CacheDir = filepath.Join(f.Data, "jwks")
	}
	if c.Audit.Output == "off" {
		c.Audit.Output = ""
	}
}
