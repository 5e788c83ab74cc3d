package config

import "strings"

// Problem is one mistake in the configuration.
type Problem struct {
	Path string // the key, the variable or the file: "session.max_ttl", "cors.origins[1]"
	Text string // what was expected there
}

// String is the problem in one line.
func (p Problem) String() string { return p.Path + ": " + p.Text }

// Errors is every mistake that was found: one line each.
type Errors []Problem

func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, p := range e {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// problems collects mistakes, one per path.
type problems struct {
	list Errors
	bad  map[string]bool   // path → its value cannot be judged any further
	from map[string]string // path → the variable that its value came from
}

// add reports a mistake, unless one is known at path. A value that came from a variable is
// reported with its name.
func (p *problems) add(path, text string) {
	if p.bad[path] {
		return
	}
	list, _, _ := strings.Cut(path, "[")
	if name, ok := p.from[list]; ok {
		text += " (set by " + name + ")"
	}
	p.excuse(path)
	p.list = append(p.list, Problem{path, text})
}

// excuse keeps a path from being reported: a misspelt key is not missing as well.
func (p *problems) excuse(path string) {
	if p.bad == nil {
		p.bad = map[string]bool{}
	}
	p.bad[path] = true
}

// ok says whether all of paths can be judged.
func (p *problems) ok(paths ...string) bool {
	for _, path := range paths {
		if p.bad[path] {
			return false
		}
	}
	return true
}
