package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// bindIndexes fills in the indexes, the unique constraints and the storage of c.
func (l *loader) bindIndexes(c *Collection) {
	for _, d := range c.Decl.Indexes {
		if collectionMembers[d.Name] {
			l.report(c.Source, d, "Invalid index name `%s`: it is a method of every collection", d.Name)
		}
		if len(d.Terms)+len(d.Values) == 0 {
			l.report(c.Source, d, "The index `%s` needs terms or values", d.Name)
		}
		index := &Index{Name: d.Name, Terms: l.paths(c, d.Terms), Values: l.paths(c, d.Values)}
		c.Indexes = append(c.Indexes, index)
		l.keep(c, index)
	}
	for _, d := range c.Decl.Uniques {
		l.bindUnique(c, l.paths(c, d.Paths))
	}
}

// bindUnique adds a unique constraint. It is looked up in an index of equal terms if there
// is one that holds a document once for each of its terms.
func (l *loader) bindUnique(c *Collection, paths []Path) {
	for _, index := range c.Storage {
		if slices.EqualFunc(index.Terms, paths, Path.equal) && !slices.ContainsFunc(index.Values, Path.isMVA) {
			c.Uniques = append(c.Uniques, Unique{Paths: paths, Index: index})
			return
		}
	}
	index := &Index{Terms: paths}
	l.keep(c, index)
	c.Uniques = append(c.Uniques, Unique{Paths: paths, Index: index})
}

// keep numbers an index and adds it to the storage, where each definition stands once.
func (l *loader) keep(c *Collection, index *Index) {
	index.ID = l.indexID(c.definition(index))
	if !slices.ContainsFunc(c.Storage, func(o *Index) bool { return o.ID == index.ID }) {
		c.Storage = append(c.Storage, index)
	}
}

// definition spells what an index stores. Where it stores computed fields their bodies are
// part of it: when one changes the index has to be built anew. One computed field may
// read another, so all of them count.
func (c *Collection) definition(index *Index) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d terms %s values %s", c.ID, spell(index.Terms), spell(index.Values))
	if slices.ContainsFunc(slices.Concat(index.Terms, index.Values), c.isComputed) {
		for _, f := range c.Decl.Computed {
			fmt.Fprintf(&b, " compute %s = %s", f.Name, c.Source.cut(f.Body))
		}
	}
	return b.String()
}

func (c *Collection) isComputed(p Path) bool {
	return slices.ContainsFunc(c.Computed, func(f Computed) bool { return f.Name == p.Path[0] })
}

func spell(paths []Path) string {
	out := make([]string, len(paths))
	for i, p := range paths {
		out[i] = p.String()
	}
	return "[" + strings.Join(out, ", ") + "]"
}

// String spells p as FSL does: `.a.b`, `mva(.a)`, `desc(.a)`.
func (p Path) String() string {
	s := dotted(p.Path)
	if p.MVA {
		s = "mva(" + s + ")"
	}
	if p.Desc {
		s = "desc(" + s + ")"
	}
	return s
}

func (p Path) isMVA() bool { return p.MVA }
func (p Path) equal(o Path) bool {
	return p.MVA == o.MVA && p.Desc == o.Desc && slices.Equal(p.Path, o.Path)
}
func (s Source) cut(n syntax.Node) string { return s.Text[n.Span().Start:n.Span().End] }

// paths binds the fields of an index or of a unique constraint.
func (l *loader) paths(c *Collection, decls []syntax.PathDecl) []Path {
	out := make([]Path, 0, len(decls))
	for _, d := range decls {
		p := Path{Path: d.Path, MVA: d.MVA, Desc: d.Desc}
		if len(p.Path) == 0 {
			l.report(c.Source, d, "Expected a field")
			continue
		}
		l.checkPath(c, d)
		if slices.ContainsFunc(out, func(o Path) bool { return slices.Equal(o.Path, p.Path) }) {
			l.report(c.Source, d, "The field `%s` is there twice", dotted(p.Path))
			continue
		}
		out = append(out, p)
	}
	return out
}

func (l *loader) checkPath(c *Collection, d syntax.PathDecl) {
	first := d.Path[0]
	switch {
	case first == "ts":
		// The commit time is not known when the entry is written.
		l.unsupported(c.Source, d, "`.ts` in an index or unique constraint")
	case first == "id" || first == "ttl":
		if d.MVA || len(d.Path) > 1 {
			l.report(c.Source, d, "`.%s` is a single value", first)
		}
	case documentMembers[first] && first != "data":
		l.report(c.Source, d, "`.%s` cannot be indexed", first)
	case !c.mayHave(d.Path):
		l.report(c.Source, d, "Type `%s` does not have field `%s`", c.Name, strings.Join(d.Path, "."))
	}
}

// mayHave reports whether a document of c can have something at path.
func (c *Collection) mayHave(path []string) bool {
	if path[0] == "data" && len(path) > 1 {
		path = path[1:]
	}
	if c.isComputed(Path{Path: path}) {
		return true
	}
	object := &Type{kind: kindObject, fields: c.Fields, rest: c.Wildcard}
	return object.mayHave(path)
}
