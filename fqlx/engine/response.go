package engine

import (
	"net/http"
	"strconv"

	"github.com/fauna-login/fauna-login/fqlx/internal/eval"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// statusTimeOut is Fauna's status for a query that ran into its own deadline.
const statusTimeOut = 440

// protocolError is a request that did not become a query (Fauna: ProtocolErrorCode).
type protocolError struct {
	status  int
	code    string
	message string
}

func (e *protocolError) Error() string { return e.code + ": " + e.message }

var (
	errUnauthorized     = &protocolError{http.StatusUnauthorized, "unauthorized", "Access token required"}
	errNotFound         = &protocolError{http.StatusNotFound, "not_found", "Not found"}
	errMethodNotAllowed = &protocolError{http.StatusMethodNotAllowed, "method_not_allowed", "Method not allowed"}
	errTooLarge         = &protocolError{http.StatusRequestEntityTooLarge, "request_size_exceeded", "Request entity is too large"}
	errCanceled         = &protocolError{http.StatusServiceUnavailable, "time_out", "The request was canceled"} // by whoever sent it, who may still read
	errTimeOut          = &protocolError{statusTimeOut, "time_out", "Query timed out"}
	errClosed           = &protocolError{http.StatusServiceUnavailable, "time_out", "The engine is shutting down"}
)

func invalidRequest(message string) *protocolError {
	return &protocolError{http.StatusBadRequest, "invalid_request", message}
}

// writeProtocolError answers with nothing but the error and the query tags.
func writeProtocolError(w http.ResponseWriter, e *protocolError, tags string) {
	b := append([]byte(nil), `{"error":{"code":`...)
	b = value.AppendJSONString(b, e.code)
	b = append(b, `,"message":`...)
	b = value.AppendJSONString(b, e.message)
	b = append(b, '}')
	b = appendTags(b, tags)
	if e.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", "Bearer")
	}
	writeJSON(w, e.status, append(b, '}'))
}

// Headers that are always the same, ready to be shared: nobody changes them in place.
var (
	jsonType = []string{"application/json;charset=utf-8"}
	noStore  = []string{"no-store"} // a secret may be in it
	noSniff  = []string{"nosniff"}
)

func writeJSON(w http.ResponseWriter, status int, body []byte) {
	h := w.Header()
	h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = jsonType, noStore, noSniff
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	w.Write(body) // a client that has gone away is no error of ours
}

// appendResult appends the body of a query that succeeded, or failed with failure.
func appendResult(b []byte, res *eval.Result, failure *eval.Error, p params) []byte {
	if failure != nil {
		b = append(b, `{"error":`...)
		b = appendFailure(b, failure, p.format)
	} else {
		b = append(b, `{"data":`...)
		b = value.AppendJSON(b, res.Data, p.format)
	}
	b = append(b, `,"summary":`...)
	b = value.AppendJSONString(b, res.Summary)
	b = appendInt(b, `,"txn_ts":`, res.TxnTime)
	b = appendStats(b, &res.Stats)
	b = appendTags(b, p.tags)
	b = appendInt(b, `,"schema_version":`, res.SchemaVersion)
	return append(b, '}')
}

func appendFailure(b []byte, e *eval.Error, format value.Format) []byte {
	b = append(b, `{"code":`...)
	b = value.AppendJSONString(b, e.Code)
	b = append(b, `,"message":`...)
	b = value.AppendJSONString(b, e.Message)
	if len(e.Failures) > 0 {
		b = append(b, `,"constraint_failures":[`...)
		for i, f := range e.Failures {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(b, `{"paths":`...)
			b = appendPaths(b, f.Paths)
			b = append(b, `,"message":`...)
			b = value.AppendJSONString(b, f.Message)
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if e.HasAbort {
		b = append(b, `,"abort":`...)
		b = value.AppendJSON(b, e.Abort, format)
	}
	return append(b, '}')
}

// appendPaths appends a list of paths, each a list of strings and integers.
func appendPaths(b []byte, paths [][]any) []byte {
	b = append(b, '[')
	for i, path := range paths {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		for j, step := range path {
			if j > 0 {
				b = append(b, ',')
			}
			switch step := step.(type) {
			case int:
				b = strconv.AppendInt(b, int64(step), 10)
			case string:
				b = value.AppendJSONString(b, step)
			}
		}
		b = append(b, ']')
	}
	return append(b, ']')
}

func appendStats(b []byte, s *eval.Stats) []byte {
	b = appendInt(b, `,"stats":{"compute_ops":`, s.ComputeOps)
	b = appendInt(b, `,"read_ops":`, int64(s.ReadOps))
	b = appendInt(b, `,"write_ops":`, int64(s.WriteOps))
	b = appendInt(b, `,"query_time_ms":`, s.QueryTime.Milliseconds())
	b = appendInt(b, `,"contention_retries":`, int64(s.ContentionRetries))
	b = appendInt(b, `,"storage_bytes_read":`, int64(s.StorageBytesRead))
	b = appendInt(b, `,"storage_bytes_write":`, int64(s.StorageBytesWrite))
	return append(b, `,"rate_limits_hit":[]}`...)
}

func appendInt(b []byte, key string, n int64) []byte {
	return strconv.AppendInt(append(b, key...), n, 10)
}

func appendTags(b []byte, tags string) []byte {
	if tags == "" {
		return b
	}
	return value.AppendJSONString(append(b, `,"query_tags":`...), tags)
}
