// Package config reads the service's configuration: one YAML, TOML or JSON file, environment
// variables above it, and the defaults that the struct tags of [Config] name. It is the only
// package that knows viper, which decodes the file and lays the three over one another.
//
// [Load] is strict. Every mistake is reported, all at once, each in one line with the key's path
// and what was expected there ([Errors]): unknown keys and FAUNA_LOGIN_* variables (a close
// spelling is suggested), values of another type, values out of range, keys that contradict each
// other. Messages never repeat a value, since it may be a secret that stands in the wrong place.
//
// The tags of the structs are the one list of keys. What decodes the file, the names of the
// variables, `--print-config` and the README's table all read it:
//
//	key      the name; empty: the fields of the nested struct stand among their parent's
//	default  as it would stand in an environment variable; lists are comma separated
//	min max  the range of a number or a duration
//	doc      the meaning, for the table
//
// To add a key, add a field, and a check in validate.go if its type does not say enough.
package config
