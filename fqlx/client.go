package fqlx

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/fauna/fauna-go/v3"
)

// Config says which Fauna a [Client] talks to and how.
type Config struct {
	// Endpoint is Fauna's URL, such as https://fauna.internal:8443.
	Endpoint string
	// Secret is the key: of role token_exchange for the service.
	Secret string
	// Timeout bounds one call, retries included; 0 is 5 s. A context may be shorter.
	Timeout time.Duration
	// Transport carries the requests; nil is HTTP. With the embedded engine it is a call
	// into the same process.
	Transport http.RoundTripper
	// Trusted says that what Transport answers with status 200 is Fauna's and whole: it comes
	// from an engine in this process. Other answers are checked before the driver gets them.
	Trusted bool
	// Log gets the driver's messages; nil is slog.Default.
	Log *slog.Logger
}

// Client calls Fauna's functions with one secret. It is safe for concurrent use.
type Client struct {
	config  Config // complete: its transport is the client's own
	driver  *fauna.Client
	timeout time.Duration
	// prepared maps a text to the *sync.Pool of its queries.
	prepared sync.Map
	// pause waits for d or until ctx ends; tests replace it.
	pause func(ctx context.Context, d time.Duration) error
}

// maxAttempts bounds how often one call is sent: with the pauses between, well below a second.
const maxAttempts = 5

// New makes a Client. It sends nothing: Fauna need not be there yet.
func New(c Config) *Client {
	client := newClient(c)
	client.warm()
	return client
}

// newClient makes a Client for one call at a time: see warm.
func newClient(c Config) *Client {
	if c.Timeout == 0 {
		c.Timeout = 5 * time.Second
	}
	if c.Transport == nil {
		c.Transport = httpTransport(c.Timeout)
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	timeouts := fauna.DefaultTimeouts()
	timeouts.QueryTimeout = c.Timeout
	driver := fauna.NewClient(c.Secret, timeouts,
		fauna.URL(c.Endpoint),
		fauna.HTTPClient(&http.Client{
			Transport: guard{c.Transport, c.Trusted},
			// Fauna does not redirect, and the secret must go nowhere else.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}),
		fauna.MaxAttempts(1), // retries are ours: the driver's may take 20 s
		fauna.WithLogger(driverLog{c.Log}),
	)
	return &Client{config: c, driver: driver, timeout: c.Timeout, pause: pause}
}

// warm makes the driver's first request, with a context that has ended so that nothing is
// sent: the first request stores the parsed URL without a lock, which is a data race when two
// requests are first.
func (c *Client) warm() {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	query, _ := fauna.FQL("null", nil)
	_, _ = c.driver.Query(query, fauna.QueryContext(ctx))
}

// httpTransport is HTTP with a bound on each step.
func httpTransport(timeout time.Duration) *http.Transport {
	return &http.Transport{
		DialContext:           (&net.Dialer{Timeout: timeout, KeepAlive: 30 * time.Second}).DialContext,
		TLSHandshakeTimeout:   timeout,
		ResponseHeaderTimeout: timeout,
		IdleConnTimeout:       60 * time.Second,
		MaxIdleConns:          256,
		MaxIdleConnsPerHost:   256,
		ForceAttemptHTTP2:     true,
	}
}

// query runs text, which is constant, with its arguments, and returns the plain data. It
// retries what [retryable] allows, with jitter, within the deadline.
func (c *Client) query(ctx context.Context, text string, args map[string]any) (any, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	query, done, err := c.prepare(text, args)
	if err != nil {
		return nil, fmt.Errorf("building the query: %w", err)
	}
	defer done()
	for attempt := 1; ; attempt++ {
		result, err := c.driver.Query(query, fauna.QueryContext(ctx))
		if err == nil {
			return result.Data, nil
		}
		if !retryable(err) || attempt == maxAttempts || c.pause(ctx, backoff(attempt)) != nil {
			return nil, errorOf(err)
		}
	}
}

// prepared is a query of one argument, and the place that the driver takes it from when it
// sends the query.
type prepared struct {
	query *fauna.Query
	arg   *Tagged
}

// prepare builds a query. done gives it back after use: the driver reads each text with
// regular expressions, so those of one argument are kept, as many as were in use at a time.
func (c *Client) prepare(text string, args map[string]any) (query *fauna.Query, done func(), err error) {
	for name, arg := range args {
		tagged, ok := arg.(Tagged)
		if !ok || len(args) > 1 {
			break
		}
		pool, ok := c.prepared.Load(text)
		if !ok {
			pool, _ = c.prepared.LoadOrStore(text, &sync.Pool{})
		}
		p, ok := pool.(*sync.Pool).Get().(*prepared)
		if !ok {
			p = &prepared{arg: new(Tagged)}
			if p.query, err = fauna.FQL(text, map[string]any{name: p.arg}); err != nil {
				return nil, nil, err
			}
		}
		*p.arg = tagged
		return p.query, func() { *p.arg = ""; pool.(*sync.Pool).Put(p) }, nil
	}
	query, err = fauna.FQL(text, args)
	return query, func() {}, err
}

// backoff is a random time up to 20 ms, 40 ms, 80 ms …
func backoff(attempt int) time.Duration {
	return rand.N(10 * time.Millisecond << attempt)
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// SchemaVersion asks for the version of the pushed schema: that it answers says that the
// schema is there, its indexes are built and the key may call it. See [WantSchema].
func (c *Client) SchemaVersion(ctx context.Context) (int, error) {
	data, err := c.query(ctx, "auth0SchemaVersion()", nil)
	if err != nil {
		return 0, err
	}
	version, ok := data.(int64)
	if !ok {
		return 0, fmt.Errorf("%w: auth0SchemaVersion() is not a number", ErrInvalid)
	}
	return int(version), nil
}

// Ready returns nil if the schema this program needs is in place.
func (c *Client) Ready(ctx context.Context) error {
	version, err := c.SchemaVersion(ctx)
	if err != nil {
		return err
	}
	if version != WantSchema {
		return fmt.Errorf("%w: the pushed schema is version %d, this program needs %d", ErrInvalid, version, WantSchema)
	}
	return nil
}

// driverLog hands the driver's messages to slog. The driver's own logger would write request
// bodies, and spoils the Authorization header of a request it is about to repeat.
type driverLog struct{ log *slog.Logger }

func (l driverLog) Debug(msg string, args ...any) { l.log.Debug(msg, args...) }
func (l driverLog) Info(msg string, args ...any)  { l.log.Debug(msg, args...) }
func (l driverLog) Warn(msg string, args ...any)  { l.log.Warn(msg, args...) }
func (l driverLog) Error(msg string, args ...any) { l.log.Error(msg, args...) }

// LogResponse gets a nil response when the network failed.
func (l driverLog) LogResponse(context.Context, []byte, *http.Response) {}
