package resolve

import "github.com/fauna-login/fauna-login/fqlx/internal/syntax"

// Effect is what running something may do to the world, in rising order (Fauna: effects).
type Effect uint8

const (
	Pure        Effect = iota
	Observation        // Time.now, newId
	Read
	Write
)

// String returns the word used in Fauna's messages: "performs a write".
func (e Effect) String() string {
	return [...]string{"pure", "observation", "read", "write"}[e]
}

// EffectOf returns an upper bound of what evaluating x, and calling the lambdas in it, may
// do, and the first part of x that may do as much; nil if x is pure. x must have been
// resolved.
//
// lookup tells the effect of what x mentions: "abort" for a global name, "Time.now" for a
// member of one, ".update" for a member of any other value. Mentioning counts like calling,
// so a function that takes a detour through a variable is counted too. Operators are taken
// to be pure: one that reads a document (`d == null`) needs a document, and whoever hands
// out documents has an effect in lookup, or is a parameter.
func EffectOf(x syntax.Expr, lookup func(name string) Effect) (most Effect, at syntax.Expr) {
	count := func(name string, n syntax.Expr) {
		if e := lookup(name); e > most {
			most, at = e, n
		}
	}
	syntax.Walk(x, func(n syntax.Node) bool {
		switch x := n.(type) {
		case *syntax.NameExpr:
			if x.Slot.Kind == syntax.Global {
				count(x.Name, x)
			}
		case *syntax.FieldExpr:
			if name, ok := x.X.(*syntax.NameExpr); ok && name.Slot.Kind == syntax.Global {
				count(name.Name+"."+x.Name, x)
				return false
			}
			count("."+x.Name, x)
		}
		return true
	})
	return most, at
}
