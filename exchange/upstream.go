package exchange

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"
)

// newUpstream is a Fauna cluster as a handler.
func newUpstream(endpoint string, log *slog.Logger) (http.Handler, error) {
	target, err := url.Parse(endpoint)
	if err != nil || target.Host == "" {
		return nil, errors.New("exchange: Upstream is not a URL")
	}
	return &httputil.ReverseProxy{
		Rewrite:   func(r *httputil.ProxyRequest) { r.SetURL(target) },
		Transport: upstreamTransport(),
		ModifyResponse: func(res *http.Response) error {
			if res.StatusCode < http.StatusOK || res.StatusCode >= 300 && res.StatusCode < 400 {
				return fmt.Errorf("the answer is %s, which is not Fauna's", res.Status)
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) { w.(*faunaWriter).err = err },
		ErrorLog:     slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		BufferPool:   &copyBuffers{sync.Pool{New: func() any { return new([copyBuffer]byte) }}},
	}, nil
}

func upstreamTransport() *http.Transport {
	return &http.Transport{
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		IdleConnTimeout:     60 * time.Second,
		MaxIdleConns:        256,
		MaxIdleConnsPerHost: 256,
		ForceAttemptHTTP2:   true,
		DisableCompression:  true, // what the page accepts is passed on
	}
}

const copyBuffer = 32 << 10

// copyBuffers are for copying bodies, as [httputil.BufferPool].
type copyBuffers struct{ pool sync.Pool }

func (p *copyBuffers) Get() []byte  { return p.pool.Get().(*[copyBuffer]byte)[:] }
func (p *copyBuffers) Put(b []byte) { p.pool.Put((*[copyBuffer]byte)(b)) }

// upstreamError is the answer when Fauna gave none.
func upstreamError(ctx context.Context, err error) *Error {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return &Error{problem: problemTooLarge, Reason: ReasonRequest}
	case errors.Is(ctx.Err(), context.Canceled):
		return &Error{problem: problemUnavailable, Reason: ReasonCanceled, RetryAfter: retryAfter, Err: err}
	}
	return &Error{problem: problemUnavailable, Reason: ReasonFauna, RetryAfter: retryAfter, Err: err}
}
