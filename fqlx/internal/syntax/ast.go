package syntax

// Span is a half-open range of byte offsets in a source text. That of a node runs from its
// first token to its last, without the parentheses around it; at the end of a text, and
// where a short lambda's argument is implied, it is empty.
type Span struct{ Start, End int }

// Node is a piece of a parsed text that knows where it stands.
type Node interface{ Span() Span }

// Span makes a Node of everything that embeds a Span.
func (s Span) Span() Span { return s }

// span is the name under which nodes embed their Span: a field Span would hide the method.
type span = Span

// Expr is an FQL expression. The concrete types are the *…Expr types of this file.
type Expr interface {
	Node
	expr()
}

type (
	// NullExpr is `null`, BoolExpr `true` or `false`.
	NullExpr struct{ span }
	BoolExpr struct {
		span
		Value bool
	}
	// NumberExpr is a number literal. A sign directly before the digits is part of it, as
	// in Fauna: `-1.x` is `(-1).x`. Exactly one of the values counts: Float if IsFloat
	// (also for integers beyond 64 bits), else Int.
	NumberExpr struct {
		span
		IsFloat bool
		Int     int64
		Float   float64
	}
	// StringExpr is a string without interpolation, escapes resolved.
	StringExpr struct {
		span
		Value string
	}
	// TemplateExpr is a string with interpolation: StringExpr and other expressions in turn.
	TemplateExpr struct {
		span
		Parts []Expr
	}
	// ValueExpr is the Index-th value of a query template (fauna-go's ${…}), counted from
	// 0. It is written as one NUL byte in the source given to [ParseQuery].
	ValueExpr struct {
		span
		Index int
	}
	// NameExpr is a name: a variable, or of the global namespace. Slot is filled in by resolve.
	NameExpr struct {
		span
		Name string
		Slot Slot
	}
	// ThisExpr is the implied argument of a short lambda, the left end of `.a.b`. Like a
	// name it has a slot.
	ThisExpr struct {
		span
		Slot Slot
	}
	// BlockExpr is `{ stmt… expr }` and the whole of a query.
	BlockExpr struct {
		span
		Stmts []Stmt // the last one is an *ExprStmt
	}
	ObjectExpr struct {
		span
		Fields []ObjectField
	}
	// ArrayExpr is `[a, b]`, or a Tuple: `(a, b)` with two or more elements, or `()`.
	ArrayExpr struct {
		span
		Elems []Expr
		Tuple bool
	}
	// IfExpr: Else is nil where there is none.
	IfExpr struct {
		span
		Cond, Then, Else Expr
	}
	// AtExpr is `at (time) expr`.
	AtExpr struct {
		span
		Time, Body Expr
	}
	// LambdaExpr is `(a, b) => e`, or a short lambda such as `.f == 1`, whose one parameter
	// is the ThisExpr inside. Slots is the size of its frame, Captures what it takes from
	// the frame around it; both are filled in by resolve.
	LambdaExpr struct {
		span
		Params   []Param
		Rest     string // name of `...rest`, if HasRest
		HasRest  bool
		Short    bool
		Body     Expr
		Slots    int
		Captures []Slot
	}
	// ProjectExpr is `e { a, b: .c }`. All is `e {*}`, which Fauna does not implement.
	ProjectExpr struct {
		span
		X      Expr
		Fields []ProjectField
		All    bool
	}
	// ChainExpr is the outer end of a chain of accesses that holds a `?.`: a null at the
	// `?.` makes the whole of X null.
	ChainExpr struct {
		span
		X Expr
	}
	// FieldExpr is `x.name` or `x?.name`. NameSpan is where the name stands.
	FieldExpr struct {
		span
		X        Expr
		Name     string
		NameSpan Span
		Optional bool
	}
	// IndexExpr is `x[i]`, `x?.[i]` or `.[i]`.
	IndexExpr struct {
		span
		X        Expr
		Args     []Expr
		Optional bool
	}
	// CallExpr is `f(args)` or `f?.(args)`; Fn is a *FieldExpr in a method call.
	CallExpr struct {
		span
		Fn       Expr
		Args     []Expr
		ArgsSpan Span
		Optional bool
	}
	// BangExpr is `x!`.
	BangExpr struct {
		span
		X Expr
	}
	// UnaryExpr is `-x`, `~x` or `!x`.
	UnaryExpr struct {
		span
		Op string
		X  Expr
	}
	// BinaryExpr is any two-place operator but isa, spelled as in the source.
	BinaryExpr struct {
		span
		Op     string
		OpSpan Span
		L, R   Expr
	}
	// IsaExpr is `x isa Type`. Type is a NameExpr in all but odd code: the grammar takes any
	// operand, a template value for one.
	IsaExpr struct {
		span
		X    Expr
		Type Expr
	}
	// MatchExpr is `match x { case … }`, which parses and which Fauna does not implement.
	// The cases are skipped.
	MatchExpr struct {
		span
		X Expr
	}
)

