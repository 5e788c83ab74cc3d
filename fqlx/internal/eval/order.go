package eval

import (
	"fmt"
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// orderKey is an argument of order(): what to sort by, and whether backwards.
type orderKey struct {
	fn   value.Value
	desc bool
}

// orderKeys reads the arguments of order(): functions, asc(f) and desc(f), which are
// objects of one field.
func orderKeys(args []value.Value) ([]orderKey, error) {
	keys := make([]orderKey, len(args))
	for i, arg := range args {
		key := orderKey{fn: arg}
		if o, ok := arg.(*value.Object); ok && o.Len() == 1 {
			switch f := o.Fields()[0]; f.Name {
			case "asc":
				key.fn = f.Value
			case "desc":
				key = orderKey{f.Value, true}
			}
		}
		if err := checkFunction(fmt.Sprintf("ordering%d", i), 1, key.fn); err != nil {
			return nil, err
		}
		keys[i] = key
	}
	return keys, nil
}

// sortValues returns what v is sorted by: the keys' values, or v itself where there is no key.
func (ev *evaluator) sortValues(v value.Value, keys []orderKey) ([]value.Value, error) {
	if len(keys) == 0 {
		return []value.Value{v}, nil
	}
	out := make([]value.Value, len(keys))
	for i, k := range keys {
		s, err := ev.apply(k.fn, syntax.Span{}, v)
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// compareSorted compares what sortValues returned for two values.
func (ev *evaluator) compareSorted(a, b []value.Value, keys []orderKey) (int, error) {
	for i := range a {
		c, err := ev.compare(a[i], b[i])
		if err != nil {
			return 0, err
		}
		if c != 0 && len(keys) > 0 && keys[i].desc {
			return -c, nil
		}
		if c != 0 {
			return c, nil
		}
	}
	return 0, nil
}

// sorted returns vs in order, equal ones in the order they had.
func (ev *evaluator) sorted(vs value.Array, keys []orderKey) (value.Array, error) {
	by := make([][]value.Value, len(vs))
	for i, v := range vs {
		var err error
		if by[i], err = ev.sortValues(v, keys); err != nil {
			return nil, err
		}
	}
	order, err := stableOrder(len(vs), func(i, j int) (int, error) { return ev.compareSorted(by[i], by[j], keys) })
	if err != nil {
		return nil, err
	}
	out := make(value.Array, len(vs))
	for n, i := range order {
		out[n] = vs[i]
	}
	return out, nil
}

// sortedIndexes returns the indexes of vs in the order of their elements.
func (ev *evaluator) sortedIndexes(vs value.Array) ([]int, error) {
	return stableOrder(len(vs), func(i, j int) (int, error) { return ev.compare(vs[i], vs[j]) })
}

// stableOrder sorts the numbers below n by a comparison that can fail.
func stableOrder(n int, compare func(i, j int) (int, error)) ([]int, error) {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	var failed error
	slices.SortStableFunc(order, func(i, j int) int {
		if failed != nil {
			return 0
		}
		c, err := compare(i, j)
		failed = err
		return c
	})
	return order, failed
}
