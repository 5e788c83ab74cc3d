package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/viper"
)

// DefaultFile is read from the working directory when no file is named.
const DefaultFile = "fauna-login.yaml"

// Options says where the configuration comes from.
type Options struct {
	// File is the file to read; its extension, .yaml, .yml, .toml or .json, says what it holds.
	// Empty is DefaultFile, which need not exist.
	File string
	// Dir is where relative paths of files that Load reads start; empty is the working directory.
	Dir string
	// Env is the environment as os.Environ gives it; nil is an empty one.
	Env []string
	// ReadFile reads a file; nil is os.ReadFile.
	ReadFile func(name string) ([]byte, error)
}

// Load reads, checks and completes the configuration. The error, if any, is an [Errors].
func Load(o Options) (*Config, error) {
	l := loader{Options: o, keys: schema(), set: map[string]bool{}, problems: problems{from: map[string]string{}}}
	if l.ReadFile == nil {
		l.ReadFile = os.ReadFile
	}
	c := l.load()
	if len(l.list) > 0 {
		return nil, l.list
	}
	return c, nil
}

// loader is one run of Load.
type loader struct {
	Options
	problems
	noFile bool // none was named, and the default is not there
	keys   []key
	set    map[string]bool // paths that the file or a variable sets

	short       bool   // the short form of auth0 was used
	shortDomain string // its domain
}

func (l *loader) load() *Config {
	file := l.readConfig()
	if len(l.list) > 0 {
		return nil // what cannot be read has no further mistakes
	}
	v := viper.New()
	for _, k := range leaves(l.keys) {
		if k.def != "" {
			v.SetDefault(k.path, text(k.def))
		}
	}
	if err := v.MergeConfigMap(l.clean(l.keys, file, "")); err != nil {
		l.add(l.File, err.Error())
	}
	for path, value := range l.environment() {
		v.Set(path, text(value))
	}
	c := new(Config)
	l.decode(reflect.ValueOf(c).Elem(), l.keys, v.AllSettings(), "")
	l.readSecret("fauna.secret", &c.Fauna.Secret, c.Fauna.SecretFile)
	l.readSecret("fauna.root_secret", &c.Fauna.RootSecret, c.Fauna.RootSecretFile)
	l.foldTenants(&c.Auth0)
	l.readEventTokens(c.Auth0.Tenants)
	l.readSecrets("session.keys", &c.Session.Keys, c.Session.KeysFile)
	l.validate(c)
	complete(c)
	return c
}

// text is a value that came as text, from a variable or a tag, whatever its key's type is.
type text string

// readConfig reads the file, if there is one.
func (l *loader) readConfig() map[string]any {
	name, optional := l.File, l.File == ""
	if optional {
		name = DefaultFile
	}
	data, err := l.ReadFile(l.at(name))
	switch {
	case err != nil && optional && errors.Is(err, fs.ErrNotExist):
		l.noFile = true
		return nil
	case err != nil:
		l.add(name, "expected a readable file: "+reason(err))
		return nil
	}
	m, found := parse(name, data)
	l.list = append(l.list, found...)
	return m
}

// at is where a file of that name is.
func (l *loader) at(name string) string {
	if l.Dir == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(l.Dir, name)
}

// reason is err without the path, which the problem names already.
func reason(err error) string {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		err = e.Err
	}
	return strings.ReplaceAll(err.Error(), "\n", " ")
}

// environment gives the values of our variables, path → value, and reports those that are
// not ours.
func (l *loader) environment() map[string]string {
	byName := map[string]string{} // variable → path
	var known []string
	for _, k := range leaves(l.keys) {
		byName[k.env()] = k.path
		known = append(known, k.env())
	}
	values := map[string]string{}
	rootSecret := ""
	for _, entry := range slices.Sorted(slices.Values(l.Env)) {
		name, value, _ := strings.Cut(entry, "=")
		if name == "FAUNA_ROOT_SECRET" {
			rootSecret = value
		}
		if !strings.HasPrefix(name, envPrefix) {
			continue
		}
		path, ok := byName[name]
		if !ok {
			close := closest(name, known)
			l.unknown(printable(name), "variable", close, byName[close])
			continue
		}
		values[path], l.from[path], l.set[path] = value, name, true
	}
	const root = "fauna.root_secret" // has a second variable, which the ecosystem knows
	if own, ok := values[root]; rootSecret != "" && ok && own != rootSecret {
		l.add(root, "expected one value, but FAUNA_ROOT_SECRET has another")
	} else if rootSecret != "" {
		values[root], l.from[root], l.set[root] = rootSecret, "FAUNA_ROOT_SECRET", true
	}
	return values
}

// unknown reports a key or variable that does not exist. What it was probably meant to be is
// not reported as missing.
func (l *loader) unknown(name, what, meant, path string) {
	hint := "unknown " + what
	if meant != "" {
		hint += "; did you mean " + meant + "?"
		l.excuse(path)
	}
	l.add(name, hint)
}

// printable is a name that somebody else chose, fit for one line.
func printable(name string) string {
	plain := name != "" && len(name) <= 64 && !strings.ContainsFunc(name, func(r rune) bool {
		return r != '_' && r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if plain {
		return name
	}
	if len(name) > 64 {
		name = name[:64]
	}
	return strconv.QuoteToASCII(name)
}

// readSecret reads the file of a secret.
func (l *loader) readSecret(path string, s *Secret, file string) {
	content, ok := l.readFile(path, file, !s.IsZero())
	if !ok {
		return
	}
	content = strings.TrimSuffix(strings.TrimSuffix(content, "\n"), "\r")
	if !validSecret(content) {
		l.add(path+"_file", "expected a file that holds "+secretForm)
		return
	}
	*s = NewSecret(content)
}

// readSecrets reads a file of secrets, one per line. Whether they are good is for validate.
func (l *loader) readSecrets(path string, s *[]Secret, file string) {
	content, ok := l.readFile(path, file, len(*s) > 0)
	if !ok {
		return
	}
	for line := range strings.Lines(content) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			*s = append(*s, NewSecret(line))
		}
	}
	if len(*s) == 0 {
		l.add(path+"_file", "expected a file that holds them, one per line")
	}
}

// readFile reads the file that holds the value of the key at path, if one is named. isSet says
// that the key has a value of its own, which is a mistake then.
func (l *loader) readFile(path, file string, isSet bool) (content string, ok bool) {
	if file == "" || !l.ok(path, path+"_file") {
		return "", false
	}
	if isSet {
		l.add(path+"_file", "expected either "+path+" or "+path+"_file, not both")
		return "", false
	}
	data, err := l.ReadFile(l.at(file))
	if err != nil {
		l.add(path+"_file", "expected a readable file: "+reason(err))
		return "", false
	}
	return string(data), true
}
