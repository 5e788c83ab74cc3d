package eval

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// setMethods are the methods of sets (Fauna: Sets). Those that give another set read
// nothing by themselves.
var setMethods table

func init() {
	setMethods = table{
		"aggregate":   {params: []string{"seed", "combiner: Function(2)"}, effect: resolve.Read, fn: setFold},
		"any":         {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: setAny},
		"concat":      {params: []string{"other"}, fn: setConcat},
		"count":       {effect: resolve.Read, fn: setCount},
		"distinct":    {fn: lazily(setOp{kind: opDistinct})},
		"drop":        {params: []string{"amount: Int"}, fn: setDrop},
		"every":       {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: setEvery},
		"first":       {effect: resolve.Read, fn: setFirst},
		"firstWhere":  {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: setFirstWhere},
		"flatMap":     {params: []string{"mapper: Function(1)"}, fn: setWith(opFlatMap)},
		"fold":        {params: []string{"seed", "reducer: Function(2)"}, effect: resolve.Read, fn: setFold},
		"foldRight":   {params: []string{"seed", "reducer: Function(2)"}, effect: resolve.Read, fn: setFoldRight},
		"forEach":     {params: []string{"callback: Function(1)"}, effect: resolve.Read, fn: setForEach},
		"includes":    {params: []string{"element"}, effect: resolve.Read, fn: setIncludes},
		"isEmpty":     {effect: resolve.Read, fn: setIsEmpty},
		"last":        {effect: resolve.Read, fn: setLast},
		"lastWhere":   {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: setLastWhere},
		"map":         {params: []string{"mapper: Function(1)"}, fn: setWith(opMap)},
		"nonEmpty":    {effect: resolve.Read, fn: setNonEmpty},
		"order":       {params: []string{"...ordering"}, fn: setOrder},
		"pageSize":    {params: []string{"size: Int"}, fn: setPageSize},
		"paginate":    {params: []string{"size?: Int"}, effect: resolve.Read, fn: setPaginate},
		"reduce":      {params: []string{"reducer: Function(2)"}, effect: resolve.Read, fn: setReduce},
		"reduceRight": {params: []string{"reducer: Function(2)"}, effect: resolve.Read, fn: setReduceRight},
		"reverse":     {fn: setReverse},
		"take":        {params: []string{"limit: Int"}, fn: setTake},
		"toArray":     {effect: resolve.Read, fn: setToArray},
		"toSet":       {fn: func(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) { return this, nil }},
		"where":       {params: []string{"predicate: Function(1)"}, fn: setWith(opWhere)},
	}
}

// The functions of the module Set.
func init() {
	systemModules["Set"] = table{
		"single": {params: []string{"element"}, fn: func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
			return &set{source: &items{values: value.Array{args[0]}}}, nil
		}},
		"sequence": {params: []string{"from: Int", "until: Int"}, fn: func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
			from, _ := value.AsInt64(args[0])
			until, _ := value.AsInt64(args[1])
			return &set{source: &sequence{from: from, until: max(from, until)}}, nil
		}},
		"paginate": {params: []string{"cursor: String", "size?: Int"}, effect: resolve.Read, fn: setFromCursor},
	}
}

type builtinFunc = func(ev *evaluator, this value.Value, args []value.Value) (value.Value, error)

func lazily(op setOp) builtinFunc {
	return func(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
		return this.(*set).with(op), nil
	}
}

func setWith(kind opKind) builtinFunc {
	return func(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
		return this.(*set).with(setOp{kind: kind, fn: args[0]}), nil
	}
}

func setDrop(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	n, _ := value.AsInt64(args[0])
	return this.(*set).with(setOp{kind: opDrop, n: int(max(n, 0))}), nil
}

func setTake(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	n, _ := value.AsInt64(args[0])
	if n < 0 {
		return nil, errBounds("limit", "greater than 0", args[0])
	}
	return this.(*set).with(setOp{kind: opTake, n: int(n)}), nil
}

// errBounds is Fauna's invalid_bounds.
func errBounds(name, want string, got value.Value) *Error {
	return errorf("invalid_bounds", "expected `%s` to be %s, received %s", name, want, value.Display(got))
}

func setOrder(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	keys, err := orderKeys(args)
	if err != nil {
		return nil, err
	}
	return this.(*set).with(setOp{kind: opOrder, keys: keys}), nil
}

func setReverse(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return this.(*set).reversed(), nil
}

func setConcat(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	first := this.(*set)
	var second *set
	switch other := args[0].(type) {
	case *set:
		second = other
	case value.Array:
		second = &set{source: &items{values: other}}
	default:
		return nil, errArgumentType("other", "Set<Any>", args[0])
	}
	depth := max(first.depth, second.depth) + 1
	if depth > maxSetDepth {
		return nil, errorf("value_too_large", "Value too large: sets within sets exceed limit %d.", maxSetDepth)
	}
	return &set{source: &concatenation{first: first, second: second}, size: first.size, depth: depth}, nil
}

func setPageSize(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	n, err := pageSizeOf(args[0])
	if err != nil {
		return nil, err
	}
	next := *this.(*set)
	next.size = n
	return &next, nil
}

func pageSizeOf(v value.Value) (int, error) {
	n, _ := value.AsInt64(v)
	if n < 1 || n > maxPageSize {
		return 0, errBounds("size", "between 1 and 16000 (inclusive)", v)
	}
	return int(n), nil
}

// pageSize is how many elements a page of s has.
func (s *set) pageSize() int {
	if s.size == 0 {
		return defaultPageSize
	}
	return s.size
}

func setPaginate(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.paginate(this.(*set), args)
}

