package eval

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Request is a query with what came along.
type Request struct {
	// Text is FQL, with one NUL byte for each of Values.
	Text string
	// Values and Arguments are as they were decoded: modules and references are looked up
	// when the query runs.
	Values    []value.Value
	Arguments []value.Field
	// Secret is what the client sent, scope suffix included.
	Secret string
	// MinTime is the least snapshot time (µs), 0 for any (Fauna: X-Last-Txn-Ts).
	MinTime int64
	// Attempts is how often the query may be evaluated in all; 0 is the default.
	Attempts int
	// Public refuses what has no place on the public listener: the root secret, keys of
	// admin, server, server-readonly and token_exchange.
	Public bool
}

// Result is the outcome of a query, also of one that failed with an [Error]; then Data is nil.
type Result struct {
	Data          value.Value // of the wire's kinds
	TxnTime       int64       // µs: the commit, or the snapshot if nothing was written
	SchemaVersion int64
	Summary       string
	Stats         Stats
}

// Stats are what a query used. Reading the schema and authentication do not count.
type Stats struct {
	ComputeOps        int64
	ReadOps           int64
	WriteOps          int64
	StorageBytesRead  int64
	StorageBytesWrite int64
	ContentionRetries int64
	QueryTime         time.Duration
}

// Query runs a query as one transaction. Errors: [*Error] is the query's own and comes with
// a Result, [ErrUnauthorized], [*Contended], [ErrTimeout]; others are the store's or the
// context's.
func (db *Database) Query(ctx context.Context, r *Request) (*Result, error) {
	start := db.opt.Now()
	var a *attempt
	res, err := db.update(ctx, store.UpdateOptions{Attempts: r.Attempts, MinSnapshot: r.MinTime}, func(tx *store.Tx, p *passwords) error {
		a = &attempt{db: db, request: r, tx: tx, passwords: p}
		return a.run()
	})
	err = db.queryError(ctx, err, res.Retries)
	failed, ok := errors.AsType[*Error](err)
	if err != nil && !ok {
		return nil, err
	}
	out := a.result(res, failed)
	out.Stats.QueryTime = db.opt.Now().Sub(start)
	return out, err
}

// queryError tells what went wrong in the terms of this package.
func (db *Database) queryError(ctx context.Context, err error, retries int) error {
	if err == nil {
		return nil
	}
	conflict, contended := errors.AsType[*store.ConflictError](err)
	switch {
	case errors.Is(err, context.DeadlineExceeded) && errors.Is(ctx.Err(), context.DeadlineExceeded):
		return ErrTimeout
	case contended:
		return db.contended(conflict, retries)
	case errors.Is(err, store.ErrTooLarge):
		return errorf("invalid_request", "%s", err.Error())
	}
	return err
}

// attempt is one evaluation of a request.
type attempt struct {
	db        *Database
	request   *Request
	tx        *store.Tx
	ev        *evaluator
	passwords *passwords
	caller    Caller
	before    store.Usage // by authentication
	data      value.Value
	checks    string // the rendered mistakes of a text that does not parse
}

func (a *attempt) run() error {
	var err error
	if a.ev, err = a.db.evaluator(a.tx, a.passwords); err != nil {
		return err
	}
	if a.caller, err = a.ev.authenticate(a.request.Secret, a.request.Public); err != nil {
		return err
	}
	a.ev.rights, a.ev.own = a.caller.rights, a.caller.rights
	a.ev.identity, a.ev.token = a.caller.identity, a.caller.token
	if a.caller.token == nil && !a.request.Public {
		a.ev.budget = newBudget(a.db.opt.Limits)
		a.ev.budget.steps = a.passwords.steps
	}
	a.before = a.tx.Usage()
	q, err := a.parse()
	if err != nil {
		return err
	}
	if err := a.bind(q); err != nil {
		return err
	}
	v, err := a.ev.run(q)
	if err != nil {
		return a.aborted(err)
	}
	a.data, err = a.ev.materialize(v)
	return err
}

// aborted makes the argument of an abort() ready to be sent.
func (a *attempt) aborted(err error) error {
	var failed *Error
	if errors.As(err, &failed) && failed.HasAbort {
		v, merr := a.ev.materialize(failed.Abort)
		if merr != nil {
			return merr
		}
		failed.Abort = v
	}
	return err
}

