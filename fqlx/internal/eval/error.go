package eval

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// Error is a query that failed while it ran (Fauna: QueryRuntimeFailure). On the wire it is
// always HTTP 400. Other errors of an evaluation are not the query's fault: they come from
// the store or are those of the context.
type Error struct {
	Code    string
	Message string
	// Span, in Source, is where it happened; Stack the calls that led there, innermost
	// first. Without a Source.Name the place is not known.
	Span   syntax.Span
	Source schema.Source
	Stack  []call
	// Abort is the argument of abort(), if HasAbort.
	Abort    value.Value
	HasAbort bool
	Failures []Failure
	Hint     string
}

// Failure is one violated constraint. A path holds strings and ints.
type Failure struct {
	Paths   [][]any
	Message string
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// errorf makes an error without a place. Whoever knows it adds it with at or locate.
func errorf(code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// at sets the place of e unless it has one, and returns e.
func (e *Error) at(span syntax.Span, source schema.Source) *Error {
	if e.Source.Name == "" {
		e.Span, e.Source = span, source
	}
	return e
}

// locate gives err its place and the calls under way, unless it has them.
func (ev *evaluator) locate(err error, span syntax.Span) error {
	var e *Error
	if errors.As(err, &e) && e.Source.Name == "" {
		e.at(span, ev.source)
		e.Stack = slices.Clone(ev.stack)
		slices.Reverse(e.Stack)
	}
	return err
}

// fail makes an error that happened at span.
func (ev *evaluator) fail(span syntax.Span, code, format string, args ...any) error {
	return ev.locate(errorf(code, format, args...), span)
}

// errType is the error for a value that cannot be used here.
func errType(want string, got value.Value) *Error {
	return errorf("type_mismatch", "expected type: %s, received %s", want, typeName(got))
}

// errArgument is the error for an argument of a fitting type that will not do.
func errArgument(name, format string, args ...any) *Error {
	return errorf("invalid_argument", "invalid argument `%s`: %s", name, fmt.Sprintf(format, args...))
}

// errArgumentType is the error for an argument of the wrong type.
func errArgumentType(name, want string, got value.Value) *Error {
	return errorf("invalid_argument", "expected value for `%s` of type %s, received %s", name, want, typeName(got))
}

// errUnsupported is the error for what Fauna has and this engine has not.
func errUnsupported(name string) *Error {
	return errorf("disabled_feature", "`%s` is not supported by this engine", name)
}

// errNoFunction is the error for a method or operator that a type does not have.
func errNoFunction(name string, receiver value.Value) *Error {
	return errorf("invalid_function_invocation", "The function `%s` does not exist on `%s`", name, typeName(receiver))
}

// errNullAccess is the error for a member of null.
func errNullAccess(name string) *Error {
	return errorf("invalid_null_access", "Cannot access `%s` on null.", name)
}

// Summary is the text for people, as Fauna writes it: message, place, source with carets,
// then the calls that led there. Unless full, places outside the query's own text are left
// out: they would show the source of functions to whoever may call them.
func (e *Error) Summary(full bool) string {
	places := append([]call{{e.Source, e.Span}}, e.Stack...)
	places = slices.DeleteFunc(places, func(c call) bool {
		return c.source.Name == "" || !full && c.source.Name != queryName
	})
	text := e.Message
	if len(e.Failures) > 0 {
		text += "\nconstraint failures:"
	}
	for _, f := range e.Failures {
		text += "\n  " + strings.ReplaceAll(f.label()+f.Message, "\n", "\n      ")
	}
	if len(places) == 0 {
		return "error: " + text + "\nat <no source>"
	}
	first := places[0]
	parts := []string{syntax.Render(first.source.Name, first.source.Text, &syntax.Error{Span: first.span, Msg: text, Hint: e.Hint})}
	for _, c := range places[1:] {
		parts = append(parts, c.excerpt())
	}
	return strings.Join(parts, "\n")
}

// label names the fields that a failure is about: "a.b, c: ".
func (f Failure) label() string {
	var b strings.Builder
	for i, path := range f.Paths {
		if i > 0 {
			b.WriteString(", ")
		}
		for j, part := range path {
			if j > 0 {
				b.WriteByte('.')
			}
			fmt.Fprint(&b, part)
		}
	}
	if b.Len() > 0 {
		b.WriteString(": ")
	}
	return b.String()
}

// excerpt shows the place of a call: "at *query*:1:1" and the source with carets.
func (c call) excerpt() string {
	_, text, _ := strings.Cut(syntax.Render(c.source.Name, c.source.Text, &syntax.Error{Span: c.span}), "\n")
	return text
}

// logLine is what one log() or dbg() said.
type logLine struct {
	place call
	text  string
	long  bool // dbg: with an excerpt of the source
}

// say adds a line to the log, at the place of the call under way.
func (ev *evaluator) say(text string, long bool) {
	line := logLine{text: text, long: long}
	if n := len(ev.stack); n > 0 {
		line.place = ev.stack[n-1]
	}
	ev.log = append(ev.log, line)
}

// logged is the log for the summary; unless full, only what the query's own text said.
func (ev *evaluator) logged(full bool) string {
	var parts []string
	for _, l := range ev.log {
		if full || l.place.source.Name == queryName {
			parts = append(parts, l.String())
		}
	}
	return strings.Join(parts, "\n\n")
}

func (l logLine) String() string {
	if l.long {
		return "info: " + l.text + "\n" + l.place.excerpt()
	}
	line, _ := syntax.Position(l.place.source.Text, l.place.span.Start)
	return fmt.Sprintf("info at %s:%d: %s", l.place.source.Name, line, l.text)
}
