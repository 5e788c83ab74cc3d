package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"
)

// shutdownTime is how long running requests may take after the program was told to stop.
const shutdownTime = 10 * time.Second

// servers are the listeners of a running program, started and stopped together.
type servers struct {
	log  *slog.Logger
	list []*server
}

// server is a listener with its address, and an HTTP server that waits for its handler.
type server struct {
	name     string
	address  string // host:port, the real port
	listener net.Listener
	http     *http.Server
}

// listen opens a listener, before run serves it: set http.Handler until then.
func (s *servers) listen(name, address string) (*server, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listening for %s: %w", name, err)
	}
	opened := &server{name: name, address: l.Addr().String(), listener: l, http: &http.Server{
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		ErrorLog:          slog.NewLogLogger(s.log.With("listener", name).Handler(), slog.LevelDebug),
	}}
	s.list = append(s.list, opened)
	return opened, nil
}

// url is how this machine reaches the listener, whose port the system may have chosen.
func (s *server) url() string {
	host, port, _ := net.SplitHostPort(s.address)
	if host == "127.0.0.1" {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// run serves until ctx ends, then finishes running requests. If one listener fails the
// others stop too. It closes all listeners in any case.
func (s *servers) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, server := range s.list {
		group.Go(func() error { return server.serve() })
	}
	group.Go(func() error {
		<-ctx.Done()
		s.stop()
		return nil
	})
	return group.Wait()
}

func (s *server) serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serving %s: %w", s.name, err)
}

// stop lets all servers finish at the same time, then cuts what is left.
func (s *servers) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), shutdownTime)
	defer cancel()
	var group errgroup.Group
	for _, server := range s.list {
		group.Go(func() error {
			if err := server.http.Shutdown(ctx); err != nil {
				s.log.Warn("requests were cut off", "listener", server.name, "after", shutdownTime)
				return server.http.Close()
			}
			return nil
		})
	}
	_ = group.Wait() // nothing can be done about a listener that does not close
}

// close drops listeners that were opened but never served.
func (s *servers) close() {
	for _, server := range s.list {
		_ = server.listener.Close() // closed already after run
	}
}