// Slot says where a variable lives: in the running function's frame or among what the
// function captured. The zero Slot is a global name.
type Slot struct {
	Kind  SlotKind
	Index int
}

type SlotKind uint8

const (
	Global SlotKind = iota
	Local
	Captured
)

// Param is one parameter of a lambda or function. Name "_" is discarded.
type Param struct {
	span
	Name string
	Slot int
	Type Type // nil in lambdas
}

// ObjectField is `key: value`.
type ObjectField struct {
	KeySpan Span
	Key     string
	Value   Expr
}

// ProjectField is one member of a projection. A plain name `a` stands for `a: .a`. Value is
// a short *LambdaExpr when it depends on the element (`.a`, `d { x }`), else an expression
// evaluated once for each element.
type ProjectField struct {
	span
	Key   string
	Value Expr
}

// Stmt is a statement of a block.
type Stmt interface {
	Node
	stmt()
}

type (
	// LetStmt is `let x: T = e`; Type may be nil.
	LetStmt struct {
		span
		Name     string
		NameSpan Span
		Slot     int
		Type     Type
		Value    Expr
	}
	ExprStmt struct {
		span
		X Expr
	}
)

// Query is a parsed query. Slots is the size of its frame (filled in by resolve), Values
// the number of template values it has.
type Query struct {
	Source string
	Body   *BlockExpr
	Slots  int
	Values int
}

// Span is that of the whole query, without white space around it.
func (q *Query) Span() Span { return q.Body.Span() }

// Type is a type expression of a declaration.
type Type interface {
	Node
	typ()
}

type (
	// NamedType is `String`, `Ref<User>`, `Array<Int>`.
	NamedType struct {
		span
		Name string
		Args []Type
	}
	// NullableType is `T?`.
	NullableType struct {
		span
		X Type
	}
	UnionType struct {
		span
		Alts []Type
	}
	// LiteralType is a string, number, boolean or null literal used as a type.
	LiteralType struct {
		span
		X Expr
	}
	TupleType struct {
		span
		Elems []Type
	}
	// ObjectType is `{ a: T, *: U }`; Wildcard is nil where there is none.
	ObjectType struct {
		span
		Fields   []FieldDecl
		Wildcard Type
	}
	// FuncType is `(A, B) => R`. The names that its parameters may have are not kept. Rest
	// is the type of a last parameter `...T`, else nil.
	FuncType struct {
		span
		Params []Type
		Rest   Type
		Result Type
	}
)

// Item is one declaration of an FSL file. Its span begins with the comment that is its Doc.
type Item interface {
	Node
	ItemKind() string // "collection", "function", "role", "access provider"
	ItemName() string
}

