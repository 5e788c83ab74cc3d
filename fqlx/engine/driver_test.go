package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fauna/fauna-go/v3"

	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

// The driver as it is, against the engine over a socket and in process.

func connect(s *enginetest.Server, secret string, more ...fauna.ClientConfigFn) *fauna.Client {
	return fauna.NewClient(secret, fauna.DefaultTimeouts(), append([]fauna.ClientConfigFn{fauna.URL(s.URL)}, more...)...)
}

func query(t *testing.T, c *fauna.Client, text string, args map[string]any, opts ...fauna.QueryOptFn) *fauna.QuerySuccess {
	t.Helper()
	q, err := fauna.FQL(text, args)
	if err != nil {
		t.Fatal(err)
	}
	res, err := c.Query(q, opts...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return res
}

type person struct {
	Name    string `fauna:"name"`
	Address string `fauna:"address"`
}

func TestDriver(t *testing.T) {
	s := enginetest.New(t)
	s.Push("collection Person {}\ncollection Paged { value: Int }")
	inProcess := fauna.HTTPClient(&http.Client{Transport: s.Engine.Transport()})
	for name, c := range map[string]*fauna.Client{
		"socket":     connect(s, s.Secret),
		"in process": fauna.NewClient(s.Secret, fauna.DefaultTimeouts(), inProcess, fauna.URL("http://engine.invalid")),
	} {
		t.Run(name, func(t *testing.T) {
			t.Run("values", func(t *testing.T) { driverValues(t, c) })
			t.Run("crud", func(t *testing.T) { driverCRUD(t, c) })
			t.Run("pages", func(t *testing.T) { driverPages(t, c) })
			t.Run("errors", func(t *testing.T) { driverErrors(t, c) })
		})
	}
}

func driverValues(t *testing.T, c *fauna.Client) {
	res := query(t, c, `${arg0}.length`, map[string]any{"arg0": "Accra"})
	if res.Data != int64(5) || res.TxnTime == 0 || res.SchemaVersion == 0 {
		t.Errorf("%+v", res)
	}
	if s := res.Stats; s.ComputeOps < 1 || s.ReadOps+s.WriteOps+s.StorageBytesRead+s.StorageBytesWrite+s.ContentionRetries != 0 || s.ProcessingTimeMs != nil {
		t.Errorf("stats %+v", s)
	}
	if got := query(t, c, `Math.abs(-5.123e3)`, nil, fauna.Timeout(time.Second)).Data; got != 5123.0 {
		t.Errorf("abs = %v", got)
	}
	inner, _ := fauna.FQL(`2 + 2`, nil)
	if got := query(t, c, `${num} + ${x}["value"]`, map[string]any{"num": inner, "x": map[string]any{"value": 3}}).Data; got != int64(7) {
		t.Errorf("spliced = %v", got)
	}
	now := time.Date(2026, 1, 2, 3, 4, 5, 6000, time.UTC)
	var back struct {
		Time  time.Time `fauna:"t"`
		Bytes []byte    `fauna:"b"`
		Big   int64     `fauna:"big"`
		At    string    `fauna:"@int"`
	}
	res = query(t, c, `${v}`, map[string]any{"v": map[string]any{"t": now, "b": []byte("xyz"), "big": int64(1) << 40, "@int": "escaped"}})
	if err := res.Unmarshal(&back); err != nil {
		t.Fatal(err)
	}
	if !back.Time.Equal(now) || string(back.Bytes) != "xyz" || back.Big != 1<<40 || back.At != "escaped" {
		t.Errorf("came back as %+v", back)
	}
	if a, ok := query(t, c, `[1,2,3,4]`, nil).Data.([]any); !ok || len(a) != 4 {
		t.Errorf("array = %v", a)
	}
}

func driverCRUD(t *testing.T, c *fauna.Client) {
	args := map[string]any{
		"coll": &fauna.Module{Name: "Person"},
		"p":    person{"Ada " + t.Name(), "123 Range Road"},
		"name": "Ada " + t.Name(),
		"a":    "321 Range Road",
	}
	created := query(t, c, `${coll}.create(${p})`, args)
	doc, ok := created.Data.(*fauna.Document)
	if !ok || doc.ID == "" || doc.Coll.Name != "Person" || doc.TS == nil || doc.TS.UnixMicro() != created.TxnTime {
		t.Fatalf("%#v", created.Data)
	}
	if created.Stats.WriteOps < 1 || created.Stats.StorageBytesWrite < 1 {
		t.Errorf("stats %+v", created.Stats)
	}
	var p person
	if err := query(t, c, `${coll}.all().firstWhere(.name == ${name})`, args).Unmarshal(&p); err != nil || p.Address != "123 Range Road" {
		t.Errorf("%+v, %v", p, err)
	}
	if err := query(t, c, `${coll}.all().firstWhere(.name == ${name}).update({ address: ${a} })`, args).Unmarshal(&p); err != nil || p.Address != "321 Range Road" {
		t.Errorf("%+v, %v", p, err)
	}
	query(t, c, `${coll}.all().firstWhere(.name == ${name}).delete()`, args)
	res := query(t, c, `${coll}.byId(${id})`, map[string]any{"coll": args["coll"], "id": doc.ID})
	if null, ok := res.Data.(*fauna.NullDocument); !ok || null.Cause != "not found" {
		t.Errorf("after the delete: %#v", res.Data)
	}
	if got := query(t, c, `${d} == null`, map[string]any{"d": &fauna.Ref{ID: doc.ID, Coll: doc.Coll}}).Data; got != true {
		t.Errorf("a reference sent back: %v", got)
	}
}

func driverPages(t *testing.T, c *fauna.Client) {
	query(t, c, `Paged.all().forEach(.delete())`, nil)
	query(t, c, `Set.sequence(0, 50).forEach(n => Paged.create({ value: n }))`, nil)
	q, _ := fauna.FQL(`Paged.all()`, nil)
	var values []int
	pages := 0
	for it := c.Paginate(q); it.HasNext(); pages++ {
		page, err := it.Next()
		if err != nil {
			t.Fatal(err)
		}
		var items []struct {
			Value int `fauna:"value"`
		}
		if err := page.Unmarshal(&items); err != nil {
			t.Fatal(err)
		}
		for _, i := range items {
			values = append(values, i.Value)
		}
	}
	if pages != 4 || len(values) != 50 {
		t.Errorf("%d values on %d pages", len(values), pages)
	}
	for i, v := range values {
		if v != i {
			t.Fatalf("value %d is %d", i, v)
		}
	}
}

func driverErrors(t *testing.T, c *fauna.Client) {
	fails := func(text string, args map[string]any, opts ...fauna.QueryOptFn) error {
		t.Helper()
		q, err := fauna.FQL(text, args)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.Query(q, opts...)
		if err == nil {
			t.Fatalf("%s succeeded", text)
		}
		return err
	}
	var check *fauna.ErrQueryCheck
	if err := fails(`1 +`, nil); !errors.As(err, &check) || check.Code != "invalid_query" || !strings.Contains(check.Error(), "at *query*:1:") {
		t.Errorf("%T %v", err, err)
	}
	var runtime *fauna.ErrQueryRuntime
	err := fails(`Paged.create({ value: "x" })`, nil)
	if !errors.As(err, &runtime) || len(runtime.ConstraintFailures) != 1 || runtime.ConstraintFailures[0].Message != "Expected Int, provided String" {
		t.Errorf("%T %v", err, err)
	}
	if paths := fmt.Sprint(runtime.ConstraintFailures[0].Paths); paths != "[[value]]" {
		t.Errorf("paths = %s", paths)
	}
	var abort *fauna.ErrAbort
	err = fails(`abort({ msg: "foo", aborted_at: Time("2023-02-28T18:10:10.00001Z") })`, nil)
	var detail struct {
		Msg string    `fauna:"msg"`
		At  time.Time `fauna:"aborted_at"`
	}
	if !errors.As(err, &abort) || abort.Unmarshal(&detail) != nil || detail.Msg != "foo" || detail.At.Nanosecond() != 10000 {
		t.Errorf("%T %v: %+v", err, err, detail)
	}
	var invalid *fauna.ErrInvalidRequest
	if err := fails(`Person.byId("1")!.name`, nil); !errors.As(err, &invalid) || invalid.Code != "document_not_found" {
		t.Errorf("%T %v", err, err)
	}
}

func TestDriverOptions(t *testing.T) {
	s := enginetest.New(t)
	c := connect(s, s.Secret, fauna.Linearized(true), fauna.MaxContentionRetries(1), fauna.DefaultTypecheck(true),
		fauna.QueryTags(map[string]string{"hero": "Wolverine"}))
	res := query(t, c, `2 + 2`, nil, fauna.Traceparent("query-traceparent-id"), fauna.Tags(map[string]string{"team": "X_Men"}), fauna.Timeout(time.Minute))
	if fmt.Sprint(res.QueryTags) != "map[hero:Wolverine team:X_Men]" {
		t.Errorf("tags %v", res.QueryTags)
	}
	q, _ := fauna.FQL(`1`, nil)
	bad := connect(s, s.Secret, fauna.QueryTags(map[string]string{"hello": "world", "what": "are=you,doing?"}))
	var invalid *fauna.ErrInvalidRequest
	if _, err := bad.Query(q); !errors.As(err, &invalid) {
		t.Errorf("%T %v", err, err)
	}
}

func TestDriverSecrets(t *testing.T) {
	s := enginetest.New(t)
	s.Push(`collection User {}; role member { membership User; privileges User { read { predicate (u => u == Query.identity()) } } }`)
	c := connect(s, s.Secret)
	var made struct {
		Secret string `fauna:"secret"`
		User   string `fauna:"user"`
	}
	if err := query(t, c, `let u = User.create({ name: "me" })
let t = Token.create({ document: u, ttl: Time.now().add(60, "seconds") })
{ secret: t.secret, user: u.id }`, nil).Unmarshal(&made); err != nil {
		t.Fatal(err)
	}
	me := connect(s, made.Secret)
	if got := query(t, me, `Query.identity()!.name`, nil).Data; got != "me" {
		t.Errorf("name = %v", got)
	}
	var invalid *fauna.ErrInvalidRequest
	q, _ := fauna.FQL(`User.create({})`, nil)
	if _, err := me.Query(q); !errors.As(err, &invalid) || invalid.Code != "permission_denied" || invalid.StatusCode != 400 {
		t.Errorf("%T %v", err, err)
	}
	s.Advance(time.Minute + time.Second)
	var auth *fauna.ErrAuthentication
	if _, err := me.Query(q); !errors.As(err, &auth) || auth.Message != "Access token required" {
		t.Errorf("after the ttl: %T %v", err, err)
	}
}

func TestDriverTimeout(t *testing.T) {
	s := enginetest.New(t)
	c := connect(s, s.Secret)
	heavy, _ := fauna.FQL(`Set.sequence(0, 15000).forEach(a => Set.sequence(0, 15000).forEach(b => a * b))`, nil)
	var timeout *fauna.ErrQueryTimeout
	if _, err := c.Query(heavy, fauna.Timeout(20*time.Millisecond)); !errors.As(err, &timeout) || timeout.Code != "time_out" {
		t.Errorf("%T %v", err, err)
	}
}

// TestTransportContext: in process too, a query ends with its context.
func TestTransportContext(t *testing.T) {
	s := enginetest.New(t)
	client := http.Client{Transport: s.Engine.Transport()}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	post := func(ctx context.Context, query string) (*http.Response, error) {
		req, err := http.NewRequestWithContext(ctx, "POST", "http://engine/query/1", strings.NewReader(fql(query)))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.Secret)
		return client.Do(req)
	}
	_, err := post(ctx, `Set.sequence(0, 15000).forEach(a => Set.sequence(0, 15000).forEach(b => a * b))`)
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("err = %v", err)
	}
	if _, err := post(ctx, `1`); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a context that has ended: %v", err)
	}
	res, err := post(context.Background(), `1`)
	if err != nil || res.StatusCode != 200 || res.ContentLength < 1 || res.Status != "200 OK" {
		t.Errorf("%+v, %v", res, err)
	}
}
