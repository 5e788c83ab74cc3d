package main

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Files in the data directory.
const (
	rootSecretFile    = "root.secret"
	serviceSecretFile = "service.secret"
)

// newSecret makes a random root secret. It cannot be mistaken for one of Fauna's, which start
// with fn.
func newSecret() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return "root_" + base64.RawURLEncoding.EncodeToString(b[:])
}

var errEmptySecret = errors.New("is empty")

// readSecret reads a secret from a file, without the newline at its end.
func readSecret(name string) (string, error) {
	content, err := os.ReadFile(name)
	if err != nil {
		return "", fmt.Errorf("reading a secret: %w", err)
	}
	secret := strings.TrimRight(string(content), "\r\n")
	if secret == "" {
		return "", fmt.Errorf("reading a secret: %s %w", name, errEmptySecret)
	}
	return secret, nil
}

// keepSecret reads the secret in a file, or puts a new one there. The file never exists half
// written.
func keepSecret(name string, make func() (string, error)) (string, error) {
	secret, err := readSecret(name)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}
	if secret, err = make(); err != nil {
		return "", err
	}
	return secret, writeSecret(name, secret)
}

// writeSecret puts a secret into a file that only its owner can read.
func writeSecret(name, secret string) error {
	temp, err := os.CreateTemp(filepath.Dir(name), filepath.Base(name)+".*") // mode 0600
	if err != nil {
		return fmt.Errorf("keeping a secret: %w", err)
	}
	defer os.Remove(temp.Name()) // gone after the rename
	_, err = temp.WriteString(secret + "\n")
	if err == nil {
		err = temp.Sync()
	}
	if closeErr := temp.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(temp.Name(), name)
	}
	if err != nil {
		return fmt.Errorf("keeping a secret: %w", err)
	}
	return nil
}
