package engine_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"mime/multipart"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

// upload makes a multipart body of names and contents in turn.
func upload(t *testing.T, files ...string) (body, contentType string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		part, err := w.CreateFormField(files[i])
		if err != nil {
			t.Fatal(err)
		}
		part.Write([]byte(files[i+1]))
	}
	w.Close()
	return b.String(), w.FormDataContentType()
}

// pushFiles posts files to a schema endpoint.
func pushFiles(t *testing.T, s *enginetest.Server, secret, path string, files ...string) response {
	t.Helper()
	body, contentType := upload(t, files...)
	return do(t, s.URL, request{path: "/schema/1/" + path, secret: secret, body: body, header: map[string]string{"Content-Type": contentType}})
}

func get(t *testing.T, s *enginetest.Server, secret, path string) response {
	t.Helper()
	return do(t, s.URL, request{method: "GET", path: "/schema/1/" + path, secret: secret})
}

func version(t *testing.T, r response) int64 {
	t.Helper()
	var body struct{ Version int64 }
	if err := json.Unmarshal([]byte(r.body), &body); err != nil || r.status != 200 {
		t.Fatalf("%d %s: %v", r.status, r.body, err)
	}
	return body.Version
}

func TestSchemaPush(t *testing.T) {
	s := enginetest.New(t)
	first := version(t, pushFiles(t, s, s.Secret, "update", "main.fsl", "collection A {}", "b.fsl", "collection B {}"))
	if first < s.Now().UnixMicro() {
		t.Errorf("version %d lies before now", first)
	}
	if got := get(t, s, s.Secret, "files"); got.body != fmt.Sprintf(`{"version":%d,"files":[{"filename":"b.fsl"},{"filename":"main.fsl"}]}`, first) {
		t.Errorf("files: %s", got.body)
	}
	if got := get(t, s, s.Secret, "files/main.fsl"); got.body != fmt.Sprintf(`{"version":%d,"content":"collection A {}"}`, first) {
		t.Errorf("files/main.fsl: %s", got.body)
	}
	if got := get(t, s, s.Secret, "files/nope.fsl"); got.status != 404 || got.body != `{"error":{"message":"Not found"}}` {
		t.Errorf("files/nope.fsl: %d %s", got.status, got.body)
	}
	if got := get(t, s, s.Secret, "status"); got.body != fmt.Sprintf(`{"version":%d,"status":"none"}`, first) {
		t.Errorf("status: %s", got.body)
	}
	s.Query(`A.create({ x: 1 })`)

	// Without override other files stay; with it, the default, they go.
	second := version(t, pushFiles(t, s, s.Secret, "update?override=false", "c.fsl", "collection C {}"))
	if second <= first {
		t.Errorf("version %d after %d", second, first)
	}
	s.Query(`[A.all().count(), B.all().count(), C.all().count()]`)
	version(t, pushFiles(t, s, s.Secret, "update", "main.fsl", "collection A {}"))
	if a := s.As(s.Secret, `B.all()`); a.Status != 400 {
		t.Errorf("B is still there: %+v", a)
	}
	if n := fmt.Sprint(s.Query(`A.all().count()`)); n != "1" {
		t.Errorf("A has lost its document: %s", n)
	}
}

func TestSchemaVersionLock(t *testing.T) {
	s := enginetest.New(t)
	first := version(t, pushFiles(t, s, s.Secret, "update", "main.fsl", "collection A {}"))
	second := version(t, pushFiles(t, s, s.Secret, fmt.Sprintf("update?version=%d", first), "main.fsl", "collection B {}"))
	got := pushFiles(t, s, s.Secret, fmt.Sprintf("update?version=%d", first), "main.fsl", "collection C {}")
	if got.status != 409 || got.body != `{"error":{"message":"Stale schema version provided"}}` {
		t.Errorf("stale: %d %s", got.status, got.body)
	}
	if third := version(t, pushFiles(t, s, s.Secret, fmt.Sprintf("update?version=%d&force=true", first), "main.fsl", "collection C {}")); third <= second {
		t.Errorf("force: %d", third)
	}
	if got := pushFiles(t, s, s.Secret, "update?version=x", "main.fsl", ""); got.status != 400 {
		t.Errorf("version=x: %d %s", got.status, got.body)
	}
}

