package config

import (
	"fmt"
	"maps"
	"slices"
)

// clean gives the part of a decoded file that has the shape of keys, and reports the rest: keys
// that do not exist, and what should be a mapping or a list and is not. viper sees only what is
// left, for it folds the case of keys. Null is as good as absent.
func (l *loader) clean(keys []key, m map[string]any, path string) map[string]any {
	kept := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		at := join(path, name)
		k, ok := find(keys, name)
		switch {
		case !ok:
			l.unknownKey(keys, path, name)
		case m[name] == nil:
		default:
			if v, ok := l.shape(k, m[name], at); ok {
				kept[name] = v
				l.set[at] = true
			}
		}
	}
	return kept
}

// shape checks the outside of a key's value.
func (l *loader) shape(k key, v any, path string) (any, bool) {
	switch k.kind {
	case section:
		m, ok := mapping(v)
		if !ok {
			l.add(path, "expected a mapping of keys")
			return nil, false
		}
		return l.clean(k.keys, m, path), true
	case list:
		elements, ok := v.([]any)
		if !ok {
			l.add(path, "expected a list of mappings")
			return nil, false
		}
		kept := make([]any, 0, len(elements))
		for i, e := range elements {
			at := fmt.Sprintf("%s[%d]", path, i)
			m, ok := mapping(e)
			if !ok {
				l.add(at, "expected a mapping of keys")
				continue
			}
			kept = append(kept, l.clean(k.keys, m, at))
		}
		if len(kept) < len(elements) {
			l.excuse(path) // the indices no longer fit
			return nil, false
		}
		return kept, true
	default:
		if _, ok := mapping(v); ok {
			l.add(path, k.expected())
			return nil, false
		}
		return v, true
	}
}

func mapping(v any) (map[string]any, bool) {
	switch m := v.(type) {
	case map[string]any:
		return m, true
	case map[any]any: // YAML with a key that is not text
		out := make(map[string]any, len(m))
		for k, v := range m {
			out[fmt.Sprint(k)] = v
		}
		return out, true
	}
	return nil, false
}

// unknownKey reports a key that does not exist where it stands. A name that exists elsewhere,
// once, is suggested with its path.
func (l *loader) unknownKey(keys []key, path, name string) {
	at := join(path, printable(name))
	if meant := closest(name, names(keys)); meant != "" {
		l.unknown(at, "key", join(path, meant), join(path, meant))
		return
	}
	var elsewhere []string
	for _, k := range leaves(l.keys) {
		if k.name == name {
			elsewhere = append(elsewhere, k.path)
		}
	}
	if len(elsewhere) != 1 {
		elsewhere = []string{""}
	}
	l.unknown(at, "key", elsewhere[0], elsewhere[0])
}
