package eval

import (
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The functions without a module, and ID. (Fauna: global functions)
func init() {
	functions := table{
		"abort": {params: []string{"return"}, fn: abort},
		"asc":   {params: []string{"accessor: Function(1)"}, fn: ordered("asc")},
		"dbg":   {params: []string{"value"}, fn: dbg},
		"desc":  {params: []string{"accessor: Function(1)"}, fn: ordered("desc")},
		"log":   {params: []string{"...args"}, fn: logAll},
		"newId": {effect: resolve.Observation, fn: newID},
	}
	for name, b := range functions {
		globals[name] = &nativeFunction{name: name, builtin: b}
	}
	coreModules["ID"] = table{"()": {params: []string{"id"}, fn: toID}}
}

func abort(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	e := errorf("abort", "Query aborted.")
	e.Abort, e.HasAbort = args[0], true
	return nil, e
}

// ordered makes what order() takes as a key.
func ordered(direction string) method {
	return func(_ *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		return value.NewObject(value.Field{Name: direction, Value: args[0]}), nil
	}
}

func logAll(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	parts := make([]string, len(args))
	for i, arg := range args {
		text, err := ev.display(arg)
		if err != nil {
			return nil, err
		}
		parts[i] = text
	}
	if err := ev.roomFor(parts...); err != nil {
		return nil, err
	}
	ev.say(strings.Join(parts, " "), false)
	return null, nil
}

func dbg(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	text, err := ev.debug(args[0])
	if err == nil {
		err = ev.roomFor(text)
	}
	if err != nil {
		return nil, err
	}
	ev.say(text, true)
	return args[0], nil
}

func newID(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) {
	if p := ev.passwords; p != nil {
		return p.id(ev.db.ids.next)
	}
	id, err := ev.db.ids.next()
	return id, err
}

// toID makes an ID of digits or a whole number.
func toID(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	switch v := args[0].(type) {
	case value.ID:
		return v, nil
	case value.String:
		if n, err := strconv.ParseInt(string(v), 10, 64); err == nil && n >= 0 {
			return value.ID(n), nil
		}
	case value.Int, value.Long:
		if n, _ := value.AsInt64(v); n >= 0 {
			return value.ID(n), nil
		}
	case value.Double:
	default:
		return nil, errArgumentType("id", "String", v)
	}
	text, err := ev.debug(args[0])
	if err != nil {
		return nil, err
	}
	return nil, errorf("invalid_id", "`%s` is not a valid ID.", text)
}
