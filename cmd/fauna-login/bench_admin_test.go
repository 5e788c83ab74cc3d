package main

import (
	"bytes"
	"os/exec"
	"testing"
)

// BenchmarkAdmin is what an administrator waits for, among a thousand sessions and a million: the
// whole command, from the start of its process to its end. Page is a hundred sessions of all.
func BenchmarkAdmin(b *testing.B) {
	for _, size := range []struct {
		name  string
		users int
	}{{"few", 1000}, {"many", *mostUsers}} {
		b.Run(size.name, func(b *testing.B) {
			town := lab.town(b, size.users)
			var c command
			server := serveIn(town.dir)(b, wirePort, func(_ *testing.B, started *command) { c = *started })
			defer server.stop(b)
			next := 0 // the last user who was not revoked yet
			for _, bench := range []struct {
				name string
				args func() []string
			}{
				{"list", func() []string { return []string{"session", "list", "--user", subject("user", 7)} }},
				{"page", func() []string { return []string{"session", "list"} }},
				{"show", func() []string { return []string{"user", "show", "--user", subject("user", 7)} }},
				{"revoke", func() []string {
					next++ // from the end: other benchmarks begin with the first
					return []string{"session", "revoke", "--yes", "--user", subject("user", size.users-next%size.users)}
				}},
				{"block", func() []string {
					next++
					return []string{"user", "block", "--user", subject("user", size.users-next%size.users)}
				}},
			} {
				b.Run(bench.name, func(b *testing.B) {
					for b.Loop() {
						administer(b, c.fauna, bench.args()...)
					}
				})
			}
		})
	}
}

// administer runs a command to its end. It must print something.
func administer(b *testing.B, fauna string, args ...string) {
	b.Helper()
	cmd := exec.Command(lab.program(b), args...)
	if args[0] == "user" || args[1] != "list" || len(args) > 2 {
		cmd.Args = append(cmd.Args, "--tenant", "default")
	}
	cmd.Env = []string{"FAUNA_ENDPOINT=" + fauna, "FAUNA_SECRET=" + rootSecretOfBench}
	var printed, mistakes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &printed, &mistakes
	if err := cmd.Run(); err != nil || printed.Len() == 0 {
		b.Fatalf("%s: %v\n%s%s", cmd, err, &printed, &mistakes)
	}
}
