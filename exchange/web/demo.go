package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

//go:embed demo
var demoFiles embed.FS

// DemoSchema is the FSL of the demo's notes: the collection and the role that says whose they are.
func DemoSchema() string {
	body, err := demoFiles.ReadFile("demo/notes.fsl")
	if err != nil {
		panic(err) // it is embedded
	}
	return string(body)
}

// DemoConfig is what the demo's page is told, as /demo/config.json: nothing that is secret.
type DemoConfig struct {
	URL      string     `json:"url"`   // of the page, without a slash at its end
	Auth0    string     `json:"auth0"` // of the tenant, likewise
	Audience string     `json:"audience"`
	ClientID string     `json:"client_id"`
	Users    []DemoUser `json:"users"`
}

// DemoUser is somebody to log in as, and what somebody else may try to get at.
type DemoUser struct {
	Name  string `json:"name"`
	Email string `json:"email"`
	User  string `json:"user"` // id of the user document
	Note  string `json:"note"` // id of a note of theirs
}

// demoTypes are what the demo's files are sent as, by the ends of their names.
var demoTypes = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".svg":  "image/svg+xml",
	".fsl":  "text/plain; charset=utf-8",
}

// demo serves the page and its files.
type demo struct {
	files  map[string]File // path → file
	host   string
	home   string
	policy string
}

// Demo serves the demo: its page at / and what belongs to it below /demo/. The page expects the
// client at /fauna-login.js and, for each mode, an exchange of that mode below /<mode>/, on the
// same origin.
func Demo(c DemoConfig) (http.Handler, error) {
	home, err := url.Parse(c.URL)
	if err != nil || home.Host == "" {
		return nil, fmt.Errorf("the demo's URL %q: expected scheme and host", c.URL)
	}
	auth0, err := url.Parse(c.Auth0)
	if err != nil || auth0.Host == "" {
		return nil, fmt.Errorf("the demo's Auth0 tenant %q: expected scheme and host", c.Auth0)
	}
	config, err := json.Marshal(c)
	if err != nil {
		return nil, fmt.Errorf("encoding the demo's configuration: %w", err)
	}
	d := &demo{
		files: map[string]File{"/demo/config.json": newFile(string(config), demoTypes[".json"])},
		host:  home.Host,
		home:  c.URL + "/",
		// Nothing inline, nothing from elsewhere, no markup made of text, and no host to talk to
		// but the page's own and the tenant.
		policy: "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' " +
			auth0.Scheme + "://" + auth0.Host + "; form-action 'none'; base-uri 'none'; frame-ancestors 'none'; " +
			"require-trusted-types-for 'script'; trusted-types 'none'",
	}
	return d, d.load()
}

// load reads the embedded files.
func (d *demo) load() error {
	entries, err := demoFiles.ReadDir("demo")
	if err != nil {
		return fmt.Errorf("reading the demo: %w", err)
	}
	for _, entry := range entries {
		body, err := demoFiles.ReadFile("demo/" + entry.Name())
		if err != nil {
			return fmt.Errorf("reading the demo: %w", err)
		}
		contentType, ok := demoTypes[path.Ext(entry.Name())]
		if !ok {
			return fmt.Errorf("reading the demo: %s has no content type", entry.Name())
		}
		name := "/demo/" + entry.Name()
		if entry.Name() == "index.html" {
			name = "/"
		}
		d.files[name] = newFile(string(body), contentType)
	}
	return nil
}

func (d *demo) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Cache-Control", "no-store")
	header.Set("Content-Security-Policy", d.policy)
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	header.Set("Cross-Origin-Resource-Policy", "same-origin")
	header.Set("Referrer-Policy", "no-referrer")
	header.Set("X-Content-Type-Options", "nosniff")
	file, ok := d.files[r.URL.Path]
	switch {
	case !ok:
		http.Error(w, "there is no such file in the demo", http.StatusNotFound)
	case r.Method != http.MethodGet && r.Method != http.MethodHead:
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "the demo is only for reading", http.StatusMethodNotAllowed)
	case r.URL.Path == "/" && r.Host != d.host:
		// This machine has several names, but cookies and tokens are told one of them.
		http.Redirect(w, r, d.home, http.StatusTemporaryRedirect)
	default:
		header.Set("Content-Type", file.ContentType)
		if file.ContentType != demoTypes[".json"] {
			header.Set("Cache-Control", "no-cache")
			header.Set("Etag", file.ETag)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(file.Body))
	}
}
