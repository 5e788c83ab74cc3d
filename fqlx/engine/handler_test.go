package engine

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

// TestPanic: a bug of ours is a 500 whose id finds the cause in the log, and only there.
func TestPanic(t *testing.T) {
	var log bytes.Buffer
	e := &Engine{log: slog.New(slog.NewJSONHandler(&log, nil))}
	h := e.guard(func(http.ResponseWriter, *http.Request) { panic("the reason") })
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest("POST", "/query/1", nil))
	body := w.Body.String()
	m := regexp.MustCompile(`^\{"error":\{"code":"internal_error","message":"Internal error ([0-9a-f]{16}): [^"]*"\}\}$`).FindStringSubmatch(body)
	if w.Code != 500 || m == nil {
		t.Fatalf("%d %s", w.Code, body)
	}
	if strings.Contains(body, "reason") || !strings.Contains(log.String(), m[1]) || !strings.Contains(log.String(), "the reason") {
		t.Errorf("answer %s\nlog %s", body, log.String())
	}
	defer func() {
		if recover() != http.ErrAbortHandler {
			t.Error("ErrAbortHandler is not for us")
		}
	}()
	e.guard(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }).ServeHTTP(w, httptest.NewRequest("POST", "/", nil))
}
