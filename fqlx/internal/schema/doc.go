// Package schema turns FSL files into a checked description of a database: its
// collections with fields, constraints and indexes, its functions and its roles.
//
// [Load] parses a set of files and binds every name in it. What Fauna would refuse is
// reported as a [Problem], all of them at once, and so is what this engine does not
// support: migrations, access providers and commit times in an index. A [Schema] is
// immutable; a push makes a new one.
//
// Collections and stored indexes have numbers, under which their data is kept. Load takes
// them over from the schema before, and a number is never given twice: documents of a
// collection that was dropped and made anew belong to nobody.
//
// Load does not look into expressions. That names resolve, that a default has no effect
// on the world and that a predicate only reads is for package resolve, driven by eval.
//
// Types check what is about to be stored:
//
//	for _, f := range coll.Check(doc) {
//		fmt.Println(f.Path, f.Message) // [name] Expected String, provided Int
//	}
package schema
