package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/spf13/viper"
)

// maxFile is the largest configuration file, in bytes.
const maxFile = 1 << 20

// parse decodes a file. Mappings in the result may be map[any]any, where YAML has keys that are
// not text.
func parse(name string, data []byte) (map[string]any, Errors) {
	format := strings.TrimPrefix(filepath.Ext(name), ".")
	if format == "yml" {
		format = "yaml"
	}
	one := func(text string) (map[string]any, Errors) { return nil, Errors{{name, text}} }
	switch {
	case format != "yaml" && format != "toml" && format != "json":
		return one("expected a name that ends in .yaml, .yml, .toml or .json")
	case len(data) > maxFile:
		return one("expected a file of at most 1 MiB")
	case !utf8.Valid(data):
		return one("expected UTF-8")
	case format == "yaml" && manyDocuments(data):
		return one("expected one YAML document")
	case format == "json":
		if err := uniqueNames(data); err != nil {
			return one(err.Error())
		}
	}
	decoder, err := viper.NewCodecRegistry().Decoder(format)
	if err != nil {
		return one(err.Error())
	}
	m := map[string]any{}
	if err := decoder.Decode(data, m); err != nil {
		return nil, parseErrors(name, data, err)
	}
	return m, nil
}

// parseErrors turns a decoder's error into lines that do not quote the file.
func parseErrors(name string, data []byte, err error) (all Errors) {
	var syntax *json.SyntaxError
	var position interface{ Position() (row, column int) } // of TOML
	switch {
	case errors.As(err, &syntax):
		return Errors{{name, fmt.Sprintf("line %d: %s", line(data, syntax.Offset), unquoted(err.Error()))}}
	case errors.As(err, &position):
		row, _ := position.Position()
		return Errors{{name, fmt.Sprintf("line %d: %s", row, unquoted(err.Error()))}}
	}
	// What is quoted may have line ends of its own.
	lines := strings.Split(quoted.ReplaceAllString(err.Error(), "…"), "\n")
	if len(lines) > 1 && strings.HasSuffix(lines[0], "errors:") { // yaml: unmarshal errors:
		lines = lines[1:]
	}
	for _, text := range lines {
		if text = unquoted(text); text != "" {
			all = append(all, Problem{name, text})
		}
	}
	return all
}

var (
	quoted   = regexp.MustCompile("`[^`]*`|'[^']{2,}'")
	notAMap  = regexp.MustCompile(`cannot unmarshal .* into .*map\[string\].*`)
	unanchor = regexp.MustCompile(`unknown anchor .*`)
)

// unquoted is a decoder's message without what it quotes from the file: that may be a secret.
func unquoted(message string) string {
	message = strings.TrimSpace(message)
	for _, decoder := range []string{"yaml: ", "json: ", "toml: "} {
		message = strings.TrimPrefix(message, decoder)
	}
	message = notAMap.ReplaceAllString(message, "expected a mapping of keys")
	message = unanchor.ReplaceAllString(message, "unknown anchor")
	return quoted.ReplaceAllString(message, "…")
}

func line(data []byte, offset int64) int {
	return 1 + bytes.Count(data[:min(int(offset), len(data))], []byte("\n"))
}

// manyDocuments says whether there is more than one YAML document: the decoder reads the first
// and is silent about the rest. A marker at the start of a line is never part of a value.
func manyDocuments(data []byte) bool {
	begun, ended := false, false
	for text := range bytes.Lines(data) {
		switch content := strings.TrimSpace(string(text)); {
		case content == "" || content[0] == '#' || content[0] == '%' && !begun:
		case marker(text, "---"):
			if begun {
				return true
			}
			begun = true
		case marker(text, "..."):
			ended = begun
		case ended:
			return true
		default:
			begun = true
		}
	}
	return false
}

func marker(line []byte, mark string) bool {
	rest, ok := bytes.CutPrefix(line, []byte(mark))
	return ok && (len(rest) == 0 || bytes.ContainsRune([]byte(" \t\r\n"), rune(rest[0])))
}

// uniqueNames refuses JSON objects that have a member twice, of which encoding/json takes the
// last one. It leaves other errors to the decoder.
func uniqueNames(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	var walk func(depth int) error
	walk = func(depth int) error {
		t, err := d.Token()
		if err != nil || depth > 100 {
			return io.EOF
		}
		switch t {
		case json.Delim('['):
			for d.More() {
				if err := walk(depth + 1); err != nil {
					return err
				}
			}
		case json.Delim('{'):
			seen := map[string]bool{}
			for d.More() {
				name, err := d.Token()
				if err != nil {
					return io.EOF
				}
				n, _ := name.(string)
				if seen[n] {
					return fmt.Errorf("line %d: expected each key once: %s", line(data, d.InputOffset()), printable(n))
				}
				seen[n] = true
				if err := walk(depth + 1); err != nil {
					return err
				}
			}
		default:
			return nil
		}
		if _, err := d.Token(); err != nil {
			return io.EOF
		}
		return nil
	}
	if err := walk(0); err != io.EOF {
		return err
	}
	return nil
}