// parse returns the parsed and resolved text. It comes after authentication: strangers do
// not get to fill the cache.
func (a *attempt) parse() (*syntax.Query, error) {
	if q := a.db.queries.get(a.request.Text); q != nil {
		return q, nil
	}
	q, errs := syntax.ParseQuery(a.request.Text)
	if len(errs) == 0 {
		if err := resolve.Query(q); err != nil {
			errs = []*syntax.Error{err}
		}
	}
	if len(errs) > 0 {
		return nil, a.invalid(errs...)
	}
	if q.Values != len(a.request.Values) {
		return nil, errorf("invalid_request", "Invalid request body: %d values for %d places", len(a.request.Values), q.Values)
	}
	a.db.queries.put(a.request.Text, q)
	return q, nil
}

// invalid is Fauna's error for a query that did not get as far as running.
func (a *attempt) invalid(errs ...*syntax.Error) *Error {
	rendered := make([]string, len(errs))
	for i, e := range errs {
		rendered[i] = syntax.Render(queryName, a.request.Text, e)
	}
	a.checks = strings.Join(rendered, "\n")
	plural := "s"
	if len(errs) == 1 {
		plural = ""
	}
	return errorf("invalid_query", "The query failed %d validation check%s", len(errs), plural)
}

// bind looks up the modules and references among the request's values.
func (a *attempt) bind(q *syntax.Query) error {
	a.ev.values = a.ev.takeSlots(len(a.request.Values))
	for i, v := range a.request.Values {
		bound, problem := a.ev.bind(v)
		if problem != "" {
			return a.invalid(&syntax.Error{Span: placeholder(q.Source, i), Msg: problem})
		}
		a.ev.values[i] = bound
	}
	for _, arg := range a.request.Arguments {
		bound, problem := a.ev.bind(arg.Value)
		if problem != "" {
			return errorf("invalid_request", "Invalid argument '%s': %s", arg.Name, problem)
		}
		a.ev.args = append(a.ev.args, value.Field{Name: arg.Name, Value: bound})
	}
	return nil
}

// placeholder returns where the i-th value of a template stands.
func placeholder(text string, i int) syntax.Span {
	at := 0
	for ; ; i-- {
		n := strings.IndexByte(text[at:], 0)
		if n < 0 {
			return syntax.Span{}
		}
		at += n + 1
		if i == 0 {
			return syntax.Span{Start: at - 1, End: at}
		}
	}
}

// bind turns what came over the wire into values of this database.
func (ev *evaluator) bind(v value.Value) (bound value.Value, problem string) {
	inner := func(e value.Value) value.Value {
		if problem != "" {
			return e
		}
		var b value.Value
		if b, problem = ev.bind(e); problem != "" {
			return e
		}
		return b
	}
	switch v := v.(type) {
	case value.Module:
		return ev.bindModule(v)
	case value.Reference:
		return ev.bindReference(v)
	}
	bound = mapParts(v, inner)
	return bound, problem
}

func (ev *evaluator) bindModule(m value.Module) (value.Value, string) {
	if isBuiltinModule(string(m)) {
		return builtinModule(string(m)), ""
	}
	if c := ev.schema.Collection(string(m)); c != nil {
		return value.Module(c.Name), ""
	}
	return nil, "no such module '" + string(m) + "'"
}

// bindReference: documents of users need not exist, those of the schema must, as far as the
// caller may know.
func (ev *evaluator) bindReference(r value.Reference) (value.Value, string) {
	coll, ok := ev.schema.CollectionNumber(r.Coll)
	if !ok {
		return nil, "no such module '" + r.Coll + "'"
	}
	if !isNamed(coll) {
		id, err := strconv.ParseInt(r.ID, 10, 64)
		if err != nil || id < 0 {
			return nil, "invalid document id '" + r.ID + "'"
		}
		return value.Ref{Coll: coll, ID: value.ID(id)}, ""
	}
	ref := value.Ref{Coll: coll, Name: r.Name}
	if _, cause, err := ev.look(ref); err != nil || cause == causeNotFound {
		return nil, fmt.Sprintf("no such %s '%s'", strings.ToLower(r.Coll), r.Name)
	}
	return ref, ""
}

