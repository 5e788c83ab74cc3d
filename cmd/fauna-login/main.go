package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	program := &Program{
		Args:   os.Args[1:],
		Env:    os.Environ(),
		Stdout: os.Stdout,
		Stderr: os.Stderr,
		Now:    time.Now,
	}
	code := program.Run(ctx)
	stop()
	os.Exit(code)
}
