package engine

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
)

// maxBody is the largest request that is read (Fauna: HttpServer.MaxRequestSize).
const maxBody = 8 << 20

// Handler returns Fauna's whole wire port: queries, schema management and health checks.
// It is for drivers, tools and administrators. What it lacks it refuses by name.
//
// Any origin may use it from a browser, as with Fauna: nothing is permitted without a
// secret, and browsers send none on their own.
func (e *Engine) Handler() http.Handler {
	return e.guard(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Origin") != "" {
			w.Header().Set("Access-Control-Allow-Origin", "*")
			w.Header().Set("Access-Control-Expose-Headers", exposedHeaders)
			if r.Method == http.MethodOptions {
				w.Header().Set("Access-Control-Allow-Methods", "GET, POST, OPTIONS")
				w.Header().Set("Access-Control-Allow-Headers", allowedHeaders)
				w.Header().Set("Access-Control-Max-Age", preflightSeconds)
				w.WriteHeader(http.StatusOK)
				return
			}
		}
		e.route(w, r)
	})
}

func (e *Engine) route(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	switch {
	case path == "/query/1":
		e.serveQuery(w, r, false)
	case strings.HasPrefix(path, "/schema/1/"):
		e.serveSchema(w, r, strings.TrimPrefix(path, "/schema/1/"))
	case path == "/ping":
		e.servePing(w, r)
	case path == "/authorized":
		e.serveAuthorized(w, r)
	case path == "/":
		writeProtocolError(w, &protocolError{http.StatusNotFound, "not_found",
			"FQL v4 is not supported by this engine: queries go to /query/1"}, "")
	default:
		if feature := unsupportedFeature(path); feature != "" {
			writeProtocolError(w, invalidRequest(feature+" ("+path+") are not supported by this engine"), "")
			return
		}
		writeProtocolError(w, errNotFound, "")
	}
}

// unsupportedFeature names what Fauna has at path and this engine has not.
func unsupportedFeature(path string) string {
	root, _, _ := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	switch root {
	case "stream":
		return "Event streams"
	case "feed":
		return "Event feeds"
	case "environment":
		return "Typing environments"
	case "export":
		return "Data exports"
	}
	return ""
}

// guard wraps what every listener does: it answers Traceparent and turns a panic into a 500.
func (e *Engine) guard(serve http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			switch p := recover(); p {
			case nil:
			case http.ErrAbortHandler:
				panic(p)
			default:
				e.internalError(w, fmt.Errorf("panic: %v\n%s", p, debug.Stack()), "")
			}
		}()
		w.Header().Set("Traceparent", traceparent(r.Header.Get("Traceparent")))
		serve(w, r)
	})
}

// internalError answers 500 with an id that finds the error in the log. What went wrong is
// not for the client.
func (e *Engine) internalError(w http.ResponseWriter, err error, tags string) {
	id := randomID()
	e.log.Error("internal error", "id", id, "err", err)
	writeProtocolError(w, &protocolError{http.StatusInternalServerError, "internal_error",
		"Internal error " + id + ": the log of the engine has more under this id"}, tags)
}

// allow answers 405 unless the method is one of methods.
func allow(w http.ResponseWriter, r *http.Request, methods ...string) bool {
	if slices.Contains(methods, r.Method) {
		return true
	}
	w.Header().Set("Allow", strings.Join(methods, ", "))
	writeProtocolError(w, errMethodNotAllowed, "")
	return false
}

// readBody reads the body of a request, of at most maxBody.
func readBody(w http.ResponseWriter, r *http.Request) ([]byte, error) {
	if r.ContentLength > maxBody {
		return nil, errTooLarge
	}
	// A length is only claimed: memory for much of it is taken as it arrives.
	var b bytes.Buffer
	b.Grow(int(min(max(r.ContentLength, 0), 64<<10)) + bytes.MinRead)
	_, err := b.ReadFrom(http.MaxBytesReader(w, r.Body, maxBody))
	if _, tooLarge := errors.AsType[*http.MaxBytesError](err); tooLarge {
		return nil, errTooLarge
	}
	if err != nil {
		return nil, invalidRequest("Invalid request body: it ended too early")
	}
	return b.Bytes(), nil
}

// pingScopes are the depths of a health check. One machine has but one depth.
var pingScopes = []string{"node", "read", "local", "write", "global", "all"}

func (e *Engine) servePing(w http.ResponseWriter, r *http.Request) {
	if !allow(w, r, http.MethodGet, http.MethodHead) {
		return
	}
	scope := r.URL.Query().Get("scope")
	if scope == "" {
		scope = "write"
	}
	if !slices.Contains(pingScopes, scope) {
		writeProtocolError(w, invalidRequest("Invalid scope"), "")
		return
	}
	writeJSON(w, http.StatusOK, []byte(`{"resource":"Scope `+scope+` is OK"}`))
}

func (e *Engine) serveAuthorized(w http.ResponseWriter, r *http.Request) {
	if _, err := e.db.Authenticate(r.Context(), readSecret(r.Header), false); err != nil {
		e.fail(w, err, "")
		return
	}
	b := append([]byte(nil), `{"account":"0","global_id":"`...)
	b = strconv.AppendUint(b, e.db.GlobalID(), 36)
	writeJSON(w, http.StatusOK, append(b, `"}`...))
}
