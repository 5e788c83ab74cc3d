package engine

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/eval"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// publicTimeout is the longest that a query may take on the public listener.
const publicTimeout = 10 * time.Second

// trustedBody is how long a body may be, in bytes, that is read before its secret is looked at:
// most queries are much shorter, and are authenticated where they run.
const trustedBody = 64 << 10

// serveQuery answers /query/1.
func (e *Engine) serveQuery(w http.ResponseWriter, r *http.Request, public bool) {
	if !allow(w, r, http.MethodPost) {
		return
	}
	p, err := readParams(r.Header)
	if err != nil {
		e.fail(w, err, "")
		return
	}
	if public {
		p.timeout = min(p.timeout, publicTimeout)
	}
	ctx := r.Context()
	if end, ok := ctx.Deadline(); !ok || time.Until(end) > p.timeout { // the earlier one rules
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.timeout)
		defer cancel()
	}
	res, err := e.query(ctx, w, r, p, public)
	failure, failed := errors.AsType[*eval.Error](err)
	if err != nil && (!failed || res == nil) {
		e.fail(w, err, p.tags)
		return
	}
	status := http.StatusOK
	if failure != nil {
		status = http.StatusBadRequest
	}
	body := appendResult(make([]byte, 0, 512), res, failure, p)
	writeJSON(w, status, body)
}

// query decodes the request and runs it.
func (e *Engine) query(ctx context.Context, w http.ResponseWriter, r *http.Request, p params, public bool) (*eval.Result, error) {
	secret := readSecret(r.Header)
	if secret == "" {
		return nil, errUnauthorized
	}
	if r.ContentLength < 0 || r.ContentLength > trustedBody {
		if _, err := e.db.Authenticate(ctx, secret, public); err != nil {
			return nil, err
		}
	}
	body, err := readBody(w, r)
	if err != nil {
		return nil, err
	}
	q, err := decodeRequest(body, p.format)
	if err == nil && q.mistake == nil {
		return e.db.Query(ctx, &eval.Request{
			Text:      q.text,
			Values:    q.values,
			Arguments: q.arguments,
			Secret:    secret,
			MinTime:   p.minTime,
			Attempts:  p.attempts,
			Public:    public,
		})
	}
	// Whoever has no valid secret learns nothing but that.
	if _, authErr := e.db.Authenticate(ctx, secret, public); authErr != nil {
		return nil, authErr
	}
	if duplicate, ok := err.(duplicateField); ok {
		return e.invalidQuery(ctx, "", &syntax.Error{Msg: duplicate.Error()})
	}
	if err != nil {
		return nil, err
	}
	return e.invalidQuery(ctx, q.text, q.mistake)
}

// invalidQuery is the result of a query that is refused before it is parsed.
func (e *Engine) invalidQuery(ctx context.Context, text string, mistake *syntax.Error) (*eval.Result, error) {
	s, err := e.db.Schema(ctx)
	if err != nil {
		return nil, err
	}
	res := &eval.Result{
		Summary:       syntax.Render("*query*", text, mistake),
		TxnTime:       e.now().UnixMicro(),
		SchemaVersion: s.Version,
	}
	return res, &eval.Error{Code: "invalid_query", Message: "The query failed 1 validation check"}
}

// fail answers a request that came to no result: one table from errors to statuses.
func (e *Engine) fail(w http.ResponseWriter, err error, tags string) {
	var protocol *protocolError
	var header *headerError
	var request requestError
	var contended *eval.Contended
	switch {
	case errors.As(err, &protocol):
	case errors.As(err, &header):
		protocol = invalidRequest(header.Error())
	case errors.As(err, &request):
		protocol = invalidRequest(request.Error())
	case errors.Is(err, eval.ErrUnauthorized):
		protocol = errUnauthorized
	case errors.Is(err, store.ErrFuture):
		protocol = invalidRequest("Invalid header 'x-last-txn-ts': it lies more than one second in the future")
	case errors.As(err, &contended):
		protocol = &protocolError{http.StatusConflict, "contended_transaction", contended.Error()}
	case errors.Is(err, context.Canceled):
		protocol = errCanceled
	case errors.Is(err, eval.ErrTimeout), errors.Is(err, context.DeadlineExceeded):
		protocol = errTimeOut
	case errors.Is(err, store.ErrClosed):
		protocol = errClosed
	default:
		e.internalError(w, err, tags)
		return
	}
	writeProtocolError(w, protocol, tags)
}