func setFromCursor(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	s, err := ev.openCursor(string(args[0].(value.String)))
	if err != nil {
		return nil, err
	}
	return ev.paginate(s, args[1:])
}

// paginate returns the page object {data, after}. args may hold a size.
func (ev *evaluator) paginate(s *set, args []value.Value) (value.Value, error) {
	if len(args) > 0 {
		n, err := pageSizeOf(args[0])
		if err != nil {
			return nil, err
		}
		sized := *s
		sized.size = n
		s = &sized
	}
	elems, rest, err := ev.page(s, s.pageSize())
	if err != nil {
		return nil, err
	}
	fields := []value.Field{{Name: "data", Value: elems}}
	if rest != nil {
		cursor, err := ev.cursor(rest)
		if err != nil {
			return nil, err
		}
		fields = append(fields, value.Field{Name: "after", Value: value.String(cursor)})
	}
	return value.NewObject(fields...), nil
}

func setToArray(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	elems, err := ev.all(this.(*set))
	if elems == nil {
		elems = value.Array{}
	}
	return elems, err
}

func setCount(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	n := int64(0)
	err := ev.iterate(this.(*set), func(value.Value) (bool, error) {
		n++
		return true, nil
	})
	return value.Integer(n), err
}

func setFirst(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return ev.first(this.(*set))
}

// first returns the first element, or null.
// emptySet is the first of no elements.
var emptySet = nullOf("empty set")

func (ev *evaluator) first(s *set) (value.Value, error) {
	if scan, ok := s.source.(*indexScan); ok && s.isPlain() && s.start.key == nil {
		if v, err := scan.first(ev); v != nil || err != nil {
			return v, err
		}
	}
	first := emptySet
	err := ev.iterate(s, func(v value.Value) (bool, error) {
		first = v
		return false, nil
	})
	return first, err
}

func setFirstWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.first(this.(*set).with(setOp{kind: opWhere, fn: args[0]}))
}

func setLast(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return ev.first(this.(*set).reversed())
}

func setLastWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.first(this.(*set).reversed().with(setOp{kind: opWhere, fn: args[0]}))
}

func setIsEmpty(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	empty := true
	err := ev.iterate(this.(*set), func(value.Value) (bool, error) {
		empty = false
		return false, nil
	})
	return value.Bool(empty), err
}

func setNonEmpty(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	empty, err := setIsEmpty(ev, this, args)
	return value.Bool(empty == value.Bool(false)), err
}

func setAny(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.search(this.(*set), args[0], true)
}

func setEvery(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.search(this.(*set), args[0], false)
}

// search looks for an element of which the predicate answers wanted; without one it
// returns the opposite.
func (ev *evaluator) search(s *set, predicate value.Value, wanted bool) (value.Value, error) {
	result := !wanted
	err := ev.iterate(s, func(v value.Value) (bool, error) {
		err := ev.inSet(func() error {
			ok, err := ev.predicate(predicate, v)
			if ok == wanted {
				result = wanted
			}
			return err
		})
		return result != wanted, err
	})
	return value.Bool(result), err
}

func setIncludes(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	found := false
	err := ev.iterate(this.(*set), func(v value.Value) (bool, error) {
		var err error
		found, err = ev.equal(v, args[0])
		return !found, err
	})
	return value.Bool(found), err
}

// setForEach calls the function with each element. Unlike the functions of other methods it
// may write, so what it is called with is read beforehand, a batch at a time.
func setForEach(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	for s := this.(*set); s != nil; {
		if !s.seekable() { // what is written could shift what is still to come
			elems, err := ev.all(s)
			if err != nil {
				return nil, err
			}
			return null, ev.callEach(args[0], elems)
		}
		elems, rest, err := ev.page(s, maxElements)
		if err != nil {
			return nil, err
		}
		if err := ev.callEach(args[0], elems); err != nil {
			return nil, err
		}
		s = rest
	}
	return null, nil
}

func (ev *evaluator) callEach(fn value.Value, elems value.Array) error {
	for _, v := range elems {
		if _, err := ev.apply(fn, syntax.Span{}, v); err != nil {
			return err
		}
	}
	return nil
}

func setFold(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.fold(this.(*set), args[0], args[1])
}

func setFoldRight(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.fold(this.(*set).reversed(), args[0], args[1])
}

func setReduce(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.fold(this.(*set), nil, args[0])
}

func setReduceRight(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.fold(this.(*set).reversed(), nil, args[0])
}

// fold combines the elements from the first to the last; without a seed the first is it.
func (ev *evaluator) fold(s *set, seed, reducer value.Value) (value.Value, error) {
	acc := seed
	err := ev.iterate(s, func(v value.Value) (bool, error) {
		if acc == nil {
			acc = v
			return true, nil
		}
		err := ev.inSet(func() (err error) {
			acc, err = ev.apply(reducer, syntax.Span{}, acc, v)
			return err
		})
		return true, err
	})
	if acc == nil && err == nil {
		return nullOf("empty set"), nil
	}
	return acc, err
}

// arrange is what an op does that needs all elements.
func (ev *evaluator) arrange(op *setOp, elems value.Array) (value.Array, error) {
	switch op.kind {
	case opReverse:
		slices.Reverse(elems)
		return elems, nil
	case opOrder:
		var sorted value.Array
		err := ev.inSet(func() (err error) {
			sorted, err = ev.sorted(elems, op.keys)
			return err
		})
		return sorted, err
	}
	sorted, err := ev.sorted(elems, nil) // distinct elements come in order (Fauna: DistinctSet)
	if err != nil {
		return nil, err
	}
	return slices.CompactFunc(sorted, func(a, b value.Value) bool {
		var c int
		if err == nil {
			c, err = ev.compare(a, b)
		}
		return c == 0 && err == nil
	}), err
}