func TestSchemaDiff(t *testing.T) {
	s := enginetest.New(t)
	first := version(t, pushFiles(t, s, s.Secret, "update", "main.fsl", "collection A {}"))
	before := s.Dump()
	for _, path := range []string{"diff", "validate"} {
		got := pushFiles(t, s, s.Secret, path, "main.fsl", "collection A { index byX { terms [.x] } }\ncollection B {}")
		want := fmt.Sprintf("{\"version\":%d,\"diff\":%s}", first, quote(
			"* Modifying collection `A` at main.fsl:1:12:\n  * Indexes:\n  + add index `byX`\n* Adding collection `B` to main.fsl:2:12\n"))
		if got.body != want {
			t.Errorf("%s: %s\nwant %s", path, got.body, want)
		}
	}
	got := pushFiles(t, s, s.Secret, "diff?format=summary", "main.fsl", "collection A {}\ncollection B {}")
	if !strings.Contains(got.body, quote("* Adding collection `B` to main.fsl:2:12\n")) {
		t.Errorf("summary: %s", got.body)
	}
	if got := pushFiles(t, s, s.Secret, "diff", "main.fsl", "collection A {}"); !strings.Contains(got.body, `"diff":""`) {
		t.Errorf("no change: %s", got.body)
	}
	if got := pushFiles(t, s, s.Secret, "diff?format=textual", "main.fsl", ""); got.status != 400 || !strings.Contains(got.body, "textual is not supported") {
		t.Errorf("textual: %d %s", got.status, got.body)
	}
	if got := pushFiles(t, s, s.Secret, "diff", "main.fsl", "collection A {"); got.status != 400 || !strings.Contains(got.body, "at *main.fsl*:1:") {
		t.Errorf("broken: %d %s", got.status, got.body)
	}
	if after := s.Dump(); after != before || version(t, get(t, s, s.Secret, "files")) != first {
		t.Errorf("a diff has changed something:\n%s", after)
	}
}

func quote(s string) string {
	b, _ := json.Marshal(s)
	return string(b)
}

