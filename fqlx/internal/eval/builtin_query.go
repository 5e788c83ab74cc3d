package eval

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// The functions of the module Query: who asks, and in what environment. They say the same in
// functions and predicates, whatever rights these run with.
func init() {
	systemModules["Query"] = table{
		"identity": {fn: func(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) {
			return refOrNull(ev.identity), nil
		}},
		"token": {fn: func(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) {
			return refOrNull(ev.token), nil
		}},
		// This engine checks types when it runs into them.
		"isEnvTypechecked": {fn: func(*evaluator, value.Value, []value.Value) (value.Value, error) {
			return value.Bool(false), nil
		}},
		"isEnvProtected": {fn: func(ev *evaluator, _ value.Value, _ []value.Value) (value.Value, error) {
			if ev.rights.Builtin != abac.Admin {
				return nil, errPermissionDenied()
			}
			return value.Bool(false), nil
		}},
	}
}

func refOrNull(ref *value.Ref) value.Value {
	if ref == nil {
		return null
	}
	return *ref
}
