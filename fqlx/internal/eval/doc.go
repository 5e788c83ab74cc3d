// Package eval runs FQL against a store: the query language of Fauna v10, its documents,
// indexes, constraints, secrets and roles.
//
// A [Database] runs a query as one transaction. Each attempt has an evaluator of its own,
// which walks the resolved tree with everything it needs at hand and nothing global: the
// context, the transaction, the schema of its snapshot, whose rights count now, the time,
// what effects are allowed here and what is left of the budget. Parsed queries and the
// functions of the schema are kept, resolved; values never change. So nothing is shared
// but what is read only.
//
// What a value can do stands in tables, one for each kind of receiver and each module:
// the name, the parameters with their types, the effect and the Go function. Arity, types
// and effects are checked from the row, before the function runs. What Fauna has and this
// engine has not is listed too, to be refused by name with the code disabled_feature.
//
// An [*Error] is the query's fault and has Fauna's code and text, the place where it
// happened and the calls that led there. [Error.Summary] shows these; who may not see the
// source of functions gets the places in the query alone.
//
// Nobody is trusted with the machine: [Limits] bound steps, calls within calls, entries
// read, and the bytes built on the way and sent back. Expressions within expressions are
// counted across all calls, so that no recursion can use up the stack. Passwords, slow to hash
// on purpose, are hashed between two evaluations of a query, never under the commit lock.
//
//	db, err := eval.New(eval.Options{Store: s, RootSecret: secret})
//	res, err := db.Query(ctx, &eval.Request{Text: "1 + 2", Secret: secret})
//
// Nobody gets rights by detours either. A set is read, and a function runs, with the rights
// of whoever looks at it at that moment, which is less than what it was made with when a
// function with @role returns it, and never more for text of the caller that such a function
// is given: a lambda in it runs as the caller. Code that is pushed is checked for names that
// nothing has, because an error in a predicate is a silent denial.
//
// The tests of the language are in testdata/fql: queries with what comes of them.
package eval