func TestSchemaRefuses(t *testing.T) {
	s := enginetest.New(t)
	tests := []struct {
		name, path string
		files      []string
		status     int
		message    string // part of it
	}{
		{"syntax", "update", []string{"main.fsl", "collection {"}, 400, "at *main.fsl*:1:"},
		{"meaning", "update", []string{"main.fsl", "collection Math {}"}, 400, "The identifier `Math` is reserved."},
		{"unbound name", "update", []string{"main.fsl", "collection A {}\nrole r { privileges A { read { predicate (a => a.owner == me()) } } }"}, 400,
			"error: Unbound variable `me`\nat *main.fsl*:2:59\n"},
		{"write in a predicate", "validate", []string{"main.fsl", "collection A {}\nrole r { membership A { predicate (a => A.create({}) != null) } }"}, 400,
			"error: `create` performs a write, which is not allowed in auth predicates.\nat *main.fsl*:2:43\n"},
		{"staged", "update?staged=true", []string{"main.fsl", ""}, 400, "A staged schema (staged=true) is not supported by this engine"},
		{"flag", "update?override=x", []string{"main.fsl", ""}, 400, "Invalid value of `override`"},
		{"name", "update", []string{"main.txt", ""}, 400, "Invalid filename `main.txt`"},
		{"star", "update", []string{"*main.fsl", ""}, 400, "Invalid filename `*main.fsl`"},
		{"twice", "update", []string{"a.fsl", "", "a.fsl", ""}, 400, "The file `a.fsl` is there twice"},
		{"migrations", "update", []string{"a.fsl", "collection A { a: Int\n migrations { add .a } }"}, 400, "`migrations` is not supported by this engine"},
		{"access provider", "update", []string{"a.fsl", "access provider A { issuer \"x\" }"}, 400, "access provider is not supported by this engine"},
		{"items", "items/collections", []string{"a.fsl", ""}, 400, "/schema/1/items/collections is not supported by this engine"},
		{"commit", "commit", nil, 400, "/schema/1/commit is not supported by this engine"},
		{"staged commit", "staged/commit", nil, 400, "/schema/1/staged/commit is not supported by this engine"},
		{"unknown", "nope", nil, 404, "Not found"},
		{"method", "files", nil, 405, "Method not allowed"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := pushFiles(t, s, s.Secret, tt.path, tt.files...)
			var body struct{ Error map[string]string }
			if err := json.Unmarshal([]byte(got.body), &body); err != nil {
				t.Fatalf("%v: %s", err, got.body)
			}
			if got.status != tt.status || !strings.Contains(body.Error["message"], tt.message) || len(body.Error) != 1 {
				t.Errorf("%d %s", got.status, got.body)
			}
		})
	}
	for contentType, body := range map[string]string{"text/plain": "collection A {}", "multipart/form-data; boundary=x": "--y\r\n"} {
		got := do(t, s.URL, request{path: "/schema/1/update", secret: s.Secret, body: body, header: map[string]string{"Content-Type": contentType}})
		if got.status != 400 || got.body != `{"error":{"message":"Request is not a valid multipart request"}}` {
			t.Errorf("%s: %d %s", contentType, got.status, got.body)
		}
	}
	var many []string
	for i := range 1025 {
		many = append(many, fmt.Sprintf("f%d.fsl", i), "")
	}
	if got := pushFiles(t, s, s.Secret, "update", many...); got.status != 400 || got.body != `{"error":{"message":"Too many files"}}` {
		t.Errorf("1025 files: %d %s", got.status, got.body)
	}
	if got := pushFiles(t, s, s.Secret, "update", many[:2048]...); got.status != 200 {
		t.Errorf("1024 files: %d %s", got.status, got.body)
	}
}

func TestSchemaAccess(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos, roles)
	key := func(role string) string { return s.Query(`Key.create({ role: "` + role + `" }).secret`).(string) }
	tests := []struct {
		name, secret string
		read, push   int
	}{
		{"root", s.Secret, 200, 200},
		{"root as server", s.Secret + ":server", 200, 403},
		{"admin", key("admin"), 200, 200},
		{"server", key("server"), 200, 403},
		{"server-readonly", key("server-readonly"), 200, 403},
		{"client", key("client"), 403, 403},
		{"token_exchange", key("token_exchange"), 403, 403},
		{"token", s.Query(`Token.create({ document: User.create({}) }).secret`).(string), 403, 403},
		{"garbage", "garbage", 401, 401},
		{"none", "", 401, 401},
	}
	messages := map[int]string{401: `{"error":{"message":"Access token required"}}`, 403: `{"error":{"message":"Access denied"}}`}
	for _, tt := range tests {
		check := func(what string, got response, want int) {
			t.Helper()
			if got.status != want || messages[want] != "" && got.body != messages[want] {
				t.Errorf("%s: %s: %d %s, want %d", tt.name, what, got.status, got.body, want)
			}
			if (got.header.Get("Www-Authenticate") == "Bearer") != (want == 401) {
				t.Errorf("%s: %s: challenge %v", tt.name, what, got.header)
			}
		}
		check("files", get(t, s, tt.secret, "files"), tt.read)
		check("file", get(t, s, tt.secret, "files/test0.fsl"), tt.read)
		check("status", get(t, s, tt.secret, "status"), tt.read)
		// Whoever may not read learns not even which paths there are.
		if tt.read != 200 {
			check("unknown path", get(t, s, tt.secret, "nope"), tt.read)
		}
		check("update", pushFiles(t, s, tt.secret, "update?override=false", "x.fsl", ""), tt.push)
	}
}
