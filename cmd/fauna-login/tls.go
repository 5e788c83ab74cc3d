package main

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"
)

// certificate is a TLS certificate in two files, read again when they change: whoever renews
// them need not restart the service.
type certificate struct {
	certFile, keyFile string
	now               func() time.Time
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	stamp   [2]time.Time // modification times of the files that current was read from
	checked time.Time
}

// checkEvery is the least time between two looks at the files.
const checkEvery = time.Second

// tlsConfig reads the certificate, which must be there, and returns a configuration that
// keeps it fresh.
func tlsConfig(certFile, keyFile string, now func() time.Time, log *slog.Logger) (*tls.Config, error) {
	c := &certificate{certFile: certFile, keyFile: keyFile, now: now, log: log}
	if err := c.read(); err != nil {
		return nil, fmt.Errorf("reading the TLS certificate: %w", err)
	}
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.get(), nil },
	}, nil
}

// get returns the current certificate. A pair that does not fit, as while the files are being
// replaced, leaves the old one in use.
func (c *certificate) get() *tls.Certificate {
	c.mu.Lock()
	defer c.mu.Unlock()
	if now := c.now(); now.Sub(c.checked) >= checkEvery || now.Before(c.checked) {
		c.checked = now
		if stamp := c.modified(); stamp != c.stamp {
			if err := c.read(); err != nil {
				c.log.Error("the changed TLS certificate cannot be read; the old one stays in use", "cause", err)
			} else {
				c.log.Info("read the changed TLS certificate", "file", c.certFile)
			}
		}
	}
	return c.current
}

func (c *certificate) read() error {
	stamp := c.modified()
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return err
	}
	c.current, c.stamp = &pair, stamp
	return nil
}

func (c *certificate) modified() (stamp [2]time.Time) {
	for i, name := range []string{c.certFile, c.keyFile} {
		if info, err := os.Stat(name); err == nil {
			stamp[i] = info.ModTime()
		}
	}
	return stamp
}
