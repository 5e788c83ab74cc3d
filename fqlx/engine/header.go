package engine

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

const (
	defaultTimeout  = 2 * time.Minute
	maxTimeout      = 10 * time.Minute
	defaultAttempts = 5
	maxRetries      = 7
)

// params are the headers of a request (Fauna: RequestParams).
type params struct {
	format   value.Format
	minTime  int64         // µs; the snapshot is not before it
	timeout  time.Duration // of the whole query
	attempts int           // how often it is run before contention is reported
	tags     string
}

// headerError is a header that cannot be meant. Its text is the message for the client.
type headerError struct{ name, reason string }

func (e *headerError) Error() string { return fmt.Sprintf("Invalid header '%s': %s", e.name, e.reason) }

// readParams reads the headers of a query. Those that are not there have their defaults,
// and those that nobody knows are ignored.
func readParams(h http.Header) (params, error) {
	p := params{timeout: defaultTimeout, attempts: defaultAttempts}
	for _, read := range headers {
		text, ok := first(h, read.name)
		if !ok {
			continue
		}
		if reason := read.into(&p, text); reason != "" {
			return params{}, &headerError{strings.ToLower(read.name), reason}
		}
	}
	return p, nil
}

// headers is what is read: into returns what is wrong with the text, or nothing.
var headers = []struct {
	name string // canonical
	into func(p *params, text string) string
}{
	{"X-Query-Tags", readTags},
	{"X-Format", readFormat},
	{"X-Last-Txn-Ts", readLastTxn},
	{"X-Max-Contention-Retries", readRetries},
	{"X-Query-Timeout-Ms", readTimeout},
	// The engine is always linearized and has no type checker and no performance hints:
	// these change nothing, but they have to be well-formed.
	{"X-Linearized", readBool},
	{"X-Typecheck", readBool},
	{"X-Performance-Hints", readBool},
}

func first(h http.Header, name string) (string, bool) {
	if vs := h[name]; len(vs) > 0 {
		return strings.TrimSpace(vs[0]), true
	}
	return "", false
}

func readFormat(p *params, text string) string {
	switch text {
	case "simple":
		p.format = value.Simple
	case "tagged":
		p.format = value.Tagged
	case "decorated":
		return "Format decorated is not supported by this engine"
	default:
		return "Invalid format " + text
	}
	return ""
}

func readLastTxn(p *params, text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 {
		return "Invalid timestamp " + text
	}
	p.minTime = n
	return ""
}

func readRetries(p *params, text string) string {
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxRetries {
		return fmt.Sprintf("Invalid value %s. Must be between 0 and %d.", text, maxRetries)
	}
	p.attempts = n + 1
	return ""
}

func readTimeout(p *params, text string) string {
	n, err := strconv.ParseInt(text, 10, 64)
	if limit := maxTimeout.Milliseconds(); err != nil || n < 1 || n > limit {
		return fmt.Sprintf("Invalid value %s. Must be between 1 and %d.", text, limit)
	}
	p.timeout = time.Duration(n) * time.Millisecond
	return ""
}

func readBool(_ *params, text string) string {
	if !strings.EqualFold(text, "true") && !strings.EqualFold(text, "false") {
		return "Invalid boolean " + text
	}
	return ""
}

// Limits of query tags (Fauna: QueryLogContext).
const (
	maxTagHeader = 3000
	maxTags      = 25
	maxTagKey    = 40
	maxTagValue  = 80
)

// readTags checks `k=v,k2=v2`.
func readTags(p *params, text string) string {
	switch {
	case len(text) > maxTagHeader:
		return "header is too long"
	case text == "":
		return ""
	}
	pairs := strings.Split(text, ",")
	if len(pairs) > maxTags {
		return "too many tags"
	}
	seen := make(map[string]bool, len(pairs))
	for _, pair := range pairs {
		key, val, ok := strings.Cut(pair, "=")
		switch {
		case !ok || !isTagText(key) || !isTagText(val):
			return "invalid tags"
		case len(key) > maxTagKey:
			return "invalid key"
		case len(val) > maxTagValue:
			return "invalid value"
		case seen[key]:
			return "duplicate key"
		}
		seen[key] = true
	}
	p.tags = text
	return ""
}

// isTagText reports whether s is one or more of [A-Za-z0-9_].
func isTagText(s string) bool {
	for _, c := range []byte(s) {
		if c != '_' && (c < '0' || c > '9') && (c|0x20 < 'a' || c|0x20 > 'z') {
			return false
		}
	}
	return s != ""
}

// readSecret returns the secret of the Authorization header: `Bearer <secret>`, or `Basic`
// with the secret as the user. Empty if there is none, or more than one such header.
func readSecret(h http.Header) string {
	all := h["Authorization"]
	if len(all) != 1 {
		return ""
	}
	scheme, rest, _ := strings.Cut(all[0], " ")
	rest = strings.Trim(rest, " ")
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return rest
	case strings.EqualFold(scheme, "Basic"):
		user, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return ""
		}
		return strings.TrimSuffix(string(user), ":")
	}
	return ""
}
