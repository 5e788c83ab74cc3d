package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"text/tabwriter"
	"time"
)

// lab is what the benchmarks of one run share, for each is a function of its own: the program,
// the tokens, loaded directories, and the results, which are compared with each other at the end.
var lab laboratory

type laboratory struct {
	dir    string // of the program and the towns; made on first use
	binary string
	keys   *issuer
	towns  map[int]*town // users → town

	samples []named
	stages  []string // lines of the last break-down
	growths []growth
	starts  []startOf
}

type named struct {
	name string
	sample
}

// growth is the median latency of an exchange among few users and among many.
type growth struct {
	kind            string
	few, many       int
	fewP50, manyP50 time.Duration
}

func (g growth) factor() float64 { return float64(g.manyP50) / float64(g.fewP50) }

type startOf struct {
	name string
	took time.Duration
}

// What the design asks of an exchange.
const (
	leastRate, aimRate = 0.5, 0.7 // of the floor's, with 64 clients
	mostCPU, aimCPU    = 2, 1.4   // times the floor's
	mostDisk           = 2500     // bytes
	mostGrowth         = 1.3      // of the latency, from a thousand users to a million
	mostStart          = 150 * time.Millisecond
)

// benchmarked is the tests and benchmarks, with a table at the end.
type benchmarked struct{ *testing.M }

func (m benchmarked) Run() int {
	code := m.M.Run()
	lab.print(os.Stdout)
	lab.close()
	return code
}

// workDir is a directory for the whole run.
func (l *laboratory) workDir(b *testing.B) string {
	if l.dir == "" {
		dir, err := os.MkdirTemp("", "fauna-login-bench")
		if err != nil {
			b.Fatal(err)
		}
		l.dir = dir
	}
	return l.dir
}

