package main

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"io"
	"log/slog"
	"math/big"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/exchange/auth0test"
)

// writePair puts a throw-away certificate for name, and its key, into two files that carry the
// time of modification.
func writePair(t *testing.T, certFile, keyFile, name string, modified time.Time) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name}, DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{certFile: {Type: "CERTIFICATE", Bytes: cert}, keyFile: {Type: "PRIVATE KEY", Bytes: der}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, modified, modified); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	writePair(t, certFile, keyFile, "first.example", now)
	config, err := tlsConfig(certFile, keyFile, func() time.Time { return now }, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	want := func(name string) {
		t.Helper()
		pair, err := config.GetCertificate(nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := pair.Leaf.Subject.CommonName; got != name {
			t.Errorf("serving %s, want %s", got, name)
		}
	}
	want("first.example")

	writePair(t, certFile, keyFile, "second.example", now.Add(time.Minute))
	now = now.Add(2 * time.Second)
	want("second.example")

	// A pair that does not fit, as in the middle of a renewal, changes nothing.
	if err := os.WriteFile(certFile, []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	now = now.Add(2 * time.Second)
	want("second.example")
	writePair(t, certFile, keyFile, "third.example", now.Add(time.Hour))
	now = now.Add(2 * time.Second)
	want("third.example")
}

// The service on TLS of its own: HTTP/2, HSTS, and an https endpoint for the SPA.
func TestServeTLS(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	writePair(t, certFile, keyFile, "localhost", time.Now())
	tenant := auth0test.New(t)
	ctx, cancel := context.WithCancel(t.Context())
	started, exited := make(chan Addresses, 1), make(chan int, 1)
	var stderr syncBuffer
	program := &Program{
		Args: []string{"serve"}, Dir: dir, Stdout: io.Discard, Stderr: &stderr, Now: time.Now,
		Started: func(a Addresses) { started <- a },
		Env: []string{
			"FAUNA_LOGIN_LISTEN=127.0.0.1:0", "FAUNA_LOGIN_ADMIN_LISTEN=", "FAUNA_LOGIN_FAUNA_LISTEN=", "FAUNA_LOGIN_FAUNA_DATA=" + filepath.Join(dir, "data"),
			"FAUNA_LOGIN_AUTH0_ISSUERS=" + tenant.Issuer, "FAUNA_LOGIN_AUTH0_AUDIENCE=" + tenant.Audience,
			"FAUNA_LOGIN_TLS_CERT_FILE=" + certFile, "FAUNA_LOGIN_TLS_KEY_FILE=" + keyFile,
		},
	}
	go func() { exited <- program.Run(ctx) }()
	var addresses Addresses
	select {
	case addresses = <-started:
	case code := <-exited:
		t.Fatalf("serve exited with %d:\n%s", code, stderr.String())
	}
	pemCert, err := os.ReadFile(certFile)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pemCert)
	client := &http.Client{Transport: &http.Transport{
		TLSClientConfig: &tls.Config{RootCAs: roots, ServerName: "localhost"}, ForceAttemptHTTP2: true,
	}}
	req, err := http.NewRequest(http.MethodPost, "https://"+addresses.Public+"/fauna-login", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+tenant.Mint())
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var answer struct{ Secret, Endpoint string }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != 200 || answer.Secret == "" || answer.Endpoint != "https://"+addresses.Public {
		t.Errorf("%s, endpoint %s", res.Status, answer.Endpoint)
	}
	if res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s, headers %v", res.Proto, res.Header)
	}
	client.CloseIdleConnections()
	cancel()
	if code := <-exited; code != 0 {
		t.Errorf("exit code %d:\n%s", code, stderr.String())
	}
}

func TestTLSNeedsTheFiles(t *testing.T) {
	if _, err := tlsConfig("nothing.pem", "nothing.key", time.Now, slog.Default()); err == nil {
		t.Error("no error without files")
	}
}
