package main

import (
	"bufio"
	"bytes"
	"cmp"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// stage is a part of an exchange and its share of the CPU time.
type stage struct {
	name  string
	share float64
}

// stageOf tells a stage by the functions on a stack: the first row that any of them begins with
// decides. Inner stages come first, so that a row means what its function does itself. Names are
// without the module's path.
var stageOf = []struct{ function, stage string }{
	{"runtime.gcBgMarkWorker", "gc"},
	{"runtime.gcAssistAlloc", "gc"},
	{"runtime.bgsweep", "gc"},
	{"runtime.bgscavenge", "gc"},
	{"runtime.newstack", "stack"}, // goroutines that outgrow theirs
	{"crypto/rsa.", "rsa"},
	{"exchange.(*Verifier).Verify", "verify"},
	{"github.com/cockroachdb/pebble/v2.(*DB).flush", "compaction"},
	{"github.com/cockroachdb/pebble/v2.(*DB).compact", "compaction"},
	{"github.com/cockroachdb/pebble/v2/record.", "commit"},
	{"fqlx/internal/store.(*Tx).commit", "commit"},
	{"fqlx/internal/store.(*Store).sync", "commit"},
	{"fqlx/internal/store.(*Tx).", "look-up"},
	{"fqlx/internal/store.(*Iter).", "look-up"},
	{"fqlx/internal/eval.(*evaluator).authenticate", "auth"},
	{"fqlx/internal/syntax.", "parse"},
	{"fqlx/internal/resolve.", "parse"},
	{"fqlx/internal/eval.", "eval"},
	{"fqlx/engine.", "wire"},
	{"github.com/fauna/fauna-go", "driver"},
	{"fqlx.", "driver"},
	{"net/http.", "http"},
	{"exchange.", "http"},
	{"runtime.mcall", "scheduler"},
	{"runtime.mstart", "scheduler"},
}

// stages adds up a CPU profile by stage, largest first.
func stages(b *testing.B, profile string) []stage {
	out, err := exec.Command("go", "tool", "pprof", "-traces", "-unit=us", profile).Output()
	if err != nil {
		b.Fatal(err)
	}
	sums := map[string]float64{}
	total := 0.0
	var value float64
	var stack []string
	flush := func() {
		if len(stack) > 0 {
			sums[stageOfStack(stack)] += value
			total += value
		}
		stack = stack[:0]
	}
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		line := lines.Text()
		var us float64
		var function string
		switch n, _ := fmt.Sscanf(line, "%fus %s", &us, &function); {
		case strings.HasPrefix(line, "-----------+"):
			flush()
		case n == 2:
			value, stack = us, append(stack, function)
		case len(stack) > 0:
			stack = append(stack, strings.TrimSpace(line))
		}
	}
	flush()
	if total == 0 {
		b.Fatalf("no samples in %s:\n%s", profile, out)
	}
	var all []stage
	for name, sum := range sums {
		all = append(all, stage{name, sum / total})
	}
	slices.SortFunc(all, func(x, y stage) int { return cmp.Compare(y.share, x.share) })
	return all
}

func stageOfStack(stack []string) string {
	for _, s := range stageOf {
		for _, function := range stack {
			if strings.HasPrefix(strings.TrimPrefix(function, "github.com/fauna-login/fauna-login/"), s.function) {
				return s.stage
			}
		}
	}
	return "other"
}

// explain keeps a break-down for the end of the run.
func (l *laboratory) explain(each time.Duration, shares []stage) {
	l.stages = []string{fmt.Sprintf("CPU time of exchange/new/64: %.0f µs, of which", each.Seconds()*1e6)}
	for _, s := range shares {
		l.stages = append(l.stages, fmt.Sprintf("%12s %5.0f µs %5.1f %%", s.name, s.share*each.Seconds()*1e6, 100*s.share))
	}
}
