package eval

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// documentMethods are the methods of documents. What a document that cannot be read does
// with them depends on the method: exists() is false, the others are errors.
var documentMethods table

func init() {
	documentMethods = table{
		"exists":      {effect: resolve.Read, fn: docExists},
		"update":      {params: []string{"data: Struct"}, effect: resolve.Write, fn: docChange("update", false, false)},
		"replace":     {params: []string{"data: Struct"}, effect: resolve.Write, fn: docChange("replace", false, true)},
		"updateData":  {params: []string{"data: Struct"}, effect: resolve.Write, fn: docChange("updateData", true, false)},
		"replaceData": {params: []string{"data: Struct"}, effect: resolve.Write, fn: docChange("replaceData", true, true)},
		"delete":      {effect: resolve.Write, fn: docDelete},
	}
}

func docExists(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	_, cause, err := ev.look(this)
	return value.Bool(cause == ""), err
}

func docChange(name string, plain, replace bool) builtinFunc {
	return func(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
		ref, _ := refOf(this)
		if ev.schema.CollectionByID(ref.Coll) != nil {
			return ev.changeDocument(ref, plain, replace, args[0])
		}
		if isOwned(ref.Coll) && !plain {
			return ev.changeOwned(ref, replace, args[0])
		}
		return nil, ev.refuseChange(ref, name)
	}
}

func docDelete(ev *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	ref, _ := refOf(this)
	if coll := ev.schema.CollectionByID(ref.Coll); coll != nil {
		return ev.deleteDocument(coll, ref)
	}
	switch ref.Coll {
	case schema.CollToken, schema.CollKey, schema.CollCredential:
		return ev.deleteSecret(ref)
	}
	return nil, ev.refuseChange(ref, "delete")
}

// refuseChange is the error for a method that documents of the collection do not have. One
// of a collection that is gone is null like any other.
func (ev *evaluator) refuseChange(ref value.Ref, name string) error {
	if ev.resource(ref.Coll) == "" {
		return ev.nullDocError(nullCause{ref, causeCollectionGone})
	}
	return errSchemaDocument(ev.resource(ref.Coll), name, isNamed(ref.Coll))
}

// errSchemaDocument refuses what Fauna's own collections could do there.
func errSchemaDocument(collection, method string, fsl bool) *Error {
	e := errUnsupported(collection + "." + method)
	if fsl {
		e.Message += "; push FSL with /schema/1/update"
	}
	return e
}
