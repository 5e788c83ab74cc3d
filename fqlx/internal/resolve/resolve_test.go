package resolve_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

func query(t *testing.T, src string) (*syntax.Query, *syntax.Error) {
	t.Helper()
	q, errs := syntax.ParseQuery(src)
	if len(errs) > 0 {
		t.Fatalf("%s: %v", src, errs[0])
	}
	return q, resolve.Query(q)
}

// where describes the slots of the names in n, in order: "x=L0" is local slot 0, "x=C1" is
// captured value 1, "x=G" a global. A lambda shows the size of its frame and its captures.
func where(n syntax.Node) string {
	var out []string
	slot := func(name string, s syntax.Slot) string {
		switch s.Kind {
		case syntax.Local:
			return fmt.Sprintf("%sL%d", name, s.Index)
		case syntax.Captured:
			return fmt.Sprintf("%sC%d", name, s.Index)
		}
		return name + "G"
	}
	syntax.Walk(n, func(n syntax.Node) bool {
		switch n := n.(type) {
		case *syntax.NameExpr:
			out = append(out, slot(n.Name+"=", n.Slot))
		case *syntax.ThisExpr:
			out = append(out, slot("this=", n.Slot))
		case *syntax.LambdaExpr:
			captures := []string{}
			for _, c := range n.Captures {
				captures = append(captures, slot("", c))
			}
			out = append(out, fmt.Sprintf("fn/%d%v", n.Slots, captures))
		}
		return true
	})
	return strings.Join(out, " ")
}

func TestQuerySlots(t *testing.T) {
	tests := []struct{ name, src, want string }{
		{"global", "x", "x=G"},
		{"let", "let x = 1; x", "x=L0"},
		{"value before scope", "let x = x; x", "x=G x=L0"},
		{"shadowing", "let x = 1; let x = x; x", "x=L0 x=L1"},
		{"end of block", "let a = { let x = 1; x }; x", "x=L0 x=G"},
		{"slots are not used again", "let a = { let x = 1; x }; let b = 2; b", "x=L0 b=L2"},
		{"parameters", "(a, b) => b", "fn/2[] b=L1"},
		{"discarded parameter", "(_, b) => b", "fn/2[] b=L1"},
		{"rest", "(a, ...r) => r", "fn/2[] r=L1"},
		{"this", "[1].map(.a)", "fn/1[] this=L0"},
		{"let in a lambda", "x => { let y = x; y }", "fn/2[] x=L0 y=L1"},
		{"capture", "let x = 1; () => x", "fn/0[L0] x=C0"},
		{"capture twice", "let x = 1; () => [x, x]", "fn/0[L0] x=C0 x=C0"},
		{"capture through", "let x = 1; a => b => x", "fn/1[L0] fn/1[C0] x=C0"},
		{"capture in order of use", "let x = 1; let y = 2; () => [y, x]", "fn/0[L1 L0] y=C0 x=C1"},
		{"this within this", "[1].map(.xs.where(.a == 1))", "fn/1[] this=L0 fn/1[] this=L0"},
		{"projection", "let k = 1; {} { a, b: .c, d: k }", "fn/1[] this=L0 fn/1[] this=L0 k=L0"},
		{"template", `let x = 1; "#{x}"`, "x=L0"},
		{"isa", "let T = Int; 1 isa T", "Int=G T=L0"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q, err := query(t, tt.src)
			if err != nil {
				t.Fatal(err)
			}
			if got := where(q); got != tt.want {
				t.Errorf("%s\ngot  %s\nwant %s", tt.src, got, tt.want)
			}
		})
	}
}

func TestQuerySize(t *testing.T) {
	q, err := query(t, "let a = { let x = 1; x }; let b = 2; b")
	if err != nil {
		t.Fatal(err)
	}
	if q.Slots != 3 {
		t.Errorf("Slots = %d, want 3", q.Slots)
	}
}

func TestRefused(t *testing.T) {
	tests := []struct{ src, want string }{
		{"at (Time.now()) { 1 }", "at expressions are not supported by this engine"},
		{"if (true) { at (Time.now()) { 1 } }", "at expressions are not supported by this engine"},
		{"{} {*}", "project expr not supported"},
		{`"a" =~ "b"`, "operator `=~` not supported"},
		{`[x => "a" !~ x]`, "operator `!~` not supported"},
		{"(x => x)(1, 2)", "callee function expects exactly 1 argument, but 2 were provided."},
		{"((x, ...y) => x)()", "callee function expects at least 1 argument, but 0 were provided."},
		{"(.a)()", "callee function expects exactly 1 argument, but 0 were provided."},
	}
	for _, tt := range tests {
		if _, err := query(t, tt.src); err == nil || err.Msg != tt.want {
			t.Errorf("%s: got %v, want %s", tt.src, err, tt.want)
		}
	}
}

