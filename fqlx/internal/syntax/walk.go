package syntax

// Walk visits n and what is below it, parents first and in the order of the text (the parts
// of a collection by kind). It leaves out what is below a node for which visit is false.
//
// It descends into expressions, statements, types and items; the members of an item are not
// nodes of the walk, the expressions and types in them are.
func Walk(n Node, visit func(Node) bool) {
	if !visit(n) {
		return
	}
	eachChild(n, func(c Node) bool {
		Walk(c, visit)
		return true
	})
}

// children is what eachChild calls f for, until f returns false.
type children struct {
	f    func(Node) bool
	done bool
}

func (c *children) expr(list ...Expr) {
	for _, x := range list {
		if x != nil && !c.done {
			c.done = !c.f(x)
		}
	}
}

func (c *children) typ(list ...Type) {
	for _, t := range list {
		if t != nil && !c.done {
			c.done = !c.f(t)
		}
	}
}

func (c *children) fields(list []FieldDecl) {
	for i := range list {
		c.typ(list[i].Type)
		c.expr(list[i].Default)
	}
}

// eachChild calls f for the nodes directly below n, until f returns false. It tells whether
// it reached the last.
func eachChild(n Node, f func(Node) bool) bool {
	c := &children{f: f}
	switch n := n.(type) {
	case Expr:
		c.ofExpr(n)
	case *LetStmt:
		c.typ(n.Type)
		c.expr(n.Value)
	case *ExprStmt:
		c.expr(n.X)
	case Type:
		c.ofType(n)
	case Item:
		c.ofItem(n)
	case *Query:
		c.expr(n.Body)
	}
	return !c.done
}

func (c *children) ofExpr(x Expr) {
	switch x := x.(type) {
	case *TemplateExpr:
		c.expr(x.Parts...)
	case *BlockExpr:
		for _, s := range x.Stmts {
			if !c.done {
				c.done = !c.f(s)
			}
		}
	case *ObjectExpr:
		for i := range x.Fields {
			c.expr(x.Fields[i].Value)
		}
	case *ArrayExpr:
		c.expr(x.Elems...)
	case *IfExpr:
		c.expr(x.Cond, x.Then, x.Else)
	case *AtExpr:
		c.expr(x.Time, x.Body)
	case *LambdaExpr:
		c.expr(x.Body)
	case *ProjectExpr:
		c.expr(x.X)
		for i := range x.Fields {
			c.expr(x.Fields[i].Value)
		}
	case *ChainExpr:
		c.expr(x.X)
	case *FieldExpr:
		c.expr(x.X)
	case *IndexExpr:
		c.expr(x.X)
		c.expr(x.Args...)
	case *CallExpr:
		c.expr(x.Fn)
		c.expr(x.Args...)
	case *BangExpr:
		c.expr(x.X)
	case *UnaryExpr:
		c.expr(x.X)
	case *BinaryExpr:
		c.expr(x.L, x.R)
	case *IsaExpr:
		c.expr(x.X, x.Type)
	case *MatchExpr:
		c.expr(x.X)
	}
}

func (c *children) ofType(t Type) {
	switch t := t.(type) {
	case *NamedType:
		c.typ(t.Args...)
	case *NullableType:
		c.typ(t.X)
	case *UnionType:
		c.typ(t.Alts...)
	case *LiteralType:
		c.expr(t.X)
	case *TupleType:
		c.typ(t.Elems...)
	case *ObjectType:
		c.fields(t.Fields)
		c.typ(t.Wildcard)
	case *FuncType:
		c.typ(t.Params...)
		c.typ(t.Rest, t.Result)
	}
}

func (c *children) ofItem(d Item) {
	switch d := d.(type) {
	case *CollectionDecl:
		c.fields(d.Fields)
		c.typ(d.Wildcard)
		for i := range d.Computed {
			c.typ(d.Computed[i].Type)
			c.expr(d.Computed[i].Body)
		}
		for i := range d.Checks {
			c.expr(d.Checks[i].Body)
		}
	case *FunctionDecl:
		for i := range d.Params {
			c.typ(d.Params[i].Type)
		}
		if d.Rest != nil {
			c.typ(d.Rest.Type)
		}
		c.typ(d.Result)
		c.expr(d.Lambda)
	case *RoleDecl:
		for i := range d.Privileges {
			for j := range d.Privileges[i].Actions {
				c.expr(d.Privileges[i].Actions[j].Predicate)
			}
		}
		for i := range d.Membership {
			c.expr(d.Membership[i].Predicate)
		}
	}
}
