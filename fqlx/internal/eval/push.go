package eval

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/store"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// PushRequest is a new schema.
type PushRequest struct {
	Files []schema.File
	// Override makes Files the whole schema; else files of other names stay.
	Override bool
	// Version is the version that is to be replaced (0: any), unless Force.
	Version int64
	Force   bool
	// DryRun checks everything and changes nothing.
	DryRun bool
}

// PushResult tells what a push did.
type PushResult struct {
	Version int64 // of the schema afterwards: the commit time of the last push that changed it
	// Before and After are the schemas; one and the same if nothing changed. After has no
	// Version of its own.
	Before, After *schema.Schema
}

// Diff describes what changed; see [schema.Diff] for the formats.
func (r PushResult) Diff(format string) string { return schema.Diff(r.Before, r.After, format) }

// ErrStaleVersion says that the schema is not of the version that a push is for.
var ErrStaleVersion = errors.New("stale schema version provided")

// SchemaError says why a schema was refused: it is wrong in itself, or documents that exist
// do not fit it.
type SchemaError struct{ Message string }

func (e *SchemaError) Error() string { return e.Message }

var errDryRun = errors.New("dry run")

// Push replaces the schema. Indexes are built, and documents of changed collections checked,
// in the same transaction: when it returns everything is active. Files that are there
// already change nothing. Errors: [ErrUnauthorized], [ErrForbidden] unless the caller is an
// admin, [ErrStaleVersion], [*SchemaError], [*Contended], [ErrTimeout], and the store's.
func (db *Database) Push(ctx context.Context, secret string, r PushRequest) (PushResult, error) {
	var out PushResult
	changed := false
	// Other writers cannot keep a push from getting through, however long it takes.
	res, err := db.update(ctx, store.UpdateOptions{Attempts: 2, Patient: true}, func(tx *store.Tx, p *passwords) error {
		changed = false
		ev, err := db.evaluator(tx, p)
		if err != nil {
			return err
		}
		caller, err := ev.authenticate(secret, false)
		if err != nil {
			return err
		}
		if !caller.Admin() {
			return ErrForbidden
		}
		if err := checkNames(r.Files); err != nil {
			return err
		}
		old := ev.prepared
		out = PushResult{Version: old.Version, Before: old.Schema, After: old.Schema}
		if r.Version != 0 && r.Version != old.Version && !r.Force {
			return ErrStaleVersion
		}
		files := merged(old.Files, r)
		if slices.Equal(files, old.Files) {
			return nil
		}
		changed = true
		if out.After, err = db.replace(tx, old, files); err == nil && r.DryRun {
			err = errDryRun
		}
		return err
	})
	switch err := db.queryError(ctx, err, res.Retries); {
	case errors.Is(err, errDryRun):
		return out, nil
	case err != nil:
		return PushResult{}, pushError(err)
	}
	if changed {
		out.Version = res.TS
	}
	return out, nil
}

// checkNames refuses names that are not those of FSL files. A source called *query* would be
// taken for the text of a query.
func checkNames(files []schema.File) error {
	for _, f := range files {
		if !strings.HasSuffix(f.Name, ".fsl") || strings.HasPrefix(f.Name, "*") {
			return &SchemaError{"Invalid filename `" + f.Name + "`"}
		}
	}
	return nil
}

// pushError makes what evaluating an expression of the schema ran into the schema's fault.
func pushError(err error) error {
	var failed *Error
	if errors.As(err, &failed) {
		return &SchemaError{failed.Summary(true)}
	}
	return err
}

// merged returns the files of the schema to be, by name.
func merged(old []schema.File, r PushRequest) []schema.File {
	files := slices.Clone(r.Files)
	if !r.Override {
		for _, f := range old {
			if !slices.ContainsFunc(files, func(n schema.File) bool { return n.Name == f.Name }) {
				files = append(files, f)
			}
		}
	}
	slices.SortStableFunc(files, func(a, b schema.File) int { return cmp.Compare(a.Name, b.Name) })
	return files
}

