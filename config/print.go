package config

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Print writes the configuration as YAML that [Load] reads again, with secrets masked. A secret
// that came from a file is left out: its file is there. The mask of an event token is refused by
// Load, since it would be a token that everybody knows.
func (c *Config) Print(w io.Writer) error {
	var b bytes.Buffer
	printSection(&b, schema(), reflect.ValueOf(*c), "")
	_, err := w.Write(b.Bytes())
	return err
}

func printSection(b *bytes.Buffer, keys []key, v reflect.Value, indent string) {
	for _, k := range keys {
		field := v.Field(k.field)
		if k.name == "" || k.path == "auth0.domain" || k.holdsSecrets() && hasFile(keys, k, v) {
			continue // the short form was resolved by Load
		}
		b.WriteString(indent + k.name + ":")
		switch {
		case k.kind == section:
			b.WriteString("\n")
			printSection(b, k.keys, field, indent+"  ")
		case k.kind == list && field.Len() > 0:
			b.WriteString("\n")
			for i := range field.Len() {
				var element bytes.Buffer
				printSection(&element, k.keys, field.Index(i), indent+"    ")
				b.WriteString(indent + "  - " + strings.TrimLeft(element.String(), " "))
			}
		default:
			b.WriteString(" " + yamlValue(field) + "\n")
		}
	}
}

// holdsSecrets says whether k is a secret or a list of them.
func (k key) holdsSecrets() bool {
	return k.typ == secretType || k.kind == leaf && k.typ.Kind() == reflect.Slice && k.typ.Elem() == secretType
}

// hasFile says whether the file twin of a secret is set.
func hasFile(keys []key, k key, v reflect.Value) bool {
	twin, ok := find(keys, k.name+"_file")
	return ok && v.Field(twin.field).String() != ""
}

// yamlValue is a scalar or a list of scalars.
func yamlValue(v reflect.Value) string {
	switch x := v.Interface().(type) {
	case string:
		return yamlText(x)
	case Secret:
		if x.IsZero() {
			return `""`
		}
		return yamlText(mask)
	case time.Duration:
		return duration(x)
	case netip.Prefix:
		return yamlText(x.String())
	}
	if v.Kind() != reflect.Slice {
		return fmt.Sprint(v.Interface())
	}
	elements := make([]string, v.Len())
	for i := range elements {
		elements[i] = yamlValue(v.Index(i))
	}
	return "[" + strings.Join(elements, ", ") + "]"
}

// yamlText quotes s; what Go escapes in ASCII, YAML's double quotes read in the same way.
func yamlText(s string) string { return strconv.QuoteToASCII(s) }

// duration is d as a person would write it: 1h, not 1h0m0s.
func duration(d time.Duration) string {
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
