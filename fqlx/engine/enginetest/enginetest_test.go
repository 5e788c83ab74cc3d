package enginetest_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/engine/enginetest"
)

func TestServer(t *testing.T) {
	s := enginetest.New(t)
	s.Push(`collection Todo { title: String }`)
	before := s.Dump()
	if before != "" {
		t.Errorf("an empty database dumps as %q", before)
	}
	s.Query(`Todo.create({ id: "1", title: "sleep", ttl: Time.now().add(1, "hour") })`)
	if dump := s.Dump(); !strings.HasPrefix(dump, `Todo {"coll":"Todo","id":"1",`) || strings.Count(dump, "\n") != 1 {
		t.Errorf("dump %q", dump)
	}
	a := s.As("wrong", `1`)
	if a.Status != 401 || a.Error.Code != "unauthorized" {
		t.Errorf("%+v", a)
	}
	if a := s.As(s.Secret, `1 +`); a.Status != 400 || a.Error.Code != "invalid_query" || a.Summary == "" {
		t.Errorf("%+v", a)
	}
	if a := s.Public(s.Secret, `1`); a.Status != 401 {
		t.Errorf("%+v", a)
	}
	s.Push(`collection Todo { title: String }; collection Other {}`)
	s.Query(`Other.all()`)
}

// TestClock: time passes when the test says so, and only then.
func TestClock(t *testing.T) {
	s := enginetest.New(t)
	s.Push(`collection Todo {}`)
	start := s.Now()
	if got := fmt.Sprint(s.Query(`Time.now().difference(Time("` + start.Format(time.RFC3339) + `"), "seconds")`)); got != "0" {
		t.Errorf("the engine's clock is %s s off", got)
	}
	s.Query(`Todo.create({ ttl: Time.now().add(1, "hour") })`)
	s.Advance(59 * time.Minute)
	if got := fmt.Sprint(s.Query(`Todo.all().count()`)); got != "1" {
		t.Errorf("after 59 minutes: %s", got)
	}
	s.Advance(2 * time.Minute)
	if got := fmt.Sprint(s.Query(`Todo.all().count()`)); got != "0" {
		t.Errorf("after 61 minutes: %s", got)
	}
	if got := s.Now().Sub(start); got != 61*time.Minute {
		t.Errorf("the clock moved by %v", got)
	}
}
