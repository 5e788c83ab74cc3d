package web_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/exchange/web"
)

var demoConfig = web.DemoConfig{
	URL: "http://localhost:8080", Auth0: "http://localhost:8081", Audience: "https://api.example.com", ClientID: "spa",
	Users: []web.DemoUser{{Name: "Ada", Email: "ada@example.com", User: "1", Note: "2"}},
}

// get asks the demo, at its own host unless the target has one.
func get(t *testing.T, method, target string, header ...string) *http.Response {
	t.Helper()
	h, err := web.Demo(demoConfig)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasPrefix(target, "/") {
		target = demoConfig.URL + target
	}
	r := httptest.NewRequest(method, target, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self' http://localhost:8081; " +
	"form-action 'none'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

func TestDemo(t *testing.T) {
	for _, c := range []struct {
		name, method, target string
		status               int
		contentType, caching string
	}{
		{"page", "GET", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"page, its header", "HEAD", "/", 200, "text/html; charset=utf-8", "no-cache"},
		{"module", "GET", "/demo/main.js", 200, "text/javascript; charset=utf-8", "no-cache"},
		{"style", "GET", "/demo/style.css", 200, "text/css; charset=utf-8", "no-cache"},
		{"icon", "GET", "/demo/icon.svg", 200, "image/svg+xml", "no-cache"},
		{"role", "GET", "/demo/notes.fsl", 200, "text/plain; charset=utf-8", "no-cache"},
		{"configuration", "GET", "/demo/config.json", 200, "application/json", "no-store"},
		{"page under its file's name", "GET", "/demo/index.html", 404, "text/plain; charset=utf-8", "no-store"},
		{"directory", "GET", "/demo/", 404, "text/plain; charset=utf-8", "no-store"},
		{"way out", "GET", "/demo/../web.go", 404, "text/plain; charset=utf-8", "no-store"},
		{"post", "POST", "/", 405, "text/plain; charset=utf-8", "no-store"},
		{"another name of the machine", "GET", "http://127.0.0.1:8080/?code=x", 307, "text/html; charset=utf-8", "no-store"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := get(t, c.method, c.target)
			want := map[string]string{
				"Content-Type": c.contentType, "Cache-Control": c.caching, "Content-Security-Policy": policy,
				"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
				"Cross-Origin-Opener-Policy": "same-origin", "Cross-Origin-Resource-Policy": "same-origin",
			}
			if c.status == 307 {
				want["Location"] = "http://localhost:8080/"
			}
			if c.status == 405 {
				want["Allow"] = "GET, HEAD"
			}
			if res.StatusCode != c.status {
				t.Errorf("status %d, want %d", res.StatusCode, c.status)
			}
			for name, value := range want {
				if got := res.Header.Get(name); got != value {
					t.Errorf("%s: %q, want %q", name, got, value)
				}
			}
		})
	}
}

func TestDemoUnchanged(t *testing.T) {
	tag := get(t, "GET", "/").Header.Get("Etag")
	if res := get(t, "GET", "/", "If-None-Match", tag); res.StatusCode != http.StatusNotModified {
		t.Errorf("status %d for an ETag of ours", res.StatusCode)
	}
	if res := get(t, "GET", "/demo/main.js", "If-None-Match", tag); res.StatusCode != http.StatusOK {
		t.Errorf("status %d for another file's ETag", res.StatusCode)
	}
}

func TestDemoConfiguration(t *testing.T) {
	var got web.DemoConfig
	if err := json.NewDecoder(get(t, "GET", "/demo/config.json").Body).Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, demoConfig) {
		t.Errorf("got %+v", got)
	}
	for _, c := range []web.DemoConfig{{}, {URL: "localhost:8080", Auth0: "http://localhost"}, {URL: "http://localhost"}} {
		if _, err := web.Demo(c); err == nil {
			t.Errorf("no error for %+v", c)
		}
	}
}

// What the policy forbids would fail in the browser without a word here: the page's files have
// nothing inline, load nothing from elsewhere, and make no markup of text.
func TestDemoFilesFitThePolicy(t *testing.T) {
	forbidden := map[string]*regexp.Regexp{
		".html": regexp.MustCompile(`(?i)<style|\sstyle=|\son\w+=|="javascript:|<script(?:[^>]*)>\s*[^<\s]|(?:src|href)="(?:https?:)?//`),
		".css":  regexp.MustCompile(`(?i)url\(|@import`),
		".js":   regexp.MustCompile(`innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|cssText|localStorage`),
		".svg":  regexp.MustCompile(`(?i)<script|<style|\sstyle=|\son\w+=`),
	}
	files, err := filepath.Glob("demo/*")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	imports := regexp.MustCompile(`from '([^']*)'`)
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if rule := forbidden[filepath.Ext(file)]; rule != nil {
			if found := rule.Find(body); found != nil {
				t.Errorf("%s: %q", file, found)
			}
		}
		if filepath.Ext(file) != ".js" {
			continue
		}
		for _, m := range imports.FindAllSubmatch(regexp.MustCompile("(?s)`.*?`").ReplaceAll(body, nil), -1) {
			name := string(m[1])
			if local, ok := strings.CutPrefix(name, "./"); ok {
				if _, err := os.Stat("demo/" + local); err != nil {
					t.Errorf("%s imports %s, which is not there", file, name)
				}
			} else if name != "/fauna-login.js" {
				t.Errorf("%s imports %s", file, name)
			}
		}
	}
}

// Whatever element a module asks for has to be in the page.
func TestDemoElements(t *testing.T) {
	page, err := os.ReadFile("demo/index.html")
	if err != nil {
		t.Fatal(err)
	}
	modules, err := filepath.Glob("demo/*.js")
	if err != nil || len(modules) == 0 {
		t.Fatalf("no modules: %v", err)
	}
	asked := 0
	for _, module := range modules {
		body, err := os.ReadFile(module)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`\$\('([\w-]+)'\)`).FindAllSubmatch(body, -1) {
			asked++
			if !strings.Contains(string(page), `id="`+string(m[1])+`"`) {
				t.Errorf("%s: the page has no #%s", module, m[1])
			}
		}
	}
	if asked == 0 {
		t.Error("no module asks for any element")
	}
}
