package eval

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/abac"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// ErrUnauthorized is the one answer to every secret that is not good: absent, garbage,
// unknown, expired, of a deleted identity, with a scope that it may not have. Nothing tells
// these apart (Fauna: unauthorized).
var ErrUnauthorized = errors.New("unauthorized")

// ErrForbidden is the answer to a good secret that may not do this to the schema.
var ErrForbidden = errors.New("access denied")

// exchangeRole is the role of the exchange's own key. It can mint a session for anybody, so
// it has no place on the public listener.
const exchangeRole = "token_exchange"

// Caller is who a secret stands for. The zero Caller may do nothing.
type Caller struct {
	rights   abac.Rights
	identity *value.Ref
	token    *value.Ref
}

// Admin reports whether the caller may change the schema.
func (c Caller) Admin() bool { return c.rights.Builtin == abac.Admin }

// ReadsSchema reports whether the caller may see the schema's files.
func (c Caller) ReadsSchema() bool {
	return c.rights.Builtin >= abac.ServerReadonly && c.rights.Builtin <= abac.Admin
}

// logs reports whether the caller may see log lines and places outside its own text.
func (c Caller) logs() bool { return c.ReadsSchema() }

// authenticate finds out who a secret stands for, within the query's own transaction: what it
// reads is part of the query, so a deleted token or identity counts at once. With public the
// powerful secrets are refused, judged by the key itself, whatever its suffix makes of it.
func (ev *evaluator) authenticate(text string, public bool) (Caller, error) {
	secret, scope, scoped := parseScope(text)
	if ev.db.isRoot(secret) {
		if public {
			return Caller{}, ErrUnauthorized
		}
		return ev.actAs(abac.Rights{Builtin: abac.Admin}, scope, scoped)
	}
	c, ok := parseSecret(secret)
	if !ok {
		return Caller{}, ErrUnauthorized
	}
	if c.kind == secretToken {
		return ev.authenticateToken(c)
	}
	rights, err := ev.authenticateKey(c, public)
	if err != nil {
		return Caller{}, err
	}
	return ev.actAs(rights, scope, scoped)
}

// isRoot compares with the root secret. Hashes of equal length hide how long it is.
func (db *Database) isRoot(secret string) bool {
	if db.root == nil {
		return false
	}
	sum := sha256.Sum256([]byte(secret))
	return subtle.ConstantTimeCompare(sum[:], db.root[:]) == 1
}

// kept returns the stored fields of the document behind a secret that matches it.
func (ev *evaluator) kept(coll value.CollID, c bearer) (*value.Object, error) {
	doc, err := ev.secretDocument(coll, c.id)
	if err != nil {
		return nil, err
	}
	if doc == nil {
		return nil, ErrUnauthorized
	}
	data, err := ev.fields(doc)
	if err != nil {
		return nil, err
	}
	if !c.matches(data) {
		return nil, ErrUnauthorized
	}
	return data, nil
}

// usedKey is the Key whose secret came last: mostly that of a service, which sends nothing else.
type usedKey struct {
	id  value.ID
	doc *document // decoded
}

// secretDocument reads the document of a secret. There is a token for each session, but few keys.
func (ev *evaluator) secretDocument(coll value.CollID, id value.ID) (*document, error) {
	if coll != schema.CollKey {
		return ev.read(value.Ref{Coll: coll, ID: id})
	}
	if err := ev.scan(1); err != nil {
		return nil, err
	}
	ev.buf = appendDocKey(ev.buf[:0], coll, id)
	entry, ok, err := ev.tx.GetHot(ev.buf)
	if err != nil || !ok {
		return nil, err
	}
	if last := ev.db.lastKey.Load(); last != nil && last.id == id && last.doc.ts == entry.TS {
		return last.doc, nil
	}
	doc := &document{ts: entry.TS, ttl: entry.TTL, raw: entry.Data}
	if _, err := ev.fields(doc); err != nil {
		return nil, err
	}
	ev.db.lastKey.Store(&usedKey{id, doc})
	return doc, nil
}

func (ev *evaluator) authenticateToken(c bearer) (Caller, error) {
	if c.global != ev.db.meta.GlobalID {
		return Caller{}, ErrUnauthorized
	}
	data, err := ev.kept(schema.CollToken, c)
	if err != nil {
		return Caller{}, err
	}
	document, _ := data.Get(fieldDocument)
	identity, ok := document.(value.Ref)
	if !ok {
		return Caller{}, ErrUnauthorized
	}
	return ev.actAsDocument(identity, &value.Ref{Coll: schema.CollToken, ID: c.id})
}

func (ev *evaluator) authenticateKey(c bearer, public bool) (abac.Rights, error) {
	data, err := ev.kept(schema.CollKey, c)
	if err != nil {
		return abac.Rights{}, err
	}
	name, _ := data.Get(fieldRole)
	role, _ := name.(value.String)
	builtin, isBuiltin := builtinRoles[string(role)]
	if public && (isBuiltin && builtin != abac.Client || role == exchangeRole) {
		return abac.Rights{}, ErrUnauthorized
	}
	return ev.roleRights(string(role))
}

// roleRights is rightsOf for authentication: a role that is gone is no role to act with.
func (ev *evaluator) roleRights(role string) (abac.Rights, error) {
	rights, err := ev.rightsOf(role)
	if err != nil {
		return abac.Rights{}, ErrUnauthorized
	}
	return rights, nil
}

// actAs applies a scope to the rights of a key.
func (ev *evaluator) actAs(own abac.Rights, s scope, scoped bool) (Caller, error) {
	admin := own.Builtin == abac.Admin
	switch {
	case !scoped:
		return Caller{rights: own}, nil
	case s.database != "": // there are no child databases
		return Caller{}, ErrUnauthorized
	case s.document != "":
		if !admin && own.Builtin != abac.Server {
			return Caller{}, ErrUnauthorized
		}
		ref, ok := ev.parseDocument(s.document)
		if !ok {
			return Caller{}, ErrUnauthorized
		}
		return ev.actAsDocument(ref, nil)
	case !admin:
		return Caller{}, ErrUnauthorized
	}
	rights, err := ev.roleRights(s.role + s.custom)
	if err == nil && s.custom != "" && rights.Builtin != abac.None {
		err = ErrUnauthorized // @role/ names a role of the schema
	}
	return Caller{rights: rights}, err
}

// parseDocument reads Coll/id.
func (ev *evaluator) parseDocument(text string) (value.Ref, bool) {
	name, digits, _ := strings.Cut(text, "/")
	coll := ev.schema.Collection(name)
	id, ok := asID(value.String(digits))
	if coll == nil || !ok || id < 0 {
		return value.Ref{}, false
	}
	return value.Ref{Coll: coll.ID, ID: id}, true
}

// actAsDocument makes the caller whose identity is a document of a user collection. It has
// to be there, now: so deleting it, or its expiry, ends every secret made for it.
func (ev *evaluator) actAsDocument(identity value.Ref, token *value.Ref) (Caller, error) {
	if ev.schema.CollectionByID(identity.Coll) == nil {
		return Caller{}, ErrUnauthorized
	}
	doc, err := ev.read(identity)
	if err != nil {
		return Caller{}, err
	}
	if doc == nil {
		return Caller{}, ErrUnauthorized
	}
	// Membership predicates may ask who they are about.
	ev.identity, ev.token = &identity, token
	rights, err := ev.memberRights(identity)
	return Caller{rights: rights, identity: &identity, token: token}, err
}
