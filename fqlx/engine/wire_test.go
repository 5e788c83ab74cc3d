package engine_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/engine"
	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

// request is one HTTP request; what is empty is left out.
type request struct {
	method, path, secret string
	header               map[string]string
	body                 string
}

type response struct {
	status int
	header http.Header
	body   string
}

func do(t *testing.T, base string, r request) response {
	t.Helper()
	if r.method == "" {
		r.method = http.MethodPost
	}
	if r.path == "" {
		r.path = "/query/1"
	}
	req, err := http.NewRequest(r.method, base+r.path, strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.secret != "" {
		req.Header.Set("Authorization", "Bearer "+r.secret)
	}
	for k, v := range r.header {
		req.Header.Set(k, v)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response{res.StatusCode, res.Header, string(body)}
}

// fql is a body with nothing but a query.
func fql(query string) string {
	b, _ := json.Marshal(map[string]string{"query": query})
	return string(b)
}

var volatile = []struct {
	re   *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`"(txn_ts|schema_version)":\d+`), `"$1":0`},
	{regexp.MustCompile(`"stats":\{"compute_ops":\d+,"read_ops":\d+,"write_ops":\d+,"query_time_ms":\d+,` +
		`"contention_retries":\d+,"storage_bytes_read":\d+,"storage_bytes_write":\d+,"rate_limits_hit":\[\]\}`), `"stats":{}`},
	{regexp.MustCompile(`"\d{15,20}"`), `"ID"`},
	{regexp.MustCompile(`"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"`), `"TIME"`},
	{regexp.MustCompile(`fn[AE][A-Za-z0-9_-]{37,48}`), `SECRET`},
}

// settle replaces what differs from run to run.
func settle(body string) string {
	for _, v := range volatile {
		body = v.re.ReplaceAllString(body, v.with)
	}
	return body
}

const todos = `
collection Todo {
  title: String
  done: Boolean = false
  owner: Ref<User>?
  unique [.title]
  index byTitle { terms [.title] }
}
collection User {}
collection Open {}
`

const tail = `,"summary":"","txn_ts":0,"stats":{},"schema_version":0}`

