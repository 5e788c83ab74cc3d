package syntax

import (
	"fmt"
	"strconv"
	"strings"
)

// dump shows a tree as a compact s-expression: `(+ a (* b 2))`. This is `@`, a template value
// $0, a short lambda (\. body), a `?.` access one with a `?` before it.
func dump(n Node) string {
	switch x := n.(type) {
	case *Query:
		return dumpStmts(x.Body.Stmts)
	case *NullExpr:
		return "null"
	case *BoolExpr:
		return strconv.FormatBool(x.Value)
	case *NumberExpr:
		if x.IsFloat {
			return fmt.Sprintf("%gf", x.Float)
		}
		return strconv.FormatInt(x.Int, 10)
	case *StringExpr:
		return strconv.Quote(x.Value)
	case *TemplateExpr:
		return "(str" + dumpAll(x.Parts) + ")"
	case *ValueExpr:
		return "$" + strconv.Itoa(x.Index)
	case *NameExpr:
		return x.Name
	case *ThisExpr:
		return "@"
	case *BlockExpr:
		return "(do " + dumpStmts(x.Stmts) + ")"
	case *ObjectExpr:
		var fields []string
		for _, f := range x.Fields {
			fields = append(fields, f.Key+":"+dump(f.Value))
		}
		return "{" + strings.Join(fields, " ") + "}"
	case *ArrayExpr:
		if x.Tuple {
			return "(tuple" + dumpAll(x.Elems) + ")"
		}
		return "[" + strings.TrimPrefix(dumpAll(x.Elems), " ") + "]"
	case *IfExpr:
		if x.Else == nil {
			return "(if" + dumpAll([]Expr{x.Cond, x.Then}) + ")"
		}
		return "(if" + dumpAll([]Expr{x.Cond, x.Then, x.Else}) + ")"
	case *AtExpr:
		return "(at" + dumpAll([]Expr{x.Time, x.Body}) + ")"
	case *LambdaExpr:
		if x.Short {
			return `(\.` + " " + dump(x.Body) + ")"
		}
		var names []string
		for _, p := range x.Params {
			names = append(names, p.Name)
		}
		if x.HasRest {
			names = append(names, "..."+x.Rest)
		}
		return `(\(` + strings.Join(names, " ") + ") " + dump(x.Body) + ")"
	case *ProjectExpr:
		if x.All {
			return "(proj " + dump(x.X) + " *)"
		}
		s := "(proj " + dump(x.X)
		for _, f := range x.Fields {
			s += " " + f.Key + ":" + dump(f.Value)
		}
		return s + ")"
	case *ChainExpr:
		return "(chain " + dump(x.X) + ")"
	case *FieldExpr:
		return "(" + opt(x.Optional) + ". " + dump(x.X) + " " + x.Name + ")"
	case *IndexExpr:
		return "(" + opt(x.Optional) + "[] " + dump(x.X) + dumpAll(x.Args) + ")"
	case *CallExpr:
		return "(" + opt(x.Optional) + "call " + dump(x.Fn) + dumpAll(x.Args) + ")"
	case *BangExpr:
		return "(bang " + dump(x.X) + ")"
	case *UnaryExpr:
		return "(" + x.Op + " " + dump(x.X) + ")"
	case *BinaryExpr:
		return "(" + x.Op + " " + dump(x.L) + " " + dump(x.R) + ")"
	case *IsaExpr:
		return "(isa " + dump(x.X) + " " + dump(x.Type) + ")"
	case *MatchExpr:
		return "(match " + dump(x.X) + ")"
	case *LetStmt:
		if x.Type != nil {
			return "(let " + x.Name + " " + dumpType(x.Type) + " " + dump(x.Value) + ")"
		}
		return "(let " + x.Name + " " + dump(x.Value) + ")"
	case *ExprStmt:
		return dump(x.X)
	}
	panic(fmt.Sprintf("dump: %T", n))
}

func opt(o bool) string {
	if o {
		return "?"
	}
	return ""
}

func dumpAll(list []Expr) string {
	s := ""
	for _, x := range list {
		s += " " + dump(x)
	}
	return s
}

func dumpStmts(list []Stmt) string {
	var parts []string
	for _, s := range list {
		parts = append(parts, dump(s))
	}
	return strings.Join(parts, " ; ")
}

func dumpType(t Type) string {
	switch t := t.(type) {
	case nil:
		return "-"
	case *NamedType:
		return t.Name + dumpTypes("<", t.Args, ">")
	case *NullableType:
		return "(? " + dumpType(t.X) + ")"
	case *UnionType:
		return dumpTypes("(|", t.Alts, ")")
	case *LiteralType:
		return "'" + dump(t.X)
	case *TupleType:
		return dumpTypes("(tuple", t.Elems, ")")
	case *ObjectType:
		s := "{"
		for _, f := range t.Fields {
			s += f.Name + ":" + dumpType(f.Type)
			if f.Default != nil {
				s += "=" + dump(f.Default)
			}
			s += " "
		}
		if t.Wildcard != nil {
			s += "*:" + dumpType(t.Wildcard)
		}
		return strings.TrimSuffix(s, " ") + "}"
	case *FuncType:
		s := dumpTypes("(\\", t.Params, "")
		if t.Rest != nil {
			s += " ..." + dumpType(t.Rest)
		}
		return s + " => " + dumpType(t.Result) + ")"
	}
	panic(fmt.Sprintf("dumpType: %T", t))
}

func dumpTypes(open string, list []Type, close string) string {
	if open == "<" && len(list) == 0 {
		return ""
	}
	var parts []string
	for _, t := range list {
		parts = append(parts, dumpType(t))
	}
	if open != "<" && len(parts) > 0 {
		open += " "
	}
	return open + strings.Join(parts, " ") + close
}
