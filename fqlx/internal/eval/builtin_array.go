package eval

import (
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// arrayMethods are the members of arrays. Their lambdas may do what their surroundings
// may: unlike those of sets they can write. (Fauna: Array)
var arrayMethods table

func init() {
	var (
		predicate = []string{"predicate: Function(1)"}
		mapper    = []string{"mapper: Function(1)"}
		reducer   = []string{"reducer: Function(2)"}
		folder    = []string{"seed", "reducer: Function(2)"}
	)
	arrayMethods = table{
		"length":         {prop: true, fn: arrayLength},
		"aggregate":      {params: []string{"seed", "combiner: Function(2)"}, fn: arrayAggregate},
		"any":            {params: predicate, fn: arrayAny},
		"append":         {params: []string{"element"}, fn: arrayAppend},
		"at":             {params: []string{"index: Int"}, fn: arrayAt},
		"concat":         {params: []string{"other: Array"}, fn: arrayConcat},
		"distinct":       {fn: arrayDistinct},
		"drop":           {params: []string{"amount: Int"}, fn: arrayDrop},
		"entries":        {fn: arrayEntries},
		"every":          {params: predicate, fn: arrayEvery},
		"filter":         {params: predicate, fn: arrayWhere},
		"first":          {fn: arrayFirst},
		"firstWhere":     {params: predicate, fn: arrayFirstWhere},
		"flatMap":        {params: mapper, fn: arrayFlatMap},
		"flatten":        {fn: arrayFlatten},
		"fold":           {params: folder, fn: arrayFold},
		"foldRight":      {params: folder, fn: arrayFoldRight},
		"forEach":        {params: []string{"callback: Function(1)"}, fn: arrayForEach},
		"includes":       {params: []string{"element"}, fn: arrayIncludes},
		"indexOf":        {params: []string{"element", "start?: Int"}, fn: arrayIndexOf},
		"indexWhere":     {params: []string{"predicate: Function(1)", "start?: Int"}, fn: arrayIndexWhere},
		"isEmpty":        {fn: arrayIsEmpty},
		"last":           {fn: arrayLast},
		"lastIndexOf":    {params: []string{"element", "end?: Int"}, fn: arrayLastIndexOf},
		"lastIndexWhere": {params: []string{"predicate: Function(1)", "end?: Int"}, fn: arrayLastIndexWhere},
		"lastWhere":      {params: predicate, fn: arrayLastWhere},
		"map":            {params: mapper, fn: arrayMap},
		"nonEmpty":       {fn: arrayNonEmpty},
		"order":          {params: []string{"...ordering"}, fn: arrayOrder},
		"prepend":        {params: []string{"element"}, fn: arrayPrepend},
		"reduce":         {params: reducer, fn: arrayReduce},
		"reduceRight":    {params: reducer, fn: arrayReduceRight},
		"reverse":        {fn: arrayReverse},
		"slice":          {params: []string{"from: Int", "until?: Int"}, fn: arraySlice},
		"take":           {params: []string{"limit: Int"}, fn: arrayTake},
		"toSet":          {fn: arrayToSet},
		"toString":       {fn: toString},
		"where":          {params: predicate, fn: arrayWhere},
	}
	coreModules["Array"] = table{
		"sequence": {params: []string{"from: Int", "until: Int"}, fn: arraySequence},
	}
}

func arraySequence(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	from, until := num(args[0]), num(args[1])
	n := max(until-from, 0)
	if n > maxArray {
		return nil, errorf("value_too_large", "Value too large: range size %d exceeds limit %d.", n, maxArray)
	}
	if err := ev.roomForArray(n); err != nil {
		return nil, err
	}
	out := make(value.Array, n)
	for i := range out {
		out[i] = value.Int(from + i)
	}
	return out, nil
}

func elems(v value.Value) value.Array { return v.(value.Array) }

var emptyArray = nullOf("empty array")

func arrayLength(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.Int(len(elems(this))), nil
}

func arrayIsEmpty(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.Bool(len(elems(this)) == 0), nil
}

func arrayNonEmpty(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.Bool(len(elems(this)) != 0), nil
}

func arrayAt(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	i, err := checkIndex(elems(this), args[0])
	if err != nil {
		return nil, err
	}
	return elems(this)[i], nil
}

func checkIndex(a value.Array, index value.Value) (int, error) {
	i := num(index)
	if i < 0 || i >= len(a) {
		return 0, errIndex(i, len(a))
	}
	return i, nil
}

func arrayFirst(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	if a := elems(this); len(a) > 0 {
		return a[0], nil
	}
	return emptyArray, nil
}

func arrayLast(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	if a := elems(this); len(a) > 0 {
		return a[len(a)-1], nil
	}
	return emptyArray, nil
}

// joined makes one array out of several.
func (ev *evaluator) joined(parts ...value.Array) (value.Value, error) {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	if err := ev.roomForArray(n); err != nil {
		return nil, err
	}
	return slices.Concat(parts...), nil
}

func arrayAppend(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.joined(elems(this), value.Array{args[0]})
}

func arrayPrepend(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.joined(value.Array{args[0]}, elems(this))
}

func arrayConcat(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.joined(elems(this), elems(args[0]))
}

func arrayFlatten(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	parts := make([]value.Array, len(elems(this)))
	for i, e := range elems(this) {
		part, ok := e.(value.Array)
		if !ok {
			return nil, errType("Array<Any>", e)
		}
		parts[i] = part
	}
	return ev.joined(parts...)
}

func arrayReverse(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	out := slices.Clone(elems(this))
	slices.Reverse(out)
	return out, ev.build(len(out) * 16)
}

// clip takes positions outside of the array for its ends.
func clip(a value.Array, from, until int) value.Array {
	from = min(max(from, 0), len(a))
	return a[from:min(max(until, from), len(a))]
}

func arrayDrop(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return clip(elems(this), num(args[0]), len(elems(this))), nil
}

func arrayTake(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return clip(elems(this), 0, num(args[0])), nil
}

func arraySlice(_ *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	until := len(elems(this))
	if len(args) > 1 {
		until = num(args[1])
	}
	return clip(elems(this), num(args[0]), until), nil
}

func arrayEntries(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	a := elems(this)
	if err := ev.build(len(a) * 64); err != nil {
		return nil, err
	}
	out := make(value.Array, len(a))
	for i, e := range a {
		out[i] = value.Array{value.Int(i), e}
	}
	return out, nil
}

// arrayDistinct keeps the first of equal elements. Sorting brings these together, which an
// array of thousands needs; the order does not tell functions and sets apart, equal does.
func arrayDistinct(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	a := elems(this)
	order, err := ev.sortedIndexes(a)
	if err != nil {
		return nil, err
	}
	keep := make([]bool, len(a))
	var run value.Array // different elements that the order holds for equal
	for n, i := range order {
		if n > 0 {
			c, err := ev.compare(a[order[n-1]], a[i])
			if err != nil {
				return nil, err
			}
			if c != 0 {
				run = run[:0]
			}
		}
		at, err := ev.indexOf(run, a[i], 0)
		if err != nil {
			return nil, err
		}
		if keep[i] = at < 0; keep[i] {
			run = append(run, a[i])
		}
	}
	out := value.Array{}
	for i, e := range a {
		if keep[i] {
			out = append(out, e)
		}
	}
	return out, ev.build(len(out) * 16)
}

// indexOf returns the position of the first element from start on that equals e, or -1.
func (ev *evaluator) indexOf(a value.Array, e value.Value, start int) (int, error) {
	for i := start; i < len(a); i++ {
		if same, err := ev.equal(a[i], e); same || err != nil {
			return i, err
		}
	}
	return -1, nil
}

func arrayIncludes(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	at, err := ev.indexOf(elems(this), args[0], 0)
	return value.Bool(at >= 0), err
}

// indexOrNull is how positions are returned.
func indexOrNull(i int, err error) (value.Value, error) {
	if i < 0 || err != nil {
		return notFound, err
	}
	return value.Int(i), nil
}

// optionalIndex returns the index that argument i is, or otherwise if it is not there.
func optionalIndex(a value.Array, args []value.Value, i, otherwise int) (int, error) {
	if len(args) <= i {
		return otherwise, nil
	}
	return checkIndex(a, args[i])
}

func arrayIndexOf(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	start, err := optionalIndex(elems(this), args, 1, 0)
	if err != nil {
		return nil, err
	}
	return indexOrNull(ev.indexOf(elems(this), args[0], start))
}

func arrayLastIndexOf(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	a := elems(this)
	end, err := optionalIndex(a, args, 1, len(a)-1)
	if err != nil {
		return nil, err
	}
	for i := end; i >= 0; i-- {
		if same, err := ev.equal(a[i], args[0]); same || err != nil {
			return indexOrNull(i, err)
		}
	}
	return notFound, nil
}

// indexWhere returns the position of the first element from start on for which fn holds,
// or -1.
func (ev *evaluator) indexWhere(a value.Array, fn value.Value, start int) (int, error) {
	for i := start; i < len(a); i++ {
		if ok, err := ev.predicate(fn, a[i]); ok || err != nil {
			return i, err
		}
	}
	return -1, nil
}

func (ev *evaluator) lastIndexWhere(a value.Array, fn value.Value, end int) (int, error) {
	for i := end; i >= 0; i-- {
		if ok, err := ev.predicate(fn, a[i]); ok || err != nil {
			return i, err
		}
	}
	return -1, nil
}

func arrayIndexWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	start, err := optionalIndex(elems(this), args, 1, 0)
	if err != nil {
		return nil, err
	}
	return indexOrNull(ev.indexWhere(elems(this), args[0], start))
}

func arrayLastIndexWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	end, err := optionalIndex(elems(this), args, 1, len(elems(this))-1)
	if err != nil {
		return nil, err
	}
	return indexOrNull(ev.lastIndexWhere(elems(this), args[0], end))
}

func arrayAny(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	i, err := ev.indexWhere(elems(this), args[0], 0)
	return value.Bool(i >= 0), err
}

func arrayEvery(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	for _, e := range elems(this) {
		if ok, err := ev.predicate(args[0], e); !ok || err != nil {
			return value.Bool(false), err
		}
	}
	return value.Bool(true), nil
}

// matching returns the elements for which fn holds. Fauna asks for all of them even where it
// then takes one, so an error in a later one counts.
func (ev *evaluator) matching(a value.Array, fn value.Value) (value.Array, error) {
	out := value.Array{}
	for _, e := range a {
		ok, err := ev.predicate(fn, e)
		if err != nil {
			return nil, err
		}
		if ok {
			out = append(out, e)
		}
	}
	return out, nil
}

func arrayWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.matching(elems(this), args[0])
}

func arrayFirstWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	found, err := ev.matching(elems(this), args[0])
	if err != nil || len(found) == 0 {
		return notFound, err
	}
	return found[0], nil
}

func arrayLastWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	found, err := ev.matching(elems(this), args[0])
	if err != nil || len(found) == 0 {
		return notFound, err
	}
	return found[len(found)-1], nil
}

