package config

import (
	"net/netip"
	"reflect"
	"strings"
	"time"
)

// key is one key of the configuration, made from a field of [Config] and its tags.
type key struct {
	name     string // "" for a section whose keys stand among its parent's
	path     string // "auth0.tenants[].name"
	field    int    // index in the enclosing struct
	typ      reflect.Type
	def      string // the default as text
	doc      string
	min, max string
	kind     kind
	keys     []key // of a section, or of each element of a list of sections
}

type kind int

const (
	leaf    kind = iota // a scalar or a list of scalars
	section             // a mapping with known keys
	list                // a list of sections
)

var (
	durationType = reflect.TypeFor[time.Duration]()
	secretType   = reflect.TypeFor[Secret]()
	prefixType   = reflect.TypeFor[netip.Prefix]()
)

// schema gives the keys of Config.
func schema() []key { return keysOf(reflect.TypeFor[Config](), "") }

func keysOf(t reflect.Type, prefix string) []key {
	keys := make([]key, 0, t.NumField())
	for i := range t.NumField() {
		f := t.Field(i)
		k := key{
			name: f.Tag.Get("key"), field: i, typ: f.Type,
			def: f.Tag.Get("default"), doc: f.Tag.Get("doc"), min: f.Tag.Get("min"), max: f.Tag.Get("max"),
		}
		k.path = join(prefix, k.name)
		switch {
		case isSection(f.Type):
			k.kind, k.keys = section, keysOf(f.Type, k.path)
		case f.Type.Kind() == reflect.Slice && isSection(f.Type.Elem()):
			k.kind, k.keys = list, keysOf(f.Type.Elem(), k.path+"[]")
		}
		keys = append(keys, k)
	}
	return keys
}

func isSection(t reflect.Type) bool {
	return t.Kind() == reflect.Struct && t != secretType && t != prefixType
}

func join(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + "." + name
}

// find gives the key that stands under name in a mapping of keys.
func find(keys []key, name string) (key, bool) {
	for _, k := range keys {
		if k.name == name && name != "" {
			return k, true
		}
		if k.name == "" {
			if found, ok := find(k.keys, name); ok {
				return found, true
			}
		}
	}
	return key{}, false
}

// names gives what may stand in a mapping of keys.
func names(keys []key) (all []string) {
	for _, k := range keys {
		if k.name == "" {
			all = append(all, names(k.keys)...)
		} else {
			all = append(all, k.name)
		}
	}
	return all
}

// leaves gives the scalars and lists of scalars outside of lists: what has a variable.
func leaves(keys []key) (all []key) {
	for _, k := range keys {
		switch k.kind {
		case leaf:
			all = append(all, k)
		case section:
			all = append(all, leaves(k.keys)...)
		}
	}
	return all
}

const envPrefix = "FAUNA_LOGIN_"

// env is the name of the key's environment variable.
func (k key) env() string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(k.path, ".", "_"))
}
