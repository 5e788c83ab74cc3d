package engine

import (
	"bytes"
	"io"
	"net/http"
	"strconv"
)

// Transport returns a RoundTripper that answers requests by calling [Engine.Handler] in
// this process, without a socket and without looking at the address. A driver that takes
// an HTTP client, such as fauna-go, works over it unchanged. A response is complete before
// it is returned.
func (e *Engine) Transport() http.RoundTripper { return transport{e.Handler()} }

type transport struct{ handler http.Handler }

// RoundTrip serves req. When its context ends so does the query, and the error is that of
// the context.
func (t transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	served := *req // a client's request becomes a server's; what they share is only read
	served.RequestURI = req.URL.RequestURI()
	if served.Body == nil {
		served.Body = http.NoBody
	}
	w := &recorder{header: make(http.Header, 8)}
	t.handler.ServeHTTP(w, &served)
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return w.response(req), nil
}

// recorder keeps a response.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}

func (w *recorder) response(req *http.Request) *http.Response {
	w.WriteHeader(http.StatusOK)
	return &http.Response{
		Status:        strconv.Itoa(w.status) + " " + http.StatusText(w.status),
		StatusCode:    w.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        w.header,
		Body:          io.NopCloser(&w.body),
		ContentLength: int64(w.body.Len()),
		Request:       req,
	}
}
