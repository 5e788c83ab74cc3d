package eval

import (
	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// credentialMethods are what a Credential has besides the methods of every document.
var credentialMethods table

// The collection Credential: a password for a document, at most one each. Whoever knows it
// can get a token for the document.
func init() {
	credential := secretCollection(credentialCreate)
	credential["byDocument"] = builtin{params: []string{"document"}, effect: resolve.Read, fn: credentialByDocument}
	systemModules["Credential"] = credential
	systemModules["Credentials"] = credential
	credentialMethods = table{
		"verify": {params: []string{"secret: String"}, effect: resolve.Read, fn: credentialVerify},
		"login":  {params: []string{"secret: String", "ttl?"}, effect: resolve.Write, fn: credentialLogin},
	}
}

func credentialByDocument(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	s, err := ownedBy(schema.CollCredential, args[0])
	if err != nil {
		return nil, err
	}
	return ev.first(s)
}

func credentialCreate(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
	d, err := ev.takeSecretDoc("Credential", fieldDocument, args[0], "Failed to create Credential.")
	if err != nil {
		return nil, err
	}
	pending, err := ev.permitCreate(schema.CollCredential, d)
	if err != nil {
		return nil, err
	}
	ref, doc := pending.ref, pending.doc
	if !d.hasPassword {
		d.takePassword(null)
	}
	if err := ev.checkSecret(ref, d); err != nil {
		return nil, err
	}
	owner := d.get(fieldDocument).(value.Ref)
	if err := ev.demandOnly(owner, ref.ID); err != nil {
		return nil, err
	}
	hash, err := ev.hashPassword(d.password)
	if err != nil {
		return nil, err
	}
	doc.data = doc.data.With(fieldHash, hash)
	ev.store(ref, doc)
	ev.tx.Put(ownerEntry(ref, owner), nil, d.ttl)
	return ref, nil
}

// takePassword reads the field `password`, which only a Credential has. It is never read back.
func (d *secretDoc) takePassword(v value.Value) {
	d.hasPassword = true
	password, ok := v.(value.String)
	switch {
	case d.coll != "Credential":
		d.fail(fieldPassword, "Unexpected field provided")
	case value.IsNull(v):
		d.fail(fieldPassword, "Missing required field of type String")
	case !ok:
		d.fail(fieldPassword, "Expected String, provided "+typeName(v))
	}
	d.password = password
}

// demandOnly refuses a second credential of a document.
func (ev *evaluator) demandOnly(owner value.Ref, id value.ID) error {
	taken, err := ev.isTaken(ownerKey(schema.CollCredential, owner), id)
	if err == nil && taken {
		return constraintError("Failed unique constraint.", []Failure{fieldFailure(fieldDocument, "Failed unique constraint")})
	}
	return err
}

// credentialFields returns the stored fields of a credential that may be read.
func (ev *evaluator) credentialFields(this value.Value) (*value.Object, error) {
	doc, cause, err := ev.look(this)
	switch {
	case err != nil:
		return nil, err
	case cause != "":
		ref, _ := refOf(this)
		return nil, ev.nullDocError(nullCause{ref, cause})
	}
	return ev.fields(doc)
}

func credentialVerify(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	data, err := ev.credentialFields(this)
	if err != nil {
		return nil, err
	}
	ok, err := ev.matchesPassword(data, args[0].(value.String))
	return value.Bool(ok), err
}

// credentialLogin creates a token for the credential's document, as Token.create does: who
// may not do that is told so whatever the password.
func credentialLogin(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	data, err := ev.credentialFields(this)
	if err != nil {
		return nil, err
	}
	owner, _ := data.Get(fieldDocument)
	d := &secretDoc{coll: "Token", fields: []value.Field{{Name: fieldDocument, Value: owner}}}
	if len(args) > 1 {
		d.takeTTL(args[1])
	}
	pending, err := ev.permitCreate(schema.CollToken, d)
	if err != nil {
		return nil, err
	}
	ok, err := ev.matchesPassword(data, args[0].(value.String))
	switch {
	case err != nil:
		return nil, err
	case !ok:
		return nil, errorf("invalid_secret", "Provided secret did not match.")
	}
	return ev.issueSecret(secretToken, pending, d)
}