// result puts together what the last attempt gave.
func (a *attempt) result(res store.Result, failed *Error) *Result {
	out := &Result{TxnTime: res.TS}
	if a.ev == nil {
		return out
	}
	out.SchemaVersion = a.ev.schema.Version
	full := a.caller.logs()
	out.Summary = a.ev.logged(full)
	switch {
	case failed == nil:
		out.Data = a.data
		if a.ev.sawCommitTime {
			out.Data = finish(a.data, value.TimeOfMicros(res.TS))
		}
	case a.checks != "":
		out.Summary = a.checks
	default:
		out.Summary = joinSummaries(failed.Summary(full), out.Summary)
	}
	if failed != nil && failed.HasAbort {
		failed.Abort = finish(failed.Abort, value.TimeOfMicros(res.TS))
	}
	out.Stats = Stats{
		ComputeOps:        a.ev.budget.computeOps(),
		ReadOps:           int64(res.Reads - a.before.Reads),
		StorageBytesRead:  int64(res.BytesRead - a.before.BytesRead),
		ContentionRetries: int64(res.Retries),
	}
	if failed == nil {
		out.Stats.WriteOps, out.Stats.StorageBytesWrite = int64(res.Writes), int64(res.BytesWritten)
	}
	return out
}

func joinSummaries(parts ...string) string {
	var out []string
	for _, p := range parts {
		if p != "" {
			out = append(out, p)
		}
	}
	return strings.Join(out, "\n\n")
}

// newEvaluator makes an evaluator with no rights and a token's limits.
func newEvaluator(db *Database, tx *store.Tx, p *prepared) *evaluator {
	all := &struct { // one piece of memory, with room for an exchange
		evaluator
		stack [8]call
		buf   [512]byte
	}{evaluator: evaluator{
		ctx:    tx.Context(),
		db:     db,
		tx:     tx,
		schema: p.Schema,
		now:    value.TimeOfMicros(tx.Snapshot()),
		limit:  resolve.Write,
		budget: newBudget(db.opt.TokenLimits),
	}}
	ev := &all.evaluator
	ev.prepared, ev.stack, ev.buf = p, all.stack[:0], all.buf[:0]
	return ev
}

// prepared is a schema whose expressions have their names bound.
type prepared struct {
	*schema.Schema
	defaults map[syntax.Expr]*syntax.LambdaExpr // as functions without parameters
	missing  map[string]value.Value             // declared field → the null that it is where it is absent
	indexes  map[uint32]bool                    // those that are kept
	methods  map[string]table                   // collection → its indexes, as methods
	modules  map[string]value.Value             // name or alias of a collection → its module
}

// prepared returns the schema that tx sees. Reading its version makes a push conflict with
// every transaction beside it.
func (db *Database) prepared(tx *store.Tx) (*prepared, error) {
	version, _, err := tx.GetHot(keySchemaVersion)
	if err != nil {
		return nil, err
	}
	known := db.current.Load()
	if known != nil && known.Version == version.TS {
		return known, nil
	}
	p, err := loadSchema(tx)
	if err != nil {
		return nil, err
	}
	p.Version = version.TS
	for known == nil || known.Version < p.Version { // else tx is older than what others see
		if db.current.CompareAndSwap(known, p) {
			break
		}
		known = db.current.Load()
	}
	return p, nil
}

// retired tells the store's sweep what belongs to a dropped collection or index. Numbers are
// never given twice, so a schema that is not the newest says nothing wrong.
func (db *Database) retired(prefix []byte, cutoff int64) bool {
	p := db.current.Load()
	if p == nil || p.Version > cutoff || len(prefix) < 5 {
		return false // a running query may still see the schema before
	}
	n := binary.BigEndian.Uint32(prefix[1:])
	switch ids := p.Issued(); prefix[0] {
	case prefixDocument:
		coll := value.CollID(n)
		return coll >= schema.FirstUserColl && n < ids.NextColl && p.CollectionByID(coll) == nil
	case prefixIndex:
		return n < ids.NextIndex && !p.indexes[n]
	}
	return false
}

func loadSchema(tx *store.Tx) (*prepared, error) {
	stored, ok, err := tx.Get(keySchema)
	if err != nil {
		return nil, err
	}
	var s *schema.Schema
	if ok {
		if s, err = schema.Unmarshal(stored.Data); err != nil {
			return nil, err
		}
	} else {
		s, _ = schema.Load(nil, nil)
	}
	p, _, problems := bindSchema(s)
	if len(problems) > 0 {
		return nil, fmt.Errorf("reading the stored schema: %s", schema.RenderProblems(problems))
	}
	return p, nil
}