func (l *laboratory) close() {
	if l.keys != nil {
		l.keys.keySet.Close()
	}
	if l.dir != "" {
		if err := os.RemoveAll(l.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
}

// program builds the program: the test binary is not what users run.
func (l *laboratory) program(b *testing.B) string {
	if l.binary == "" {
		path := filepath.Join(l.workDir(b), "fauna-login")
		if out, err := exec.Command("go", "build", "-o", path, ".").CombinedOutput(); err != nil {
			b.Fatalf("go build: %v\n%s", err, out)
		}
		l.binary = path
	}
	return l.binary
}

func (l *laboratory) issuer(b *testing.B) *issuer {
	if l.keys == nil {
		l.keys = newIssuer(b)
	}
	return l.keys
}

// town is a directory with so many users, loaded on first use.
func (l *laboratory) town(b *testing.B, users int) *town {
	if users == 0 || testing.Short() {
		b.Skip("loading users is left out")
	}
	if l.towns[users] == nil {
		if l.towns == nil {
			l.towns = map[int]*town{}
		}
		l.towns[users] = settle(b, filepath.Join(l.workDir(b), fmt.Sprint("users-", users)), users)
	}
	return l.towns[users]
}

// used is a fresh copy of a directory that saw so many exchanges before the server ended.
func (l *laboratory) used(b *testing.B, exchanges int, end func(*measured, *testing.B)) string {
	name := fmt.Sprint("used-", exchanges, "-", b.Name())
	dir := filepath.Join(l.workDir(b), strings.ReplaceAll(name, "/", "-"))
	if _, err := os.Stat(dir); err != nil {
		server := serveIn(dir)(b)
		load := newLoad(8)
		load.post(b, server.url, l.issuer(b).strangers(b, 0, exchanges))
		load.close()
		end(server, b)
	}
	fresh := b.TempDir()
	if err := os.CopyFS(fresh, os.DirFS(dir)); err != nil {
		b.Fatal(err)
	}
	return fresh
}

// add reports an experiment. Of the runs that the testing package makes of one benchmark the last
// is the one that counts.
func (l *laboratory) add(b *testing.B, name string, s sample) {
	l.samples = append(slices.DeleteFunc(l.samples, func(old named) bool { return old.name == name }), named{name, s})
	b.ReportMetric(s.perSecond, "ok/s")
	b.ReportMetric(milliseconds(s.cpu), "cpu-ms/op")
	b.ReportMetric(milliseconds(s.p50), "p50-ms")
	b.ReportMetric(milliseconds(s.p99), "p99-ms")
	b.ReportMetric(s.disk, "disk-B/op")
	b.ReportMetric(s.rss/1e6, "rss-MB")
	if s.floor != nil {
		b.ReportMetric(s.floor.perSecond, "x-floor")
		b.ReportMetric(s.floor.cpu, "cpu-x-floor")
	}
}

// grew reports a growth.
func (l *laboratory) grew(b *testing.B, g growth) {
	l.growths = append(slices.DeleteFunc(l.growths, func(old growth) bool { return old.kind == g.kind }), g)
	b.ReportMetric(milliseconds(g.fewP50), "few-p50-ms")
	b.ReportMetric(milliseconds(g.manyP50), "many-p50-ms")
	b.ReportMetric(g.factor(), "growth")
}

// took reports a start.
func (l *laboratory) took(b *testing.B, name string, d time.Duration) {
	l.starts = slices.DeleteFunc(l.starts, func(s startOf) bool { return s.name == name })
	l.starts = append(l.starts, startOf{name, d})
	b.ReportMetric(milliseconds(d), "start-ms")
}

// print writes the tables, if benchmarks ran.
func (l *laboratory) print(w io.Writer) {
	if len(l.samples) > 0 {
		l.printSamples(w)
	}
	if len(l.stages) > 0 {
		fmt.Fprintf(w, "\n%s\n", strings.Join(l.stages, "\n"))
	}
	for _, g := range l.growths {
		fmt.Fprintf(w, "exchange/%s, p50 of 1 client: %.2f ms among %d users, %.2f ms among %d: × %.2f%s\n", g.kind,
			milliseconds(g.fewP50), g.few, milliseconds(g.manyP50), g.many, g.factor(), verdict(g.factor() < mostGrowth, "below", mostGrowth))
	}
	for _, s := range l.starts {
		fmt.Fprintf(w, "start, %s: %s%s\n", s.name, s.took.Round(time.Millisecond/10), verdict(s.took < mostStart, "below", mostStart))
	}
}

func (l *laboratory) printSamples(w io.Writer) {
	fmt.Fprintln(w)
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(t, "\tok/s\tCPU ms\tp50 ms\tp99 ms\tdisk B\tRSS MB\tok/s × floor\tCPU × floor\t\n")
	for _, s := range l.samples {
		fmt.Fprintf(t, "%s\t%.0f\t%.3f\t%.2f\t%.2f\t%.0f\t%.0f\t", s.name,
			s.perSecond, milliseconds(s.cpu), milliseconds(s.p50), milliseconds(s.p99), s.disk, s.rss/1e6)
		if s.floor != nil {
			fmt.Fprintf(t, "%.2f\t%.2f\t\n", s.floor.perSecond, s.floor.cpu)
		} else {
			fmt.Fprint(t, "\t\t\n")
		}
	}
	_ = t.Flush() // to standard output
	at := slices.IndexFunc(l.samples, func(s named) bool { return s.name == "exchange/new/64" })
	if at < 0 {
		return
	}
	s := l.samples[at]
	rate, cpu := s.floor.perSecond, s.floor.cpu
	fmt.Fprintf(w, "\n%s, ok/s: %.2f of the floor%s, aim %v\n", s.name, rate, verdict(rate >= leastRate, "at least", leastRate), aimRate)
	fmt.Fprintf(w, "%s, CPU: %.2f × the floor%s, aim %v\n", s.name, cpu, verdict(cpu <= mostCPU, "at most", mostCPU), aimCPU)
	fmt.Fprintf(w, "%s, disk: %.0f bytes%s\n", s.name, s.disk, verdict(s.disk <= mostDisk, "at most", mostDisk))
}

func verdict(met bool, relation string, wanted any) string {
	if met {
		return fmt.Sprintf(" (wanted: %s %v)", relation, wanted)
	}
	return fmt.Sprintf(" — MISSED (wanted: %s %v)", relation, wanted)
}

func milliseconds(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1e6 }