func TestQueryBodies(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos)
	s.Query(`Todo.create({ id: "7", title: "seven" })`)
	tests := []struct {
		name, format, body string
		status             int
		want               string
	}{
		{"numbers, tagged", "tagged", fql("[1, 3000000000, 1.0, -0.5e10]"), 200,
			`{"data":[{"@int":"1"},{"@long":"3000000000"},{"@double":"1.0"},{"@double":"-5.0E9"}]` + tail},
		{"numbers, simple", "simple", fql("[1, 3000000000, 1.0]"), 200, `{"data":[1,3000000000,1.0]` + tail},
		{"simple is the default", "", fql("1"), 200, `{"data":1` + tail},
		{"scalars, tagged", "tagged", fql(`["x", true, null, Time("2024-01-02T03:04:05.5Z"), Date("2024-01-02")]`), 200,
			`{"data":["x",true,null,{"@time":"TIME"},{"@date":"2024-01-02"}]` + tail},
		{"object", "tagged", fql(`{ "value": 4 }`), 200, `{"data":{"value":{"@int":"4"}}` + tail},
		{"object with a tag for a key", "tagged", fql(`{ "@int": "x" }`), 200, `{"data":{"@object":{"@int":"x"}}` + tail},
		{"module", "tagged", fql("Math"), 200, `{"data":{"@mod":"Math"}` + tail},
		{"collection, simple", "simple", fql("Todo"), 200, `{"data":"Todo"` + tail},
		{"lambda", "tagged", fql("x => x"), 200, `{"data":"[function <lambda>]"` + tail},
		{"document, tagged", "tagged", fql(`Todo.byId("7")`), 200,
			`{"data":{"@doc":{"id":"7","coll":{"@mod":"Todo"},"ts":{"@time":"TIME"},"title":"seven","done":false}}` + tail},
		{"document, simple", "simple", fql(`Todo.byId("7")`), 200,
			`{"data":{"id":"7","coll":"Todo","ts":"TIME","title":"seven","done":false}` + tail},
		{"missing, tagged", "tagged", fql(`Todo.byId("8")`), 200,
			`{"data":{"@ref":{"id":"8","coll":{"@mod":"Todo"},"exists":false,"cause":"not found"}}` + tail},
		{"missing, simple", "simple", fql(`Todo.byId("8")`), 200, `{"data":null` + tail},
		{"set", "tagged", fql("Todo.all() { id }"), 200, `{"data":{"@set":{"data":[{"id":"7"}]}}` + tail},
		{"template", "tagged", `{"query":{"fql":[{"value":{"@int":"2"}}," + ",{"fql":["3 * ",{"value":{"@int":"4"}}]}]}}`, 200,
			`{"data":{"@int":"14"}` + tail},
		{"composed", "simple", `{"query":{"object":{"a":"1 + 1 // two","b":{"array":[{"value":"x"},"let y = 3\n y"]}}}}`, 400, ""},
		{"composed of expressions", "simple", `{"query":{"object":{"a":"1 + 1 // two","b":{"array":[{"value":"x"},"3"]}}}}`, 200,
			`{"data":{"a":2,"b":["x",3]}` + tail},
		{"composed of values", "simple", `{"query":{"object":{"@a":{"value":{"@int":"1"}}}}}`, 200, `{"data":{"@a":1}` + tail},
		{"arguments, simple", "simple", `{"query":"x + y","arguments":{"x":1,"y":2}}`, 200, `{"data":3` + tail},
		{"arguments, tagged", "tagged", `{"query":"x","arguments":{"x":{"@mod":"Todo"}}}`, 200, `{"data":{"@mod":"Todo"}` + tail},
		{"log", "simple", fql(`log("hello")
1`), 200, `{"data":1,"summary":"info at *query*:1: hello","txn_ts":0,"stats":{},"schema_version":0}`},

		{"abort", "tagged", fql(`abort({ a: 1 })`), 400,
			`{"error":{"code":"abort","message":"Query aborted.","abort":{"a":{"@int":"1"}}},` +
				`"summary":"error: Query aborted.\nat *query*:1:6\n  |\n1 | abort({ a: 1 })\n  |      ^^^^^^^^^^\n  |","txn_ts":0,"stats":{},"schema_version":0}`},
		{"missing field", "simple", fql(`Todo.create({})`), 400, `"code":"constraint_failure","message":"Failed to create document in collection ` + "`Todo`" +
			`.","constraint_failures":[{"paths":[["title"]],"message":"Missing required field of type String"}]}`},
		{"unique", "simple", fql(`Todo.create({ title: "seven" })`), 400,
			`{"code":"constraint_failure","message":"Failed unique constraint.","constraint_failures":[{"paths":[["title"]],"message":"Failed unique constraint"}]}`},
		{"syntax", "simple", fql(`1 +`), 400, `{"error":{"code":"invalid_query","message":"The query failed 1 validation check"},"summary":"error: `},
		{"unbound", "simple", fql(`foo`), 400, `{"error":{"code":"unbound_variable","message":"Unbound variable ` + "`foo`" + `"},"summary":"error: `},
		{"bad value", "simple", `{"query":{"fql":["1 + ",{"value":5}]}}`, 400,
			`{"error":{"code":"invalid_query","message":"The query failed 1 validation check"},"summary":"error: numbers must be tagged\nat *query*:1:5`},
		{"duplicate key", "simple", `{"query":{"object":{"a":"1","a":"2"}}}`, 400,
			`{"error":{"code":"invalid_query","message":"The query failed 1 validation check"},"summary":"error: Duplicate object field ` + "`a`"},
		{"no body", "simple", "", 400, `{"error":{"code":"invalid_request","message":"No request body provided"}}`},
		{"no JSON", "simple", "{", 400, `{"error":{"code":"invalid_request","message":"Invalid request body: unexpected end of input"}}`},
		{"shape", "simple", `{"q":"1"}`, 400, `{"error":{"code":"invalid_request","message":"Invalid request body"}}`},
		{"argument", "tagged", `{"query":"x","arguments":{"x":1}}`, 400,
			`{"error":{"code":"invalid_request","message":"Invalid argument 'x': numbers must be tagged"}}`},
		{"format", "foo", fql("1"), 400, `{"error":{"code":"invalid_request","message":"Invalid header 'x-format': Invalid format foo"}}`},
		{"decorated", "decorated", fql("1"), 400,
			`{"error":{"code":"invalid_request","message":"Invalid header 'x-format': Format decorated is not supported by this engine"}}`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := request{secret: s.Secret, body: tt.body}
			if tt.format != "" {
				r.header = map[string]string{"X-Format": tt.format}
			}
			got := do(t, s.URL, r)
			body := settle(got.body)
			whole := body == tt.want || tt.status == 400 && strings.Contains(body, tt.want)
			if got.status != tt.status || !whole {
				t.Errorf("%d %s\nwant %d %s", got.status, body, tt.status, tt.want)
			}
			if !json.Valid([]byte(got.body)) {
				t.Errorf("not JSON: %s", got.body)
			}
			if ct := got.header.Get("Content-Type"); ct != "application/json;charset=utf-8" {
				t.Errorf("Content-Type = %q", ct)
			}
			if len(got.header.Get("Traceparent")) != 55 {
				t.Errorf("Traceparent = %q", got.header.Get("Traceparent"))
			}
		})
	}
}

