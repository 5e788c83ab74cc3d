package eval

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The language files, testdata/fql/*.fql, hold queries with what comes of them:
//
//	let x = 1
//	x + 1            //= 2
//	1 / 0            //! divide_by_zero "integer division"
//	// schema: collection User { *: Any }
//	User.all()       //= {"@set":{"data":[]}}
//
// A query is the lines up to the one with the expectation. What stands behind `//=` is an
// FQL expression, whose value must be the result, kind of number and order of fields
// included; or, if it begins with `{"@`, a result as it is sent. Behind `//!` stands the code
// of the error and a regular expression for its message, or for its summary where that is
// longer; a text that does not parse or resolve has the code invalid_query.
//
// Lines of `---` separate chunks, which know nothing of each other. A file whose first
// chunk begins with `// schema:` has a schema.
type languageFile struct {
	name   string
	schema string
	chunks [][]languageCase
}

type languageCase struct {
	line  int // where the query begins
	query string
	want  string // behind //=
	code  string // behind //!
	match *regexp.Regexp
}

func languageFiles(tb testing.TB) []languageFile {
	tb.Helper()
	names, err := filepath.Glob("../../../testdata/fql/*.fql")
	if err != nil || len(names) == 0 {
		tb.Fatalf("no language files: %v", err)
	}
	var files []languageFile
	for _, name := range names {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		files = append(files, readLanguageFile(tb, filepath.Base(name), string(text)))
	}
	return files
}

func readLanguageFile(tb testing.TB, name, text string) languageFile {
	f := languageFile{name: strings.TrimSuffix(name, ".fql")}
	if head, rest, ok := strings.Cut(text, "\n---\n"); ok && strings.HasPrefix(head, "// schema:") {
		f.schema = strings.TrimPrefix(head, "// schema:")
		text = strings.Repeat("\n", strings.Count(head, "\n")+2) + rest // keeps the line numbers
	}
	var chunk []languageCase
	var query []string
	begin := 1
	for i, line := range strings.Split(text, "\n") {
		c, ok := readExpectation(tb, name, i+1, &line)
		query = append(query, line)
		switch {
		case ok:
			c.line, c.query = begin, strings.Join(query, "\n")
			chunk = append(chunk, c)
			query, begin = nil, i+2
		case strings.TrimSpace(line) == "---":
			f.chunks = append(f.chunks, chunk)
			chunk, query, begin = nil, nil, i+2
		case strings.TrimSpace(line) == "" && len(query) == 1:
			query, begin = nil, i+2
		}
	}
	for _, line := range query {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
			tb.Fatalf("%s:%d: a query without an expectation", name, begin)
		}
	}
	f.chunks = append(f.chunks, chunk)
	return f
}

var expectation = regexp.MustCompile(`^(.*?)//(=|!) (.*)$`)
var expectedError = regexp.MustCompile(`^([a-z_]+)(?: "(.*)")?$`)

// readExpectation cuts the expectation off a line.
func readExpectation(tb testing.TB, name string, n int, line *string) (c languageCase, ok bool) {
	m := expectation.FindStringSubmatch(*line)
	if m == nil {
		return c, false
	}
	*line = m[1]
	if m[2] == "=" {
		c.want = m[3]
		return c, true
	}
	e := expectedError.FindStringSubmatch(strings.TrimSpace(m[3]))
	if e == nil {
		tb.Fatalf("%s:%d: cannot read %q", name, n, m[3])
	}
	c.code = e[1]
	re, err := regexp.Compile(e[2])
	if err != nil {
		tb.Fatalf("%s:%d: %v", name, n, err)
	}
	c.match = re
	return c, true
}

// outcome is what came of a query: its result as it is sent, or how it failed.
type outcome struct {
	result  string
	summary string
	err     error
}

// TestLanguage runs the files against databases in memory, one for each chunk.
func TestLanguage(t *testing.T) {
	for _, f := range languageFiles(t) {
		t.Run(f.name, func(t *testing.T) {
			for _, chunk := range f.chunks {
				db := newTestDB(t, f.schema)
				for _, c := range chunk {
					checkLanguage(t, f.name, c, runQuery(t.Context(), db.Database, c.query))
				}
			}
		})
	}
}

func runQuery(ctx context.Context, db *Database, src string) outcome {
	res, err := db.Query(ctx, &Request{Text: src, Secret: rootSecret})
	out := outcome{err: err}
	if res != nil {
		out.summary = res.Summary
		if err == nil {
			out.result = string(value.AppendJSON(nil, res.Data, value.Tagged))
		}
	}
	return out
}

// checkLanguage compares what came of a query with what was expected.
func checkLanguage(t *testing.T, file string, c languageCase, got outcome) {
	t.Helper()
	at := fmt.Sprintf("%s.fql:%d: %s", file, c.line, strings.TrimSpace(c.query))
	var failed *Error
	switch {
	case got.err != nil && !errors.As(got.err, &failed):
		t.Errorf("%s\nfailed: %v", at, got.err)
	case c.code == "" && got.err != nil:
		t.Errorf("%s\nfailed with %v\n%s\nwant %s", at, failed, got.summary, c.want)
	case c.code != "" && got.err == nil:
		t.Errorf("%s\ngot %s\nwant the error %s %s", at, got.result, c.code, c.match)
	case c.code != "":
		if failed.Code != c.code || !c.match.MatchString(failed.Message) && !c.match.MatchString(got.summary) {
			t.Errorf("%s\nfailed with %v\n%s\nwant the error %s %s", at, failed, got.summary, c.code, c.match)
		}
	default:
		if want := wantedResult(t, at, c.want); got.result != want {
			t.Errorf("%s\ngot  %s\nwant %s", at, got.result, want)
		}
	}
}

func wantedResult(t *testing.T, at, want string) string {
	if strings.HasPrefix(want, `{"@`) {
		var b bytes.Buffer
		if err := json.Compact(&b, []byte(want)); err != nil {
			t.Errorf("%s\nwhat is wanted is no JSON: %v", at, err)
		}
		return b.String()
	}
	out, err := runPure(newPure(Limits{}), want)
	if err != nil {
		t.Errorf("%s\nwhat is wanted fails: %v", at, err)
	}
	return out
}

// pureNow is the time of every pure query.
var pureNow = time.Date(2024, 5, 1, 10, 0, 0, 123456000, time.UTC)

// newPure returns an evaluator without a database.
func newPure(l Limits) *evaluator {
	return &evaluator{
		ctx:    context.Background(),
		schema: &schema.Schema{},
		now:    value.NewTime(pureNow),
		limit:  resolve.Write,
		budget: newBudget(l),
	}
}

// prepare parses and resolves a query.
func prepare(src string) (*syntax.Query, *Error) {
	q, errs := syntax.ParseQuery(src)
	if len(errs) == 0 {
		err := resolve.Query(q)
		if err == nil {
			return q, nil
		}
		errs = []*syntax.Error{err}
	}
	e := errorf("invalid_query", "%s", errs[0].Msg)
	return nil, e.at(errs[0].Span, schema.Source{Name: queryName, Text: src})
}

// runPure runs a query and returns its result as it is sent, in the tagged format.
func runPure(ev *evaluator, src string) (string, error) {
	q, failed := prepare(src)
	if failed != nil {
		return "", failed
	}
	v, err := ev.run(q)
	if err != nil {
		return "", err
	}
	return string(value.AppendJSON(nil, sendable(v), value.Tagged)), nil
}

// sendable returns v with functions as what clients see of them.
func sendable(v value.Value) value.Value {
	switch v := v.(type) {
	case function:
		return value.String(v.String())
	case value.Array:
		out := make(value.Array, len(v))
		for i, e := range v {
			out[i] = sendable(e)
		}
		return out
	case *value.Object:
		fields := make([]value.Field, v.Len())
		for i, f := range v.Fields() {
			fields[i] = value.Field{Name: f.Name, Value: sendable(f.Value)}
		}
		return value.NewObject(fields...)
	}
	return v
}