// replace makes files the schema.
func (db *Database) replace(tx *store.Tx, old *prepared, files []schema.File) (*schema.Schema, error) {
	s, problems := schema.Load(files, old.Schema)
	if len(problems) > 0 {
		return nil, &SchemaError{schema.RenderProblems(problems)}
	}
	next, code, problems := bindSchema(s)
	if problems = append(problems, checkCode(s, code)...); len(problems) > 0 {
		return nil, &SchemaError{schema.RenderProblems(problems)}
	}
	ev := newEvaluator(db, tx, next)
	ev.rights = abac.Rights{Builtin: abac.Admin}
	ev.budget = newBudget(Limits{Steps: math.MaxInt64 / 2, Built: math.MaxInt64, Scanned: math.MaxInt64})
	for _, c := range s.Collections {
		if err := ev.migrate(old.CollectionByID(c.ID), c); err != nil {
			return nil, err
		}
	}
	blob, err := s.Marshal()
	if err != nil {
		return nil, err
	}
	tx.Put(store.Key{Prefix: keySchema}, blob, 0)
	tx.Put(store.Key{Prefix: keySchemaVersion}, nil, 0)
	return s, nil
}

// migrate brings the documents of a collection under its new definition: indexes that are
// new are built, unique constraints that are new are checked, and so is every field. A
// document that lacks a field with a default gets it; one that does not fit is why the push
// is refused.
func (ev *evaluator) migrate(old, c *schema.Collection) error {
	if old == nil || sourceOf(old.Source, old.Decl.Span()) == sourceOf(c.Source, c.Decl.Span()) && slices.EqualFunc(old.Storage, c.Storage, sameIndex) {
		return nil
	}
	added := added(old, c)
	scan := &set{source: &docScan{coll: c.ID, hi: maxID}}
	return ev.iterate(scan, func(v value.Value) (bool, error) {
		ref := v.(value.Ref)
		doc, err := ev.read(ref)
		if err == nil {
			err = ev.migrateDocument(c, added, &docValue{ref: ref, doc: doc})
		}
		delete(ev.docs, docKey{ref.Coll, ref.ID})
		return true, err
	})
}

func sameIndex(a, b *schema.Index) bool { return a.ID == b.ID }

// additions are what is new in a collection: indexes, and those that keep a new unique
// constraint.
type additions struct{ indexes, uniques []*schema.Index }

func added(old, c *schema.Collection) additions {
	var out additions
	has := func(all []*schema.Index, id uint32) bool {
		return slices.ContainsFunc(all, func(i *schema.Index) bool { return i.ID == id })
	}
	for _, index := range c.Storage {
		if !has(old.Storage, index.ID) {
			out.indexes = append(out.indexes, index)
		}
	}
	for _, u := range c.Uniques {
		there := slices.ContainsFunc(old.Uniques, func(o schema.Unique) bool { return o.Index.ID == u.Index.ID })
		if !there {
			out.uniques = append(out.uniques, u.Index)
		}
	}
	return out
}

func (ev *evaluator) migrateDocument(c *schema.Collection, added additions, d *docValue) error {
	data, err := ev.fields(d.doc)
	if err != nil {
		return err
	}
	refused := func(message string) error {
		return &SchemaError{fmt.Sprintf("Document %d of collection `%s` does not fit: %s", d.ref.ID, c.Name, message)}
	}
	if failures := c.Check(data); len(failures) > 0 {
		filled, err := ev.withDefaults(c, data, func() string { return "Failed to update document in collection `" + c.Name + "`." })
		if err != nil {
			return err
		}
		if failures := c.Check(filled); len(failures) > 0 {
			return refused(Failure{Paths: [][]any{failures[0].Path}}.label() + failures[0].Message)
		}
		// Its entries in other indexes are those of the document as it was.
		next := &docValue{ref: d.ref, doc: &document{ttl: d.doc.ttl, data: filled}}
		if err := ev.reindex(c, d, next); err != nil {
			return err
		}
		ev.store(d.ref, next.doc)
		d = next
	}
	for _, index := range added.indexes {
		entries, err := ev.entries(nil, c, index, d)
		if err != nil {
			return err
		}
		for _, e := range entries {
			ev.tx.Put(e.key(), nil, d.doc.ttl)
		}
	}
	for _, index := range added.uniques {
		entries, err := ev.entries(nil, c, index, d)
		if err != nil {
			return err
		}
		failures, err := ev.violations(c, index, entries, d)
		if err != nil {
			return err
		}
		if len(failures) > 0 {
			return refused(failures[0].label() + failures[0].Message)
		}
	}
	return nil
}
