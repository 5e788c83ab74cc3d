package schema

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx/internal/syntax"
)

// Diff describes in words what a push of new over old changes; old may be nil. It is empty
// if nothing changes. format is "summary", one line for each declaration, or "semantic",
// which also lists the members that change. What only moves, is laid out or commented in
// another way has not changed.
func Diff(old, new *Schema, format string) string {
	before, after := itemsOf(old), itemsOf(new)
	var b strings.Builder
	for _, key := range sortedKeys(before, after) {
		was, is := before[key], after[key]
		switch {
		case was == nil:
			fmt.Fprintf(&b, "* Adding %s to %s\n", key, is.place())
		case is == nil:
			fmt.Fprintf(&b, "* Removing %s from %s\n", key, was.place())
		default:
			changes := compareMembers(was.members, is.members)
			if len(changes) == 0 {
				continue
			}
			fmt.Fprintf(&b, "* Modifying %s at %s", key, is.place())
			if format == "summary" {
				b.WriteByte('\n')
				continue
			}
			b.WriteString(":\n")
			writeChanges(&b, changes)
		}
	}
	return b.String()
}

// itemKey names a declaration.
type itemKey struct {
	order      int // of the kind
	kind, name string
}

func (k itemKey) String() string { return fmt.Sprintf("%s `%s`", k.kind, k.name) }

// item is a declaration seen as a list of members that can be compared one by one.
type item struct {
	src     Source
	at      syntax.Span
	members []member
}

// member is a part of a declaration. Two are the same if their texts are.
type member struct{ section, name, text string }

func (i *item) place() string {
	line, col := syntax.Position(i.src.Text, i.at.Start)
	return fmt.Sprintf("%s:%d:%d", strings.Trim(i.src.Name, "*"), line, col)
}

func sortedKeys(maps ...map[itemKey]*item) []itemKey {
	var keys []itemKey
	for _, m := range maps {
		for k := range m {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b itemKey) int {
		return cmp.Or(cmp.Compare(a.order, b.order), cmp.Compare(a.name, b.name))
	})
	return slices.Compact(keys)
}

func itemsOf(s *Schema) map[itemKey]*item {
	out := map[itemKey]*item{}
	if s == nil {
		return out
	}
	for _, c := range s.Collections {
		out[itemKey{0, "collection", c.Name}] = &item{c.Source, c.Decl.NameSpan, c.members()}
	}
	for _, f := range s.Functions {
		out[itemKey{1, "function", f.Name}] = &item{f.Source, f.Decl.NameSpan, f.members()}
	}
	for _, r := range s.Roles {
		out[itemKey{2, "role", r.Name}] = &item{r.Source, r.Decl.NameSpan, r.members()}
	}
	return out
}

// change is what becomes of a member.
type change struct {
	sign, verb string
	member
}

// compareMembers returns what is dropped, added and changed, by section in the order of
// the new declaration.
func compareMembers(was, is []member) []change {
	find := func(in []member, m member) (member, bool) {
		i := slices.IndexFunc(in, func(o member) bool { return o.section == m.section && o.name == m.name })
		if i < 0 {
			return member{}, false
		}
		return in[i], true
	}
	var out []change
	for _, m := range is {
		switch o, ok := find(was, m); {
		case !ok:
			out = append(out, change{"+", "add", m})
		case o.text != m.text:
			out = append(out, change{"~", "change", m})
		}
	}
	for _, m := range was {
		if _, ok := find(is, m); !ok {
			out = append(out, change{"-", "drop", m})
		}
	}
	return out
}

// sections are the groups of members in the order in which they are listed, each with the
// noun of its members.
var sections = []struct{ title, noun string }{
	{"Fields", "field"},
	{"Computed fields", "computed field"},
	{"Indexes", "index"},
	{"Constraints", "constraint"},
	{"Settings", ""},
	{"Signature", ""},
	{"Body", ""},
	{"Privileges", "privileges"},
	{"Membership", "membership"},
}

func writeChanges(b *strings.Builder, changes []change) {
	for _, s := range sections {
		title := "  * " + s.title + ":\n"
		for _, c := range changes {
			if c.section != s.title {
				continue
			}
			b.WriteString(title)
			title = ""
			fmt.Fprintf(b, "  %s %s %s\n", c.sign, c.verb, strings.TrimSpace(s.noun+" `"+c.name+"`"))
		}
	}
}

// text prints what may be absent in its standard form, so that layout and comments do not
// count as changes.
func text(n syntax.Node) string {
	if n == nil {
		return ""
	}
	return syntax.Print(n)
}

func (c *Collection) members() []member {
	var out []member
	add := func(section, name, text string) { out = append(out, member{section, name, text}) }
	for _, f := range c.Decl.Fields {
		add("Fields", f.Name, text(f.Type)+" = "+text(f.Default))
	}
	if c.Decl.Wildcard != nil {
		add("Fields", "*", text(c.Decl.Wildcard))
	}
	for _, f := range c.Decl.Computed {
		add("Computed fields", f.Name, text(f.Type)+" = "+text(f.Body))
	}
	for _, i := range c.Indexes {
		add("Indexes", i.Name, spell(i.Terms)+spell(i.Values))
	}
	for _, u := range c.Uniques {
		add("Constraints", "unique "+spell(u.Paths), "")
	}
	for _, f := range c.Decl.Checks {
		add("Constraints", "check "+f.Name, text(f.Body))
	}
	if c.Alias != "" {
		add("Settings", "alias", c.Alias)
	}
	for _, d := range []struct {
		name  string
		value int64
	}{{"history_days", c.HistoryDays}, {"ttl_days", c.TTLDays}} {
		if d.value != 0 {
			add("Settings", d.name, fmt.Sprint(d.value))
		}
	}
	if c.DocumentTTLs {
		add("Settings", "document_ttls", "true")
	}
	return out
}

func (f *Function) members() []member {
	var signature strings.Builder
	for i, p := range f.Decl.Params {
		fmt.Fprintf(&signature, "%s: %v, ", p.Name, f.Params[i])
	}
	if f.Decl.Rest != nil {
		fmt.Fprintf(&signature, "...%s: %v, ", f.Decl.Rest.Name, f.Rest)
	}
	fmt.Fprintf(&signature, "=> %v", f.Result)
	out := []member{
		{"Signature", "signature", signature.String()},
		{"Body", "body", text(f.Decl.Lambda.Body)},
	}
	if f.Alias != "" {
		out = append(out, member{"Settings", "alias", f.Alias})
	}
	if f.Role != "" {
		out = append(out, member{"Settings", "role", f.Role})
	}
	return out
}

func (r *Role) members() []member {
	var out []member
	for _, p := range r.Decl.Privileges {
		var actions strings.Builder
		for _, a := range p.Actions {
			actions.WriteString(a.Action + " " + text(a.Predicate) + "\n")
		}
		out = append(out, member{"Privileges", p.Resource, actions.String()})
	}
	for _, m := range r.Decl.Membership {
		out = append(out, member{"Membership", m.Collection, text(m.Predicate)})
	}
	return out
}
