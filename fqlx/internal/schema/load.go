package schema

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

// maxCollections is how many collections one database may have (Fauna: limits).
const maxCollections = 1024

// Load makes the schema that files declare. Numbers are taken over from prev, the schema
// that it will replace; nil if there is none. The caller sets Version when it knows it.
// If there are problems the schema is nil.
func Load(files []File, prev *Schema) (*Schema, []Problem) {
	files = slices.Clone(files)
	slices.SortFunc(files, func(a, b File) int { return cmp.Compare(a.Name, b.Name) })
	l := newLoader(files, prev)
	decls := l.parse()
	if len(l.problems) > 0 { // what follows from a syntax error is noise
		return nil, l.problems
	}
	l.declare(decls)
	for _, c := range l.s.Collections {
		l.bindCollection(c)
	}
	for _, f := range l.s.Functions {
		l.bindFunction(f)
	}
	for _, r := range l.s.Roles {
		l.bindRole(r)
	}
	l.limits()
	if len(l.problems) > 0 {
		return nil, l.problems
	}
	return l.s, nil
}

// loader is one run of Load.
type loader struct {
	s        *Schema
	prev     IDs
	taken    map[string]string // global name → "A Collection already exists with the name"
	problems []Problem
}

// declaration is an item of a file.
type declaration struct {
	item syntax.Item
	src  Source
}

func newLoader(files []File, prev *Schema) *loader {
	ids := IDs{NextColl: uint32(FirstUserColl), NextIndex: 1}
	if prev != nil {
		ids = prev.ids
	}
	return &loader{
		s: &Schema{
			Files:       files,
			collections: map[string]*Collection{},
			byID:        map[value.CollID]*Collection{},
			functions:   map[string]*Function{},
			roles:       map[string]*Role{},
			members:     map[value.CollID][]*Role{},
			ids: IDs{
				NextColl:    ids.NextColl,
				NextIndex:   ids.NextIndex,
				Collections: map[string]uint32{},
				Indexes:     map[string]uint32{},
			},
		},
		prev:  ids,
		taken: map[string]string{},
	}
}

// parse returns the items of all files.
func (l *loader) parse() []declaration {
	var out []declaration
	for i, file := range l.s.Files {
		src := Source{Name: "*" + file.Name + "*", Text: file.Content}
		if i > 0 && l.s.Files[i-1].Name == file.Name {
			l.report(src, syntax.Span{}, "The file `%s` is there twice", file.Name)
			continue
		}
		items, errs := syntax.ParseSchema(file.Content)
		for _, e := range errs {
			l.problems = append(l.problems, ProblemOf(src, e))
		}
		for _, item := range items {
			out = append(out, declaration{item, src})
		}
	}
	return out
}

// declare enters every name, so that declarations may refer to each other in any order.
func (l *loader) declare(decls []declaration) {
	for _, d := range decls {
		switch item := d.item.(type) {
		case *syntax.CollectionDecl:
			c := &Collection{Name: item.Name, Alias: item.Alias, Decl: item, Source: d.src}
			if !l.claim(d.src, item.NameSpan, "Collection", item.Name, item.Alias) {
				continue
			}
			c.ID = l.collectionID(item.Name)
			l.s.Collections = append(l.s.Collections, c)
			l.s.byID[c.ID] = c
			enter(l.s.collections, c, c.Name, c.Alias)
		case *syntax.FunctionDecl:
			f := &Function{Name: item.Name, Alias: item.Alias, Role: item.Role, Decl: item, Source: d.src}
			if !l.claim(d.src, item.NameSpan, "Function", item.Name, item.Alias) {
				continue
			}
			l.s.Functions = append(l.s.Functions, f)
			enter(l.s.functions, f, f.Name, f.Alias)
		case *syntax.RoleDecl:
			l.declareRole(item, d.src)
		default:
			l.unsupported(d.src, d.item, d.item.ItemKind())
		}
	}
}

func enter[T any](into map[string]T, v T, name, alias string) {
	into[name] = v
	if alias != "" {
		into[alias] = v
	}
}

// claim takes the name and the alias of a collection or function: both live in one
// namespace, with the built-in globals. It reports whether both were free.
func (l *loader) claim(src Source, at syntax.Span, kind, name, alias string) bool {
	ok := l.claimName(src, at, name)
	if alias != "" && ok {
		ok = l.claimName(src, at, alias)
	}
	if !ok {
		return false
	}
	l.taken[name] = fmt.Sprintf("A %s already exists with the name `%s`", kind, name)
	if alias != "" {
		l.taken[alias] = fmt.Sprintf("A %s already exists with the alias `%s`", kind, alias)
	}
	return true
}

func (l *loader) claimName(src Source, at syntax.Span, name string) bool {
	switch clash, taken := l.taken[name]; {
	case reserved[name]:
		l.report(src, at, "The identifier `%s` is reserved.", name)
	case !isIdentifier(name):
		l.report(src, at, "Invalid identifier.")
	case taken:
		l.report(src, at, "%s", clash)
	default:
		return true
	}
	return false
}

// collectionID returns the number of a collection: the one it had, or a new one.
func (l *loader) collectionID(name string) value.CollID {
	n, ok := l.prev.Collections[name]
	if !ok {
		n = l.s.ids.NextColl
		l.s.ids.NextColl++
	}
	l.s.ids.Collections[name] = n
	return value.CollID(n)
}

// indexID returns the number of a stored index, known by its definition.
func (l *loader) indexID(definition string) uint32 {
	if n, ok := l.s.ids.Indexes[definition]; ok {
		return n
	}
	n, ok := l.prev.Indexes[definition]
	if !ok {
		n = l.s.ids.NextIndex
		l.s.ids.NextIndex++
	}
	l.s.ids.Indexes[definition] = n
	return n
}

// limits reports what there is too much of.
func (l *loader) limits() {
	if n := len(l.s.Collections); n > maxCollections {
		last := l.s.Collections[maxCollections]
		l.report(last.Source, last.Decl.NameSpan, "A database may have %d collections", maxCollections)
	}
	for _, id := range slices.Sorted(maps.Keys(l.s.members)) {
		if roles := l.s.members[id]; len(roles) > maxRolesPerResource {
			r := roles[maxRolesPerResource]
			l.report(r.Source, r.Decl.NameSpan,
				"The maximum number of roles per resource (%d) have been exceeded.", maxRolesPerResource)
		}
	}
}
