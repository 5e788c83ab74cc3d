package auth0test

import (
	"net"
	"net/http"
	"strings"
	"sync"
)

// Mode is what is wrong with the key set.
type Mode int

// The ways in which fetching /.well-known/jwks.json can go wrong.
const (
	None            Mode = iota // nothing
	Down                        // the connection is closed without an answer
	TooManyRequests             // 429 with a JSON body, as Auth0's rate limit answers
	ServerError                 // 500
	HTML                        // 200 with a web page
	EmptySet                    // 200 {"keys":[]}
	Slow                        // 200, the first bytes, then nothing until the mode changes or the caller gives up
	Huge                        // 200 with the true keys in 8 MiB
	Redirect                    // 302 to another host (127.0.0.1 for localhost and the reverse), which has the true keys
)

// faults breaks the key set on demand and counts its fetches.
type faults struct {
	mu      sync.Mutex
	mode    Mode
	changed chan struct{} // closed when mode changes
	fetches int
}

// Fail breaks the key set, or repairs it with [None], from the next fetch on.
func (t *Tenant) Fail(mode Mode) {
	f := &t.faults
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.changed != nil {
		close(f.changed)
	}
	f.mode, f.changed = mode, make(chan struct{})
}

// Fetches is how often the key set was asked for, failed fetches included.
func (t *Tenant) Fetches() int {
	t.faults.mu.Lock()
	defer t.faults.mu.Unlock()
	return t.faults.fetches
}

// strike counts a fetch and answers it if something is to be wrong with it.
func (f *faults) strike(w http.ResponseWriter, r *http.Request, keys func() []jwk) bool {
	f.mu.Lock()
	f.fetches++
	mode, changed := f.mode, f.changed
	f.mu.Unlock()

	switch mode {
	case Down:
		panic(http.ErrAbortHandler) // closes the connection, silently
	case TooManyRequests:
		w.Header().Set("Retry-After", "1")
		writeError(w, refuse(http.StatusTooManyRequests, "too_many_requests", "Global limit has been reached"))
	case ServerError:
		writeError(w, refuse(http.StatusInternalServerError, "server_error", "Internal Server Error"))
	case HTML:
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Write([]byte("<!doctype html><title>Under maintenance</title>"))
	case EmptySet:
		writeJSON(w, http.StatusOK, keySetBody{Keys: []jwk{}})
	case Slow:
		w.Header().Set("Content-Type", "application/json")
		w.Write([]byte(`{"keys":[`))
		http.NewResponseController(w).Flush()
		select {
		case <-changed:
		case <-r.Context().Done():
		}
		panic(http.ErrAbortHandler) // a truncated body must not look like a whole one
	case Huge:
		writeJSON(w, http.StatusOK, keySetBody{Keys: keys(), Pad: strings.Repeat("x", 8<<20)})
	case Redirect:
		return redirect(w, r)
	default:
		return false
	}
	return true
}

// redirect sends a fetch to the other name of this host, and lets it pass there.
func redirect(w http.ResponseWriter, r *http.Request) bool {
	if r.URL.Query().Has("redirected") {
		return false
	}
	host, port, err := net.SplitHostPort(r.Host)
	if err != nil {
		host, port = r.Host, "80"
	}
	other := "127.0.0.1"
	if host == other {
		other = "localhost"
	}
	http.Redirect(w, r, "http://"+net.JoinHostPort(other, port)+r.URL.Path+"?redirected", http.StatusFound)
	return true
}
