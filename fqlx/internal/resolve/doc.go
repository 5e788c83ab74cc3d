// Package resolve binds the names of a parsed FQL text, so that evaluation needs no maps.
//
// A variable becomes a slot: an index into the frame of the function that runs, or into
// the values which a lambda captured when it was made. Values never change, so a lambda
// takes copies. Every let has a slot of its own, also when it shadows another: what is
// evaluated late (a lambda, the projection of a set) still finds what it meant.
//
// What is no variable is a global name: a module, a collection, a function, an argument of
// the request. Those are looked up when they are evaluated, because Fauna without its type
// checker lets an untaken branch name what does not exist. [Globals] lists them for those
// who want to know earlier.
//
// Resolving also refuses what parses but cannot run: `match`, `=~`, `e {*}`, which Fauna
// does not implement either, and `at`, which this engine does not.
//
//	q, errs := syntax.ParseQuery("let a = 1; [1, 2].map(x => x + a)")
//	if err := resolve.Query(q); err != nil { … }
//
// The resolver writes into the tree that it is given. After that the tree is read only
// and may be shared.
package resolve