func arrayForEach(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	for _, e := range elems(this) {
		if _, err := ev.apply(args[0], syntax.Span{}, e); err != nil {
			return nil, err
		}
	}
	return null, nil
}

func arrayMap(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	a := elems(this)
	out := make(value.Array, len(a))
	for i, e := range a {
		v, err := ev.apply(args[0], syntax.Span{}, e)
		if err != nil {
			return nil, err
		}
		out[i] = v
	}
	return out, ev.build(len(out) * 16)
}

func arrayFlatMap(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	parts := make([]value.Array, len(elems(this)))
	for i, e := range elems(this) {
		v, err := ev.apply(args[0], syntax.Span{}, e)
		if err != nil {
			return nil, err
		}
		part, ok := v.(value.Array)
		if !ok {
			return nil, errType("Array<Any>", v)
		}
		parts[i] = part
	}
	return ev.joined(parts...)
}

// foldArray folds a into acc, from its front.
func (ev *evaluator) foldArray(a value.Array, acc, fn value.Value) (_ value.Value, err error) {
	for _, e := range a {
		if acc, err = ev.apply(fn, syntax.Span{}, acc, e); err != nil {
			return nil, err
		}
	}
	return acc, nil
}

func reversed(a value.Array) value.Array {
	out := slices.Clone(a)
	slices.Reverse(out)
	return out
}

func arrayFold(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.foldArray(elems(this), args[0], args[1])
}

func arrayFoldRight(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return ev.foldArray(reversed(elems(this)), args[0], args[1])
}

func arrayReduce(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	a := elems(this)
	if len(a) == 0 {
		return emptyArray, nil
	}
	return ev.foldArray(a[1:], a[0], args[0])
}

func arrayReduceRight(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	return arrayReduce(ev, reversed(elems(this)), args)
}

// arrayAggregate combines neighbours until one value is left, and that with the seed.
func arrayAggregate(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	a := slices.Clone(elems(this))
	if len(a) == 0 {
		return args[0], nil
	}
	for len(a) > 1 {
		half := a[:0]
		for i := 0; i < len(a); i += 2 {
			if i+1 == len(a) {
				half = append(half, a[i])
				break
			}
			v, err := ev.apply(args[1], syntax.Span{}, a[i], a[i+1])
			if err != nil {
				return nil, err
			}
			half = append(half, v)
		}
		a = half
	}
	return ev.apply(args[1], syntax.Span{}, a[0], args[0])
}

func arrayToSet(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return &set{source: &items{values: elems(this)}}, nil
}

func arrayOrder(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	keys, err := orderKeys(args)
	if err != nil {
		return nil, err
	}
	return ev.sorted(elems(this), keys)
}