func TestQueryTags(t *testing.T) {
	s := enginetest.New(t)
	header := map[string]string{"X-Query-Tags": "hero=Wolverine,team=X_Men"}
	const tags = `"query_tags":"hero=Wolverine,team=X_Men"`
	for name, body := range map[string]string{"success": fql("1"), "failure": fql("abort(1)"), "bad body": "{"} {
		if got := do(t, s.URL, request{secret: s.Secret, header: header, body: body}); !strings.Contains(got.body, tags) {
			t.Errorf("%s: no tags in %s", name, got.body)
		}
	}
	header["X-Query-Tags"] = "a=%"
	got := do(t, s.URL, request{secret: s.Secret, header: header, body: fql("1")})
	if want := `{"error":{"code":"invalid_request","message":"Invalid header 'x-query-tags': invalid tags"}}`; got.status != 400 || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestUnauthorizedIsUniform(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos)
	token := s.Query(`Token.create({ document: User.create({}), ttl: Time.now().add(60, "seconds") }).secret`).(string)
	gone := s.Query(`let u = User.create({})
let t = Token.create({ document: u })
u.delete()
t.secret`).(string)
	server := s.Query(`Key.create({ role: "server" }).secret`).(string)
	if a := s.As(token, "1"); a.Status != 200 {
		t.Fatalf("the token does not work: %+v", a)
	}
	wrong := []byte(token)
	wrong[40] ^= 1
	s.Advance(time.Minute + time.Second)
	for name, secret := range map[string]string{
		"none": "", "garbage": "garbage", "wrong": string(wrong), "expired": token, "identity gone": gone,
		"scope not permitted": server + ":admin", "no such role": s.Secret + ":@role/nope", "child database": s.Secret + ":db:admin",
	} {
		for body, text := range map[string]string{"a query": fql("1"), "no query": "{", "a wrong value": `{"query":{"value":5}}`} {
			got := do(t, s.URL, request{secret: secret, body: text})
			const want = `{"error":{"code":"unauthorized","message":"Access token required"}}`
			if got.status != 401 || got.body != want || got.header.Get("Www-Authenticate") != "Bearer" {
				t.Errorf("%s with %s: %d %s", name, body, got.status, got.body)
			}
		}
	}
	if got := do(t, s.URL, request{method: "GET", path: "/authorized", secret: token}); got.status != 401 {
		t.Errorf("/authorized: %d %s", got.status, got.body)
	}
	got := do(t, s.URL, request{method: "GET", path: "/authorized", secret: server})
	if got.status != 200 || !regexp.MustCompile(`^\{"account":"0","global_id":"[^"]+"\}$`).MatchString(got.body) {
		t.Errorf("/authorized: %d %s", got.status, got.body)
	}
}

