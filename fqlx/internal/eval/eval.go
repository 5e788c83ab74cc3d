package eval

import (
	"context"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// evaluator runs one attempt of one query: it belongs to one transaction and one goroutine.
type evaluator struct {
	ctx    context.Context
	db     *Database
	tx     *store.Tx
	schema *schema.Schema
	// identity and token are what Query.identity() and Query.token() answer. They stay the
	// same in functions and predicates.
	identity *value.Ref
	token    *value.Ref
	// rights are whose permissions count now: the caller's own, or in a function with @role
	// and in a predicate those of role, which is empty otherwise. See asCaller.
	rights, own abac.Rights
	role        string
	now         value.Time // the snapshot time: Time.now()
	values      []value.Value
	args        []value.Field // `arguments` of the request, global names of this query
	// limit is the highest effect that is allowed now, and where names the context that
	// forbids more ("set functions").
	limit  resolve.Effect
	where  string
	budget budget
	// passwords are hashed between evaluations; nil where the schema is migrated, which asks
	// for none.
	passwords *passwords
	source    schema.Source // what is being evaluated
	stack     []call        // calls under way, outermost first: for summaries and the depth limit
	nested    int           // expressions under way within each other
	// cut is the null that ended a chain, while errCut travels to the end of the chain.
	cut      value.Value
	log      []logLine
	wrote    bool
	slots    slab[value.Value] // for arguments and variables
	frames   slab[frame]
	keys     slab[byte] // for those of index entries
	lookups  slab[lookup]
	docState // what it remembers of documents
}

// call is one entry of the stack: where a call was made.
type call struct {
	source schema.Source
	span   syntax.Span
}

// frame holds the variables of one running lambda, function or query.
type frame struct {
	vars     []value.Value
	captured []value.Value
}

// newFrame makes a frame of slots variables.
func (ev *evaluator) newFrame(slots int, captured []value.Value) *frame {
	f := &ev.frames.take(1, 8)[0]
	f.vars, f.captured = ev.takeSlots(slots), captured
	return f
}

func (ev *evaluator) takeSlots(n int) []value.Value { return ev.slots.take(n, 32) }

// queryName is the name of a query's text in summaries (Fauna).
const queryName = "*query*"

// run evaluates q, which has been resolved.
func (ev *evaluator) run(q *syntax.Query) (value.Value, error) {
	ev.source = schema.Source{Name: queryName, Text: q.Source}
	return ev.eval(ev.newFrame(q.Slots, nil), q.Body)
}

// within runs f with the effects capped at limit, or lower if they are already. where
// names the context in messages, in the plural: "computed fields".
func (ev *evaluator) within(limit resolve.Effect, where string, f func() error) error {
	if limit >= ev.limit {
		return f()
	}
	oldLimit, oldWhere := ev.limit, ev.where
	ev.limit, ev.where = limit, where
	err := f()
	ev.limit, ev.where = oldLimit, oldWhere
	return err
}

// need reports invalid_effect if an effect of e is not allowed here. name is the function
// that has it.
func (ev *evaluator) need(e resolve.Effect, name string) error {
	if e <= ev.limit {
		return nil
	}
	return errEffect(e, name, ev.where)
}

// errEffect says that name has an effect which is not allowed where it stands.
func errEffect(e resolve.Effect, name, where string) *Error {
	article := "a"
	if e == resolve.Observation {
		article = "an"
	}
	return errorf("invalid_effect", "`%s` performs %s %s, which is not allowed in %s.", name, article, e, where)
}
