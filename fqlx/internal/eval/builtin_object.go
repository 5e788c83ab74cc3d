package eval

import (
	"slices"
	"unicode"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The module Object. Objects themselves have fields only, so that a field can have any
// name. (Fauna: Object)
func init() {
	object := []string{"object: Object"}
	path := []string{"object: Struct", "path: Array"}
	coreModules["Object"] = table{
		"assign":      {params: []string{"destination: Object", "source: Object"}, fn: objectAssign},
		"entries":     {params: object, fn: objectEntries},
		"fromEntries": {params: []string{"entries: Array"}, fn: objectFromEntries},
		"hasPath":     {params: path, fn: objectHasPath},
		"keys":        {params: object, fn: objectKeys},
		"select":      {params: path, fn: objectSelect},
		"toString":    {params: []string{"object"}, fn: objectToString},
		"values":      {params: object, fn: objectValues},
	}
}

// objectArg returns the fields of an argument that is an object or a document.
func (ev *evaluator) objectArg(v value.Value, name string) (*value.Object, error) {
	if o, ok := v.(*value.Object); ok {
		return o, nil
	}
	if err := ev.need(resolve.Read, name); err != nil {
		return nil, err
	}
	fields, missing, err := ev.docFields(v)
	if err != nil {
		return nil, err
	}
	if missing != nil {
		why := ev.errMissing(missing.ref, missing.cause).Message
		first, size := utf8.DecodeRuneInString(why)
		return nil, errArgument(name, "%s", string(unicode.ToLower(first))+why[size:])
	}
	return fields, nil
}

// eachField makes an array with something for each field of an object or document.
func (ev *evaluator) eachField(v value.Value, f func(value.Field) value.Value) (value.Value, error) {
	o, err := ev.objectArg(v, "object")
	if err != nil {
		return nil, err
	}
	if err := ev.build(o.Len() * 16); err != nil {
		return nil, err
	}
	out := make(value.Array, o.Len())
	for i, field := range o.Fields() {
		out[i] = f(field)
	}
	return out, nil
}

func objectKeys(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return ev.eachField(args[0], func(f value.Field) value.Value { return value.String(f.Name) })
}

func objectValues(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return ev.eachField(args[0], func(f value.Field) value.Value { return f.Value })
}

func objectEntries(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return ev.eachField(args[0], func(f value.Field) value.Value {
		return value.Array{value.String(f.Name), f.Value}
	})
}

func objectFromEntries(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	entries := elems(args[0])
	if err := ev.build(len(entries) * 32); err != nil {
		return nil, err
	}
	fields := make([]value.Field, len(entries))
	for i, e := range entries {
		pair, ok := e.(value.Array)
		if !ok {
			return nil, errArgument("entries", "expected an array for each element of the outer array, but saw type %s at index %d", typeName(e), i)
		}
		if len(pair) != 2 {
			return nil, errArgument("entries", "expected inner array of length 2 but saw length %d at index %d", len(pair), i)
		}
		key, ok := pair[0].(value.String)
		if !ok {
			return nil, errArgument("entries", "expected a string for the first element of each inner array, but saw type %s at index %d", typeName(pair[0]), i)
		}
		fields[i] = value.Field{Name: string(key), Value: pair[1]}
	}
	return value.NewObject(fields...), nil
}

// objectAssign puts the fields of the second over those of the first.
func objectAssign(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	dst, err := ev.objectArg(args[0], "destination")
	if err != nil {
		return nil, err
	}
	src, err := ev.objectArg(args[1], "source")
	if err != nil {
		return nil, err
	}
	n := dst.Len() + src.Len()
	if err := ev.build(n * 32); err != nil {
		return nil, err
	}
	return value.NewObject(slices.Concat(dst.Fields(), src.Fields())...), ev.spend(n / 8)
}

func objectSelect(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	v, found, err := selectPath(args[0], elems(args[1]))
	if err != nil || !found {
		return nullOf("no value in object found at path"), err
	}
	return v, nil
}

func objectHasPath(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	_, found, err := selectPath(args[0], elems(args[1]))
	return value.Bool(found), err
}

// selectPath follows path through objects. It does not go into documents.
func selectPath(v value.Value, path value.Array) (value.Value, bool, error) {
	for _, step := range path {
		key, ok := step.(value.String)
		if !ok {
			return nil, false, errArgument("path", "expected an array of strings")
		}
		o, ok := v.(*value.Object)
		if !ok {
			return nil, false, nil
		}
		if v, ok = o.Get(string(key)); !ok {
			return nil, false, nil
		}
	}
	return v, true, nil
}

func objectToString(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	return toString(ev, args[0], nil)
}