func TestRoutes(t *testing.T) {
	s := enginetest.New(t)
	tests := []struct {
		method, path string
		status       int
		body         string // part of it
	}{
		{"GET", "/query/1", 405, `"method_not_allowed"`},
		{"GET", "/ping", 200, `{"resource":"Scope write is OK"}`},
		{"GET", "/ping?scope=node&timeout=1", 200, `{"resource":"Scope node is OK"}`},
		{"GET", "/ping?scope=x", 400, "Invalid scope"},
		{"POST", "/ping", 405, `"method_not_allowed"`},
		{"POST", "/stream/1", 400, `Event streams (/stream/1) are not supported by this engine`},
		{"POST", "/feed/1", 400, `Event feeds (/feed/1) are not supported by this engine`},
		{"POST", "/environment/1", 400, `Typing environments (/environment/1) are not supported by this engine`},
		{"POST", "/export/1/tasks", 400, `Data exports (/export/1/tasks) are not supported by this engine`},
		{"POST", "/", 404, `FQL v4 is not supported by this engine`},
		{"GET", "/nope", 404, `"not_found"`},
	}
	for _, tt := range tests {
		got := do(t, s.URL, request{method: tt.method, path: tt.path, secret: s.Secret})
		if got.status != tt.status || !strings.Contains(got.body, tt.body) {
			t.Errorf("%s %s: %d %s", tt.method, tt.path, got.status, got.body)
		}
	}
	if got := do(t, s.URL, request{method: "GET"}); got.header.Get("Allow") != "POST" {
		t.Errorf("Allow = %q", got.header.Get("Allow"))
	}
}

func TestCORSOfTheWirePort(t *testing.T) {
	s := enginetest.New(t)
	got := do(t, s.URL, request{method: "OPTIONS", header: map[string]string{"Origin": "https://any.example"}})
	if got.status != 200 || got.header.Get("Access-Control-Allow-Origin") != "*" ||
		!strings.Contains(got.header.Get("Access-Control-Allow-Headers"), "x-last-txn-ts") {
		t.Errorf("%d %v", got.status, got.header)
	}
	if got := do(t, s.URL, request{method: "OPTIONS"}); got.status != 405 {
		t.Errorf("OPTIONS without Origin: %d", got.status)
	}
	got = do(t, s.URL, request{body: fql("1"), header: map[string]string{"Origin": "https://any.example"}})
	if got.status != 401 || got.header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("an error cannot be read across origins: %d %v", got.status, got.header)
	}
}

func TestBodySize(t *testing.T) {
	s := enginetest.New(t)
	body := fql(`"` + strings.Repeat("x", 8<<20) + `".length`)
	got := do(t, s.URL, request{secret: s.Secret, body: body})
	if want := `{"error":{"code":"request_size_exceeded","message":"Request entity is too large"}}`; got.status != 413 || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
	// Without a length in front.
	req, _ := http.NewRequest("POST", s.URL+"/query/1", io.MultiReader(strings.NewReader(body)))
	req.Header.Set("Authorization", "Bearer "+s.Secret)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("chunked: %d", res.StatusCode)
	}
	if got := do(t, s.URL, request{secret: s.Secret, body: fql(`"` + strings.Repeat("x", 1<<20) + `".length`)}); got.status != 200 {
		t.Errorf("a megabyte: %d %s", got.status, got.body)
	}
}

