package syntax

import (
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxDepth bounds the recursion of the parser, maxHeight that of whoever walks its trees.
	// They differ since `a + b + c…` is parsed by a loop and gives a tree that leans left.
	maxDepth  = 500
	maxHeight = 15_000
	// A level of nesting puts at most this many nodes on a path, chain links not counted.
	nodesPerLevel = 10
)

// ParseQuery parses a query. Each value of a template is one NUL byte in src; they become
// ValueExprs, numbered from 0 in order. With an error there is no query.
func ParseQuery(src string) (*Query, []*Error) {
	return parse(src, true, (*parser).query)
}

// ParseLambda parses the text of a function, as FQL's schema documents have it: `x => x * 2`,
// `(.a == 1)` or `.a == 1`.
func ParseLambda(src string) (*LambdaExpr, []*Error) {
	return parse(src, false, (*parser).lambdaText)
}

// ParseSchema parses an FSL file. What needs more than the one file is not checked: reserved
// names, index paths, references to other items, types.
func ParseSchema(src string) ([]Item, []*Error) {
	return parse(src, false, (*parser).schema)
}

func parse[T any](src string, template bool, entry func(*parser) T) (result T, errs []*Error) {
	p := &parser{src: src, template: template, skipFrom: -1}
	defer func() {
		switch stop := recover().(type) {
		case nil:
		case bailout:
			errs = []*Error{stop.err}
		default:
			panic(stop)
		}
	}()
	result = entry(p)
	return result, nil
}

// bailout is what fail panics with and parse recovers.
type bailout struct{ err *Error }

// parser is a place in a text. Its methods are called at the first character of what they
// parse. Those for tokens, literals and what ends with a bracket leave it right behind; those
// for what goes on, such as chains, operators and types, at the next character on the line
// that is not a blank or in a comment.
type parser struct {
	src      string
	pos      int
	end      int  // where the last token ended
	template bool // a NUL byte is a value
	values   int  // how many there were

	depth int // of nesting
	links int // operators and accesses so far

	// Where skip last began and ended. Several places of the grammar look beyond the same
	// line end; without this memory a long comment there would be read at each level.
	skipFrom, skipTo int
}

func (p *parser) fail(e Error) { panic(bailout{&e}) }

// here is the span of the character at the current place.
func (p *parser) here() Span {
	_, size := utf8.DecodeRuneInString(p.src[p.pos:])
	return Span{p.pos, p.pos + size}
}

// expected fails at the current place. As in Fauna's messages what was expected is listed in
// alphabetical order; an empty string is skipped.
func (p *parser) expected(what ...string) {
	what = slices.DeleteFunc(what, func(s string) bool { return s == "" })
	slices.Sort(what)
	last := len(what) - 1
	list := what[last]
	switch {
	case last == 1:
		list = what[0] + " or " + list
	case last > 1:
		list = strings.Join(what[:last], ", ") + ", or " + list
	}
	p.fail(Error{Span: p.here(), Msg: "Expected " + list})
}

func (p *parser) enter() {
	p.depth++
	if p.depth > maxDepth {
		p.fail(Error{Span: p.here(), Msg: "nesting too deep"})
	}
}

func (p *parser) leave() { p.depth-- }

// checkHeight fails if a path from root is longer than maxHeight. It can be only when there
// are many links.
func (p *parser) checkHeight(root Node) {
	if p.links+maxDepth*nodesPerLevel <= maxHeight {
		return
	}
	type place struct {
		node   Node
		height int
	}
	todo := []place{{root, 1}}
	for len(todo) > 0 {
		at := todo[len(todo)-1]
		todo = todo[:len(todo)-1]
		if at.height > maxHeight {
			p.fail(Error{Span: at.node.Span(), Msg: "nesting too deep", Hint: "Chains of operators and calls count too"})
		}
		eachChild(at.node, func(c Node) bool {
			todo = append(todo, place{c, at.height + 1})
			return true
		})
	}
}

// query = stmts
func (p *parser) query() *Query {
	p.nl()
	start := p.pos
	body := &BlockExpr{Stmts: p.stmts("query")}
	body.span = Span{start, p.end}
	p.eof()
	p.checkHeight(body)
	return &Query{Source: p.src, Body: body, Values: p.values}
}

func (p *parser) lambdaText() *LambdaExpr {
	p.nl()
	start := p.pos
	if p.pos == len(p.src) {
		p.fail(Error{Span: p.here(), Msg: "Unexpected end of query. Expected statement or expression"})
	}
	x := p.arg()
	whole := Span{start, p.end}
	p.nl()
	p.eof()
	l, ok := x.(*LambdaExpr)
	if !ok {
		p.fail(Error{
			Span: whole, Msg: "Body must be a lambda expression.", Label: "Expression is not a lambda.",
			Hint: "Declare a lambda: `() => …`",
		})
	}
	p.checkHeight(l)
	return l
}

func (p *parser) eof() {
	if p.pos < len(p.src) {
		p.expected("end-of-input")
	}
}

// stmts = stmt { sep stmt } [ sep ], followed by what ends a query or block. The last
// statement is an expression.
func (p *parser) stmts(of string) []Stmt {
	var list []Stmt
	for p.startsExpr() {
		list = append(list, p.stmt())
		if !p.sep() {
			break
		}
	}
	p.nl()
	if len(list) == 0 {
		p.fail(Error{Span: p.here(), Msg: "Unexpected end of " + of + ". Expected statement or expression"})
	}
	if let, ok := list[len(list)-1].(*LetStmt); ok {
		p.fail(Error{
			Span: p.here(), Msg: "Missing return expression",
			Hint: "Statement does not return a value", HintSpan: let.span,
		})
	}
	return list
}

// stmt = "let" name [ ":" type ] "=" expr | expr
func (p *parser) stmt() Stmt {
	if p.word() == "let" {
		return p.let()
	}
	x := p.expr()
	return &ExprStmt{span: x.Span(), X: x}
}

func (p *parser) let() *LetStmt {
	start := p.pos
	p.take(len("let"))
	p.nl()
	s := &LetStmt{}
	s.Name, s.NameSpan = p.ident()
	if s.Name == "FQL" || s.Name == "_" {
		p.failKeyword(s.Name, s.NameSpan)
	}
	p.nl()
	want := []string{"`:`", "`=`"}
	if p.has(":") {
		p.take(1)
		p.nl()
		s.Type = p.plainType()
		want = []string{"`=`", p.openArgs(s.Type)}
		p.nl()
	}
	if !p.has("=") {
		p.expected(want...)
	}
	p.take(1)
	p.nl()
	s.Value = p.expr()
	s.span = Span{start, p.end}
	return s
}