// The parser may refuse them before, too.
func TestReservedNames(t *testing.T) {
	for _, src := range []string{"let FQL = 1; 1", "let _ = 1; 1", "FQL => 1"} {
		q, errs := syntax.ParseQuery(src)
		if len(errs) == 0 && resolve.Query(q) == nil {
			t.Errorf("%s is accepted", src)
		}
	}
}

func TestFunction(t *testing.T) {
	items, errs := syntax.ParseSchema("function f(a, b, ...c) { let d = a; [b, c, d, e] }")
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	d := items[0].(*syntax.FunctionDecl)
	if err := resolve.Function(d); err != nil {
		t.Fatal(err)
	}
	if got, want := where(d.Lambda), "fn/4[] a=L0 b=L1 c=L2 d=L3 e=G"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if d.Params[1].Slot != 1 {
		t.Errorf("Params[1].Slot = %d, want 1", d.Params[1].Slot)
	}
}

func TestExpr(t *testing.T) {
	q, errs := syntax.ParseQuery("{ let x = 1; x + y }")
	if len(errs) > 0 {
		t.Fatal(errs[0])
	}
	l, err := resolve.Expr(q.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := where(l), "fn/1[] x=L0 y=G"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestGlobals(t *testing.T) {
	q, err := query(t, "let x = User; [1].map(y => x.where(z => Todo.byId(y)))")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range resolve.Globals(q.Body) {
		got = append(got, n.Name)
	}
	if want := []string{"User", "Todo"}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestEffectOf(t *testing.T) {
	effects := map[string]resolve.Effect{
		"newId": resolve.Observation, "Time.now": resolve.Observation,
		"User.byId": resolve.Read, ".exists": resolve.Read, ".update": resolve.Write, "User.create": resolve.Write,
	}
	tests := []struct {
		src  string
		want resolve.Effect
	}{
		{"1 + [2].length", resolve.Pure},
		{"newId()", resolve.Observation},
		{"Time.now().add(1, 'day')", resolve.Observation},
		{"User.byId('1')", resolve.Read},
		{"x => if (x) User.create({}) else 1", resolve.Write},
		{"let f = User.create; f({})", resolve.Write},
		{"let newId = x => x; newId(1)", resolve.Pure},
		{"let u = { update: 1 }; u.update", resolve.Write}, // an upper bound
	}
	for _, tt := range tests {
		q, err := query(t, tt.src)
		if err != nil {
			t.Fatal(err)
		}
		got, at := resolve.EffectOf(q.Body, func(name string) resolve.Effect { return effects[name] })
		if got != tt.want || (at == nil) != (got == resolve.Pure) {
			t.Errorf("%s: got %v at %v, want %v", tt.src, got, at, tt.want)
		}
	}
}

func TestArityWords(t *testing.T) {
	tests := []struct {
		arity resolve.Arity
		n     int
		want  string
	}{
		{resolve.Arity{}, 1, "callee function expects no arguments, but 1 was provided."},
		{resolve.Arity{Min: 1, Max: 1}, 0, "callee function expects exactly 1 argument, but 0 were provided."},
		{resolve.Arity{Min: 2, Max: 2}, 1, "callee function expects exactly 2 arguments, but 1 was provided."},
		{resolve.Arity{Min: 1, Max: 2}, 3, "callee function expects 1 or 2 arguments, but 3 were provided."},
		{resolve.Arity{Min: 0, Max: 2}, 3, "callee function expects 0, 1 or 2 arguments, but 3 were provided."},
		{resolve.Arity{Min: 1, Max: 1, Rest: true}, 0, "callee function expects at least 1 argument, but 0 were provided."},
		{resolve.Arity{Rest: true}, 0, "callee function expects any number of arguments, but 0 were provided."},
	}
	for _, tt := range tests {
		if got := tt.arity.Mismatch(tt.n); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.arity, got, tt.want)
		}
	}
}
