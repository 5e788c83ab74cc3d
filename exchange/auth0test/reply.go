package auth0test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// maxBody is the largest request body, in bytes.
const maxBody = 1 << 20

// oauthError is an error answer as Auth0 gives it (RFC 6749 §5.2, other statuses).
type oauthError struct {
	status      int
	Code        string `json:"error"`
	Description string `json:"error_description"`
}

func refuse(status int, code, description string) *oauthError {
	return &oauthError{status, code, description}
}

func missing(parameter string) *oauthError {
	return refuse(http.StatusBadRequest, "invalid_request", "Missing required parameter: "+parameter)
}

func writeError(w http.ResponseWriter, e *oauthError) { writeJSON(w, e.status, e) }

// writeJSON answers with v. Unless the handler said otherwise nobody may store the answer.
func writeJSON(w http.ResponseWriter, status int, v any) {
	h := w.Header()
	h.Set("Content-Type", "application/json; charset=utf-8")
	h.Set("X-Content-Type-Options", "nosniff")
	if h.Get("Cache-Control") == "" {
		h.Set("Cache-Control", "no-store")
	}
	w.WriteHeader(status)
	w.Write(encode(v))
}

// encode is JSON as browsers and shells like it: no \u003c for <.
func encode(v any) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic("auth0test: encoding an answer: " + err.Error())
	}
	return b.Bytes()
}

// routes maps path → method → handler. What is not in it is refused by name: a test that
// reaches something new must fail loudly.
type routes map[string]map[string]http.HandlerFunc

func (rt routes) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	methods, ok := rt[r.URL.Path]
	if !ok {
		writeError(w, refuse(http.StatusNotImplemented, "not_imitated",
			"this path of Auth0 is not imitated: "+r.Method+" "+r.URL.Path))
		return
	}
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}
	handler, ok := methods[method]
	if !ok {
		allowed := make([]string, 0, len(methods))
		for m := range methods {
			allowed = append(allowed, m)
		}
		slices.Sort(allowed)
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		writeError(w, refuse(http.StatusMethodNotAllowed, "invalid_request", "method not allowed: "+r.Method))
		return
	}
	handler(w, r)
}