type (
	// CollectionDecl is `collection Name { … }`. Wildcard is nil where there is none.
	// The pointers are nil where the member is not there.
	CollectionDecl struct {
		span
		Doc          string // the comment directly above, without markers
		Name         string
		NameSpan     Span
		Alias        string
		Fields       []FieldDecl
		Wildcard     Type
		Computed     []ComputedDecl
		Uniques      []UniqueDecl
		Checks       []CheckDecl
		Indexes      []IndexDecl
		HistoryDays  *int64
		TTLDays      *int64
		DocumentTTLs *bool
		Migrations   *MigrationsDecl
	}
	// FieldDecl is `name: Type = default`, in a collection or an object type. Type is nil
	// where only the default is given.
	FieldDecl struct {
		span
		Name    string
		Type    Type
		Default Expr
	}
	ComputedDecl struct {
		span
		Name string
		Type Type
		Body Expr // a *LambdaExpr
	}
	UniqueDecl struct {
		span
		Paths []PathDecl
	}
	CheckDecl struct {
		span
		Name string
		Body Expr // a *LambdaExpr
	}
	IndexDecl struct {
		span
		Name   string
		Terms  []PathDecl
		Values []PathDecl
	}
	// PathDecl is `.a.b`, `mva(.a)`, `desc(.a)`, `asc(.a)`.
	PathDecl struct {
		span
		Path []string
		MVA  bool
		Desc bool
	}
	// MigrationsDecl keeps the text of a migrations block.
	MigrationsDecl struct {
		span
		Text string
	}
	// FunctionDecl is `function name(a: T, ...rest: U): R { … }`. Typed says that the
	// arguments and the result have types.
	FunctionDecl struct {
		span
		Doc      string
		Name     string
		NameSpan Span
		Alias    string
		Role     string
		Params   []Param
		Rest     *Param
		Result   Type
		Typed    bool
		// Lambda is the function as an expression, sharing the parameters' names.
		Lambda *LambdaExpr
	}
	RoleDecl struct {
		span
		Doc        string
		Name       string
		NameSpan   Span
		Privileges []PrivilegesDecl
		Membership []MembershipDecl
	}
	PrivilegesDecl struct {
		span
		Resource     string
		ResourceSpan Span
		Actions      []ActionDecl
	}
	// ActionDecl is `read`, or `read { predicate (…) }`; Predicate is nil or a *LambdaExpr.
	ActionDecl struct {
		span
		Action    string
		Predicate Expr
	}
	MembershipDecl struct {
		span
		Collection     string
		CollectionSpan Span
		Predicate      Expr
	}
	// AccessProviderDecl is parsed so that it can be refused by name. Text is what stands
	// between its braces.
	AccessProviderDecl struct {
		span
		Doc      string
		Name     string
		NameSpan Span
		Text     string
	}
)

func (*CollectionDecl) ItemKind() string     { return "collection" }
func (d *CollectionDecl) ItemName() string   { return d.Name }
func (*FunctionDecl) ItemKind() string       { return "function" }
func (d *FunctionDecl) ItemName() string     { return d.Name }
func (*RoleDecl) ItemKind() string           { return "role" }
func (d *RoleDecl) ItemName() string         { return d.Name }
func (*AccessProviderDecl) ItemKind() string { return "access provider" }
func (d *AccessProviderDecl) ItemName() string {
	return d.Name
}

func (*NullExpr) expr()     {}
func (*BoolExpr) expr()     {}
func (*NumberExpr) expr()   {}
func (*StringExpr) expr()   {}
func (*TemplateExpr) expr() {}
func (*ValueExpr) expr()    {}
func (*NameExpr) expr()     {}
func (*ThisExpr) expr()     {}
func (*BlockExpr) expr()    {}
func (*ObjectExpr) expr()   {}
func (*ArrayExpr) expr()    {}
func (*IfExpr) expr()       {}
func (*AtExpr) expr()       {}
func (*LambdaExpr) expr()   {}
func (*ProjectExpr) expr()  {}
func (*ChainExpr) expr()    {}
func (*FieldExpr) expr()    {}
func (*IndexExpr) expr()    {}
func (*CallExpr) expr()     {}
func (*BangExpr) expr()     {}
func (*UnaryExpr) expr()    {}
func (*BinaryExpr) expr()   {}
func (*IsaExpr) expr()      {}
func (*MatchExpr) expr()    {}
func (*LetStmt) stmt()      {}
func (*ExprStmt) stmt()     {}
func (*NamedType) typ()     {}
func (*NullableType) typ()  {}
func (*UnionType) typ()     {}
func (*LiteralType) typ()   {}
func (*TupleType) typ()     {}
func (*ObjectType) typ()    {}
func (*FuncType) typ()      {}

// Error is a text that does not parse, or a name that does not resolve. Label stands beside
// the carets; Hint is a further sentence, about the text at HintSpan unless that is empty.
type Error struct {
	Span     Span
	Msg      string
	Label    string
	Hint     string
	HintSpan Span
}

func (e *Error) Error() string { return e.Msg }
