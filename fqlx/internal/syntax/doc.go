// Package syntax reads and writes FQL v10, Fauna's query language, and FSL, its schema
// language: text to tree ([ParseQuery], [ParseLambda], [ParseSchema]), tree to text ([Print]),
// and mistakes to what Fauna shows of them ([Render]).
//
//	const src = "Todo.where(.owner == me) { title }"
//	q, errs := syntax.ParseQuery(src)
//	if errs != nil {
//		fmt.Println(syntax.Render("*query*", src, errs[0]))
//	}
//
// The grammar is that of Fauna's own parser, also where it is odd: a projection binds looser
// than every operator (`a ?? b { x }` projects both), nothing can be chained to one, the right
// side of an operator cannot be an `if` or a lambda, and a sign before digits belongs to the
// number. What may stand at the start of a line, and what must stand on the line of its left
// operand, follows Fauna too. Left out are identifiers with apostrophes, and of the types
// intersections and interfaces; escaped backticks and unparenthesised `.a` as the whole text
// of a lambda are understood beyond it.
//
// Parsing takes time linear in the text, whatever the text. There are no tokens: FQL's strings
// hold expressions, and what a character means depends on the line, so the parser reads bytes.
// Two limits protect whoever walks a tree with a recursive function: brackets, strings within
// strings, unary operators and the like nest at most 500 deep, and no path from the root of a
// tree is longer than 15,000 nodes, however long a chain such as `a + b + …` is.
//
// Only the first mistake is reported. No text makes these functions panic.
package syntax