// TestLastTxnTime: no caller moves the clock.
func TestLastTxnTime(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos)
	at := func(ts time.Time) response {
		return do(t, s.URL, request{secret: s.Secret, body: fql(`Open.create({}).ts`),
			header: map[string]string{"X-Last-Txn-Ts": strconv.FormatInt(ts.UnixMicro(), 10)}})
	}
	year3000 := time.Date(3000, 1, 1, 0, 0, 0, 0, time.UTC)
	got := at(year3000)
	if got.status != 400 || !strings.Contains(got.body, `"code":"invalid_request","message":"Invalid header 'x-last-txn-ts'`) {
		t.Errorf("year 3000: %d %s", got.status, got.body)
	}
	got = at(s.Now())
	if got.status != 200 {
		t.Fatalf("%d %s", got.status, got.body)
	}
	var body struct {
		TxnTS int64 `json:"txn_ts"`
	}
	if err := json.Unmarshal([]byte(got.body), &body); err != nil {
		t.Fatal(err)
	}
	if d := time.UnixMicro(body.TxnTS).Sub(s.Now()); d < 0 || d > time.Second {
		t.Errorf("the clock has moved by %v", d)
	}
}

func TestTimeout(t *testing.T) {
	s := enginetest.New(t)
	got := do(t, s.URL, request{secret: s.Secret, header: map[string]string{"X-Query-Timeout-Ms": "20"},
		body: fql(`Set.sequence(0, 15000).forEach(a => Set.sequence(0, 15000).forEach(b => a * b))`)})
	if want := `{"error":{"code":"time_out","message":"Query timed out"}}`; got.status != 440 || got.body != want {
		t.Errorf("%d %s", got.status, got.body)
	}
}

func TestStats(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos)
	stats := func(query string) map[string]int64 {
		var body struct{ Stats map[string]json.RawMessage }
		got := do(t, s.URL, request{secret: s.Secret, body: fql(query)})
		if err := json.Unmarshal([]byte(got.body), &body); err != nil {
			t.Fatal(err)
		}
		out := map[string]int64{}
		for k, v := range body.Stats {
			out[k], _ = strconv.ParseInt(string(v), 10, 64)
		}
		return out
	}
	pure := stats(`"x".length`)
	for _, k := range []string{"read_ops", "write_ops", "storage_bytes_read", "storage_bytes_write", "contention_retries"} {
		if n, ok := pure[k]; n != 0 || !ok {
			t.Errorf("%s of a pure query is %d", k, n)
		}
	}
	if pure["compute_ops"] < 1 {
		t.Error("no compute_ops")
	}
	if _, ok := pure["processing_time_ms"]; ok {
		t.Error("processing_time_ms belongs to events")
	}
	if w := stats(`Open.create({ x: 1 })`); w["write_ops"] < 1 || w["storage_bytes_write"] < 1 {
		t.Errorf("write: %v", w)
	}
	if r := stats(`Open.all().toArray()`); r["read_ops"] < 1 || r["storage_bytes_read"] < 1 || r["write_ops"] != 0 {
		t.Errorf("read: %v", r)
	}
}

func TestTraceIsContinued(t *testing.T) {
	s := enginetest.New(t)
	const trace = "0af7651916cd43dd8448eb211c80319c"
	got := do(t, s.URL, request{secret: s.Secret, body: fql("1"), header: map[string]string{"Traceparent": "00-" + trace + "-b7ad6b7169203331-01"}})
	if !strings.HasPrefix(got.header.Get("Traceparent"), "00-"+trace+"-") {
		t.Errorf("Traceparent = %q", got.header.Get("Traceparent"))
	}
	got = do(t, s.URL, request{secret: s.Secret, body: fql("1"), header: map[string]string{"Traceparent": "query-traceparent-id"}})
	if got.status != 200 {
		t.Errorf("a malformed Traceparent is an error: %d", got.status)
	}
}

func TestOpenRefuses(t *testing.T) {
	dir := t.TempDir()
	for name, o := range map[string]engine.Options{
		"no secret": {Memory: true},
		"neither":   {RootSecret: "x"},
		"both":      {RootSecret: "x", Dir: dir, Memory: true},
	} {
		if e, err := engine.Open(o); err == nil {
			e.Close()
			t.Errorf("%s: opened", name)
		}
	}
}

