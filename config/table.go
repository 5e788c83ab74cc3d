package config

import "strings"

// Table is the list of keys as a Markdown table, for the README.
func Table() string {
	var b strings.Builder
	b.WriteString("| key | default | meaning |\n|---|---|---|\n")
	writeRows(&b, schema())
	return b.String()
}

func writeRows(b *strings.Builder, keys []key) {
	for _, k := range keys {
		if k.kind != section {
			def := ""
			if k.def != "" {
				def = "`" + k.def + "`"
			}
			b.WriteString("| `" + k.path + "` | " + def + " | " + markdown.Replace(k.doc) + " |\n")
		}
		if k.kind == section || !writtenAbove(keys, k) {
			writeRows(b, k.keys)
		}
	}
}

// markdown keeps <data> from being taken for HTML.
var markdown = strings.NewReplacer("<", "&lt;", "|", "\\|")

// writtenAbove says whether the keys of a list's elements were listed as its short form.
func writtenAbove(keys []key, k key) bool {
	for _, other := range keys {
		if other.name == "" && k.kind == list && other.typ == k.typ.Elem() {
			return true
		}
	}
	return false
}
