package eval

import (
	"strconv"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/resolve"
	"github.com/fauna-login/fauna-login/fqlx/internal/schema"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// systemModules are the modules that have to do with the database: Fauna's own collections,
// Query and Set. The files of the builtins fill it in.
var systemModules = map[string]table{}

// userMethods are the methods of every user collection, beside those of its indexes.
var userMethods table

func init() {
	userMethods = table{
		"all":        {params: []string{"range?"}, effect: resolve.Read, fn: collAll},
		"byId":       {params: []string{"id"}, fn: collByID},
		"create":     {params: []string{"data: Struct"}, effect: resolve.Write, fn: collCreate(false)},
		"createData": {params: []string{"data: Struct"}, effect: resolve.Write, fn: collCreate(true)},
		"definition": {prop: true, fn: collDefinition},
		"firstWhere": {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collFirstWhere},
		"toString":   {fn: moduleToString},
		"where":      {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collWhere},
	}
	for _, name := range []string{"Collection", "Function", "Role"} {
		systemModules[name] = namedCollection(name)
	}
}

// namedCollection is the table of a collection of schema documents. They are read here, and
// written by pushing FSL.
func namedCollection(name string) table {
	return table{
		"all":        {effect: resolve.Read, fn: collAll},
		"byName":     {params: []string{"name: String"}, effect: resolve.Read, fn: collByName},
		"firstWhere": {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collFirstWhere},
		"toString":   {fn: moduleToString},
		"where":      {params: []string{"predicate: Function(1)"}, effect: resolve.Read, fn: collWhere},
		"create": {params: []string{"data: Struct"}, effect: resolve.Write, fn: func(*evaluator, value.Value, []value.Value) (value.Value, error) {
			return nil, errSchemaDocument(name, "create", true)
		}},
	}
}

// collectionMember finds a method of a user collection: one that all have, or an index.
func (ev *evaluator) collectionMember(m value.Module, name string) (builtin, bool, error) {
	if b, ok := userMethods[name]; ok {
		return b, true, nil
	}
	b, ok := ev.prepared.methods[string(m)][name]
	return b, ok, nil
}

// indexMethod is an index as a method: its terms, then perhaps a range.
func indexMethod(coll *schema.Collection, index *schema.Index) builtin {
	b := builtin{effect: resolve.Read}
	for i := range index.Terms {
		b.params = append(b.params, "term"+strconv.Itoa(i+1))
	}
	b.params = append(b.params, "range?")
	b.fn = func(ev *evaluator, _ value.Value, args []value.Value) (value.Value, error) {
		return ev.callIndex(coll, index, args)
	}
	return b
}

// collectionOf returns the number of the collection that a module names.
func (ev *evaluator) collectionOf(m value.Value) (value.CollID, error) {
	name, _ := m.(value.Module)
	id, ok := ev.schema.CollectionNumber(string(name))
	if !ok {
		return 0, errNoCollection(string(name))
	}
	return id, nil
}

func errNoCollection(name string) *Error {
	return errArgument("collection", "No such user collection `%s`.", name)
}

func collAll(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, err := ev.documents(this)
	if err != nil || len(args) == 0 {
		return s, err
	}
	scan := s.source.(*docScan)
	from, to, err := bounds(args[0])
	if err != nil {
		return nil, err
	}
	if from != nil {
		if scan.lo, err = boundID(scan.coll, "from", from); err != nil {
			return nil, err
		}
	}
	if to != nil {
		if scan.hi, err = boundID(scan.coll, "to", to); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// documents is the set of a collection's documents, in the order of their ids or names.
func (ev *evaluator) documents(m value.Value) (*set, error) {
	coll, err := ev.collectionOf(m)
	if err != nil {
		return nil, err
	}
	if !isNamed(coll) {
		return &set{source: &docScan{coll: coll, hi: maxID}}, nil
	}
	readable := value.Array{}
	for _, name := range ev.schemaNames(coll) {
		ref := value.Ref{Coll: coll, Name: name}
		ok, err := ev.mayRead(ref)
		if err != nil {
			return nil, err
		}
		if ok {
			readable = append(readable, ref)
		}
	}
	return &set{source: &items{values: readable}}, nil
}

func collWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, err := ev.documents(this)
	if err != nil {
		return nil, err
	}
	return s.with(setOp{kind: opWhere, fn: args[0]}), nil
}

func collFirstWhere(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	s, err := ev.documents(this)
	if err != nil {
		return nil, err
	}
	return ev.first(s.with(setOp{kind: opWhere, fn: args[0]}))
}

// collByID makes a reference. Whether there is such a document is not asked.
func collByID(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	coll, err := ev.collectionOf(this)
	if err != nil {
		return nil, err
	}
	id, ok := asID(args[0])
	switch {
	case ok:
		return value.Ref{Coll: coll, ID: id}, nil
	case args[0].Kind() == value.KindString:
		return nil, errorf("invalid_id", "`%s` is not a valid ID.", value.Display(args[0]))
	}
	return nil, errArgumentType("id", "ID", args[0])
}

func collByName(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	coll, err := ev.collectionOf(this)
	return value.Ref{Coll: coll, Name: string(args[0].(value.String))}, err
}

func collCreate(plain bool) builtinFunc {
	return func(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
		coll := ev.schema.Collection(string(this.(value.Module)))
		if coll == nil {
			return nil, errNoCollection(string(this.(value.Module)))
		}
		return ev.createDocument(coll, plain, args[0])
	}
}

func collDefinition(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.Ref{Coll: schema.CollCollection, Name: string(this.(value.Module))}, nil
}

func moduleToString(_ *evaluator, this value.Value, _ []value.Value) (value.Value, error) {
	return value.String(this.(value.Module)), nil
}

// construct is a call of a module: User("1") is User.byId("1"), Collection("User") the
// collection, Function("f") the function of that name.
func (ev *evaluator) construct(m value.Module, args []value.Value) (value.Value, error) {
	switch m {
	case "Collection", "Function":
		b := builtin{params: []string{"name: String"}, fn: moduleByName}
		return ev.runBuiltin(b, string(m), m, args)
	case "Role", "Query", "Set":
		return nil, errType("Function", m)
	}
	return ev.runBuiltin(userMethods["byId"], "apply", m, args)
}

func moduleByName(ev *evaluator, this value.Value, args []value.Value) (value.Value, error) {
	name := string(args[0].(value.String))
	if this == value.Value(value.Module("Collection")) {
		if c := ev.schema.Collection(name); c != nil {
			return value.Module(c.Name), nil
		}
		return nil, errNoCollection(name)
	}
	if f := ev.schema.Function(name); f != nil {
		return ev.function(f), nil
	}
	return nil, errArgument("function", "No such user function `%s`.", name)
}

// schemaNames returns the names of a schema collection's documents.
func (ev *evaluator) schemaNames(coll value.CollID) []string {
	var names []string
	switch coll {
	case schema.CollCollection:
		for _, c := range ev.schema.Collections {
			names = append(names, c.Name)
		}
	case schema.CollFunction:
		for _, f := range ev.schema.Functions {
			names = append(names, f.Name)
		}
	case schema.CollRole:
		for _, r := range ev.schema.Roles {
			names = append(names, r.Name)
		}
	}
	return names
}

// named returns a schema document, put together from the schema.
func (ev *evaluator) named(ref value.Ref) (*document, string, error) {
	var fields []value.Field
	switch ref.Coll {
	case schema.CollCollection:
		c := ev.schema.Collection(ref.Name)
		if c == nil {
			return nil, causeNotFound, nil
		}
		fields = describeCollection(c)
	case schema.CollFunction:
		f := ev.schema.Function(ref.Name)
		if f == nil {
			return nil, causeNotFound, nil
		}
		fields = withText(withText(nil, "alias", f.Alias), "role", f.Role)
	case schema.CollRole:
		if ev.schema.Role(ref.Name) == nil {
			return nil, causeNotFound, nil
		}
	default: // this engine has no databases and no access providers
		return nil, causeNotFound, nil
	}
	return &document{ts: ev.schema.Version, data: value.NewObject(fields...)}, "", nil
}

func withText(fields []value.Field, name, text string) []value.Field {
	if text == "" {
		return fields
	}
	return append(fields, value.Field{Name: name, Value: value.String(text)})
}

// describeCollection gives the parts of a Collection document that tools look at. Indexes and
// unique constraints are always built: a push that returns has built them.
func describeCollection(c *schema.Collection) []value.Field {
	out := withText(nil, "alias", c.Alias)
	out = append(out, value.Field{Name: "history_days", Value: value.Integer(c.HistoryDays)})
	if c.TTLDays > 0 {
		out = append(out, value.Field{Name: "ttl_days", Value: value.Integer(c.TTLDays)})
	}
	out = append(out, value.Field{Name: "document_ttls", Value: value.Bool(c.DocumentTTLs)})
	indexes := make([]value.Field, 0, len(c.Indexes))
	for _, index := range c.Indexes {
		indexes = append(indexes, value.Field{Name: index.Name, Value: describeIndex(index)})
	}
	constraints := value.Array{}
	for _, u := range c.Uniques {
		constraints = append(constraints, value.NewObject(
			value.Field{Name: "unique", Value: describePaths(u.Paths, false)},
			value.Field{Name: "status", Value: value.String("active")},
		))
	}
	return append(out,
		value.Field{Name: "indexes", Value: value.NewObject(indexes...)},
		value.Field{Name: "constraints", Value: constraints})
}

func describeIndex(index *schema.Index) value.Value {
	var out []value.Field
	if len(index.Terms) > 0 {
		out = append(out, value.Field{Name: "terms", Value: describePaths(index.Terms, false)})
	}
	if len(index.Values) > 0 {
		out = append(out, value.Field{Name: "values", Value: describePaths(index.Values, true)})
	}
	return value.NewObject(append(out,
		value.Field{Name: "queryable", Value: value.Bool(true)},
		value.Field{Name: "status", Value: value.String("active")})...)
}

func describePaths(paths []schema.Path, ordered bool) value.Array {
	out := make(value.Array, len(paths))
	for i, p := range paths {
		fields := []value.Field{
			{Name: "field", Value: value.String("." + strings.Join(p.Path, "."))},
			{Name: "mva", Value: value.Bool(p.MVA)},
		}
		if ordered {
			order := "asc"
			if p.Desc {
				order = "desc"
			}
			fields = append(fields, value.Field{Name: "order", Value: value.String(order)})
		}
		out[i] = value.NewObject(fields...)
	}
	return out
}