// TestReopen: documents, schema and secrets are there again after a restart.
func TestReopen(t *testing.T) {
	dir := t.TempDir()
	onDisk := func(o *engine.Options) { o.Memory, o.Dir = false, dir }
	var secret, before string
	t.Run("first", func(t *testing.T) {
		s := enginetest.New(t, onDisk)
		s.Push(todos, `role reader { membership User; privileges Todo { read } }`)
		s.Query(`Todo.create({ title: "stays" })`)
		secret = s.Query(`Token.create({ document: User.create({}) }).secret`).(string)
		before = s.Dump()
	})
	t.Run("second", func(t *testing.T) {
		s := enginetest.New(t, onDisk)
		if after := s.Dump(); after != before {
			t.Errorf("was\n%s\nis\n%s", before, after)
		}
		a := s.As(secret, `Todo.byTitle("stays").first()!.title`)
		if a.Status != 200 || a.Data != "stays" {
			t.Errorf("with the old secret: %+v", a)
		}
		s.Push(todos, `role reader { membership User; privileges Todo { read } }`) // changes nothing
		if a := fmt.Sprint(s.Query(`Todo.all().count()`)); a != "1" {
			t.Errorf("count = %s", a)
		}
	})
}

// TestContention: with one attempt each, writers of one document lose to each other, and
// what was answered with 200 has happened.
func TestContention(t *testing.T) {
	s := enginetest.New(t)
	s.Push(todos)
	s.Query(`Open.create({ id: "1", n: 0 })`)
	var won, lost atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 25 {
				got := do(t, s.URL, request{secret: s.Secret, header: map[string]string{"X-Max-Contention-Retries": "0"},
					body: fql(`let d: Any = Open.byId("1")
Set.sequence(0, 200).forEach(n => n)
d.update({ n: d.n + 1 })`)})
				switch {
				case got.status == 200:
					won.Add(1)
				case got.status == 409 && strings.Contains(got.body, `"code":"contended_transaction"`) &&
					strings.Contains(got.body, "Transaction was aborted due to detection of concurrent modification"):
					lost.Add(1)
				default:
					t.Errorf("%d %s", got.status, got.body)
				}
			}
		})
	}
	wg.Wait()
	if n := fmt.Sprint(s.Query(`Open.byId("1")!.n`)); n != fmt.Sprint(won.Load()) {
		t.Errorf("n = %s after %d answers of 200", n, won.Load())
	}
	t.Logf("%d won, %d lost", won.Load(), lost.Load())
}

// TestPush: the in-process push of an administrator.
func TestPush(t *testing.T) {
	s := enginetest.New(t)
	ctx := context.Background()
	first, err := s.Engine.Push(ctx, engine.File{Name: "a.fsl", Content: "collection A {}"}, engine.File{Name: "b.fsl", Content: "collection B {}"})
	if err != nil || first < s.Now().UnixMicro() {
		t.Fatalf("%d, %v", first, err)
	}
	if again, err := s.Engine.Push(ctx, engine.File{Name: "a.fsl", Content: "collection A {}"}); again != first || err != nil {
		t.Errorf("nothing new: %d, %v, want %d", again, err, first)
	}
	if next, err := s.Engine.Push(ctx, engine.File{Name: "a.fsl", Content: "collection A2 {}"}); next <= first || err != nil {
		t.Errorf("a change: %d, %v", next, err)
	}
	s.Query(`[A2.all(), B.all()]`)
	if _, err := s.Engine.Push(ctx, engine.File{Name: "c.fsl", Content: "collection {"}); err == nil || !strings.Contains(err.Error(), "at *c.fsl*:1:") {
		t.Errorf("err = %v", err)
	}
	if st := s.Engine.Stats(); st.Commits < 2 {
		t.Errorf("stats %+v", st)
	}
}

func BenchmarkQuery(b *testing.B) {
	e, err := engine.Open(engine.Options{Memory: true, RootSecret: "x", Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	defer e.Close()
	client := http.Client{Transport: e.Transport()}
	body := fql("1 + 1")
	b.ReportAllocs()
	for b.Loop() {
		req, _ := http.NewRequest("POST", "http://engine/query/1", strings.NewReader(body))
		req.Header.Set("Authorization", "Bearer x")
		res, err := client.Do(req)
		if err != nil || res.StatusCode != 200 {
			b.Fatal(res, err)
		}
		res.Body.Close()
	}
}
