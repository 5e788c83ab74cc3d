package syntax_test

import (
	"fmt"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

func Example() {
	const src = "Todo.where(.owner==me){title}"
	q, _ := syntax.ParseQuery(src)
	fmt.Println(syntax.Print(q))

	const wrong = "Todo.where(.owner == me"
	_, errs := syntax.ParseQuery(wrong)
	fmt.Println(syntax.Render("*query*", wrong, errs[0]))
	// Output:
	// Todo.where(.owner == me) { title }
	// error: Expected `)` or `,`
	// at *query*:1:24
	//   |
	// 1 | Todo.where(.owner == me
	//   |                        ^
	//   |
}
