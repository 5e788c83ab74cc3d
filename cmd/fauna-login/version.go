package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

// version is set by the build: -ldflags "-X main.version=v1.2.3".
var version = ""

func (p *Program) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print version, commit, Go and schema version",
		Args:  noArgs,
		RunE: func(*cobra.Command, []string) error {
			name, commit := build()
			_, err := fmt.Fprintf(p.Stdout, "fauna-login %s\ncommit %s\ngo %s\nschema %d\n", name, commit, strings.TrimPrefix(runtime.Version(), "go"), fqlx.WantSchema)
			return err
		},
	}
}

// build returns the version and commit that the Go tool put into the binary.
func build() (name, commit string) {
	name, commit = version, "unknown"
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return name, commit
	}
	if name == "" {
		name = info.Main.Version
	}
	dirty := ""
	for _, setting := range info.Settings {
		switch {
		case setting.Key == "vcs.revision":
			commit = setting.Value
		case setting.Key == "vcs.modified" && setting.Value == "true":
			dirty = " (modified)"
		}
	}
	return name, commit + dirty
}
