package resolve

import (
	"fmt"
	"strconv"
)

// Arity is how many arguments a function takes: Min to Max, or Min and more with Rest.
type Arity struct {
	Min, Max int
	Rest     bool
}

// Accepts reports whether n arguments will do.
func (a Arity) Accepts(n int) bool { return n >= a.Min && (a.Rest || n <= a.Max) }

// Mismatch is Fauna's message for a call with n arguments.
func (a Arity) Mismatch(n int) string {
	was := "were"
	if n == 1 {
		was = "was"
	}
	return fmt.Sprintf("callee function expects %s, but %d %s provided.", a.Words("argument"), n, was)
}

// Words says the arity in English, noun in the singular: "exactly 2 arguments".
func (a Arity) Words(noun string) string {
	count := func(n int) string {
		if n == 1 {
			return "1 " + noun
		}
		return strconv.Itoa(n) + " " + noun + "s"
	}
	switch {
	case a.Rest && a.Min == 0:
		return "any number of " + noun + "s"
	case a.Rest:
		return "at least " + count(a.Min)
	case a.Max == 0:
		return "no " + noun + "s"
	case a.Min == a.Max:
		return "exactly " + count(a.Max)
	}
	text := strconv.Itoa(a.Min)
	for n := a.Min + 1; n < a.Max; n++ {
		text += ", " + strconv.Itoa(n)
	}
	return fmt.Sprintf("%s or %d %ss", text, a.Max, noun)
}
