package schema

import (
	"fmt"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// Problem is a reason why a set of files is not a schema.
type Problem struct {
	Source   Source
	Span     syntax.Span
	Message  string
	Label    string // beside the carets
	Hint     string
	HintSpan syntax.Span // what the hint is about, unless empty
}

// ProblemOf makes a Problem of an error in src.
func ProblemOf(src Source, e *syntax.Error) Problem {
	return Problem{src, e.Span, e.Msg, e.Label, e.Hint, e.HintSpan}
}

// String renders p as Fauna does: the message, where it is, and the line with carets.
func (p Problem) String() string {
	return syntax.Render(p.Source.Name, p.Source.Text, &syntax.Error{
		Span: p.Span, Msg: p.Message, Label: p.Label, Hint: p.Hint, HintSpan: p.HintSpan,
	})
}

// RenderProblems renders all of them, an empty line between each two.
func RenderProblems(ps []Problem) string {
	all := make([]string, len(ps))
	for i, p := range ps {
		all[i] = strings.TrimRight(p.String(), "\n")
	}
	return strings.Join(all, "\n\n")
}

// report notes a problem at the node n of the source src.
func (l *loader) report(src Source, n syntax.Node, format string, args ...any) {
	l.problems = append(l.problems, Problem{Source: src, Span: n.Span(), Message: fmt.Sprintf(format, args...)})
}

// unsupported notes that Fauna has a feature which this engine has not.
func (l *loader) unsupported(src Source, n syntax.Node, feature string) {
	l.report(src, n, "%s is not supported by this engine", feature)
}
