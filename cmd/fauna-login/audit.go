package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"sync"
	"syscall"
	"time"
)

// auditStdout is the name of standard output in audit.output.
const auditStdout = "stdout"

// complainEvery is the least time between two complaints about lines that cannot be written.
const complainEvery = time.Minute

// audit is where the record of decisions goes. A file is opened again on SIGHUP, so that it may
// be renamed away at any time: each line is whole, in the old file or in the new one. SIGHUP
// does not end the program, whatever the output.
type audit struct {
	log *slog.Logger
	now func() time.Time

	signals chan os.Signal
	done    chan struct{} // closed when signals are no longer looked at

	mu         sync.Mutex
	out        io.Writer // the file, or stdout; nil is off
	file       *os.File  // nil for stdout and off
	torn       bool      // the latest line was written in part
	lost       int       // lines since complained that were not written whole
	complained time.Time
}

// openAudit opens the output that the configuration names, which may be empty. Its error does
// not name the file. Without an output there is nothing to Write to.
func (p *Program) openAudit(output string, log *slog.Logger) (*audit, error) {
	a := &audit{log: log, now: p.Now, signals: make(chan os.Signal, 1), done: make(chan struct{})}
	watched := []os.Signal{syscall.SIGHUP}
	switch output {
	case "":
	case auditStdout:
		a.out = p.Stdout
		// Else a reader that has gone away would end the program with the next line.
		watched = append(watched, syscall.SIGPIPE)
	default:
		if p.Dir != "" && !filepath.IsAbs(output) {
			output = filepath.Join(p.Dir, output)
		}
		file, err := openAppend(output)
		if err != nil {
			return nil, err
		}
		a.out, a.file = file, file
	}
	signal.Notify(a.signals, watched...)
	go a.watch()
	return a, nil
}

// openAppend opens a file to append to. It is the owner's alone if it is new.
func openAppend(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	var pathError *fs.PathError
	if errors.As(err, &pathError) {
		return nil, pathError.Err
	}
	return file, err
}

// Write writes one line, with its end. It never fails: that a line is lost is for the log, and no
// matter of the request that the line tells of.
func (a *audit) Write(line []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.write(line); err != nil {
		a.complain(err)
	}
	return len(line), nil
}

func (a *audit) write(line []byte) error {
	if a.torn { // keep what comes apart from what was cut
		if _, err := a.out.Write([]byte("\n")); err != nil {
			return err
		}
		a.torn = false
	}
	n, err := a.out.Write(line)
	a.torn = err != nil && n > 0
	return err
}

// complain logs, not more than once in complainEvery, that lines are lost.
func (a *audit) complain(err error) {
	a.lost++
	now := a.now()
	if since := now.Sub(a.complained); since >= 0 && since < complainEvery {
		return
	}
	a.log.Error("the audit record cannot be written", "lost", a.lost, "cause", err.Error())
	a.lost, a.complained = 0, now
}

func (a *audit) watch() {
	defer close(a.done)
	for s := range a.signals {
		if s == syscall.SIGHUP && a.file != nil {
			a.reopen()
		}
	}
}

// reopen opens the file by its name again and leaves the old one, unless that fails.
func (a *audit) reopen() {
	old := a.file // no one else sets it
	file, err := openAppend(old.Name())
	if err != nil {
		a.log.Error("the audit file cannot be opened again; the old one stays in use", "file", old.Name(), "cause", err.Error())
		return
	}
	a.mu.Lock()
	a.out, a.file, a.torn = file, file, false
	a.mu.Unlock()
	a.closeFile(old)
	a.log.Info("opened the audit file again", "file", file.Name())
}

// Close ends the record. A line that comes later, of a request that was cut off, is lost, and
// the log is told so.
func (a *audit) Close() {
	signal.Stop(a.signals)
	close(a.signals)
	<-a.done
	if a.file != nil {
		a.closeFile(a.file)
	}
}

// closeFile tells what a file system has to say only at the end.
func (a *audit) closeFile(file *os.File) {
	if err := file.Close(); err != nil {
		a.log.Error("closing the audit file", "cause", err.Error())
	}
}
