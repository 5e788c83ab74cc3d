package engine

import "net/http"

// What a browser may send and read across origins: the drivers' headers.
const (
	allowedHeaders = "authorization, content-type, traceparent, x-driver, x-driver-env, x-format, x-last-txn-ts, " +
		"x-linearized, x-max-contention-retries, x-performance-hints, x-query-tags, x-query-timeout-ms, " +
		"x-trace-secret, x-typecheck"
	exposedHeaders   = "traceparent, www-authenticate, retry-after"
	preflightSeconds = "7200" // no browser keeps it longer
)

// PublicHandler returns what single-page apps may reach: POST /query/1, and nothing else.
// Secrets that belong on a server (the root secret and keys of the roles admin, server,
// server-readonly and token_exchange) are unknown here, whatever scope is asked of them,
// and a query may take 10 seconds at most. Pages of the origins that Options.AllowOrigin
// accepts may call it.
func (e *Engine) PublicHandler() http.Handler {
	return e.guard(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/query/1" {
			writeProtocolError(w, errNotFound, "")
			return
		}
		h := w.Header()
		h.Add("Vary", "Origin")
		origin := r.Header.Get("Origin")
		allowed := origin != "" && e.allowOrigin(origin)
		if allowed {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", exposedHeaders)
		}
		if r.Method != http.MethodOptions {
			e.serveQuery(w, r, true)
			return
		}
		if allowed {
			h.Set("Access-Control-Allow-Methods", "POST")
			h.Set("Access-Control-Allow-Headers", allowedHeaders)
			h.Set("Access-Control-Max-Age", preflightSeconds)
		}
		w.WriteHeader(http.StatusNoContent)
	})
}
