// Package web is what fauna-login sends to browsers: the client, one ES module without
// dependencies, with its types; and the demo, which `fauna-login dev` alone serves. The same
// directory is the npm package fauna-login, which is the client. Nothing is built or bundled, what
// is read here is what is served and published.
//
// fauna-login.d.ts says how to use the client and, precisely, what it asks of the server: a change
// there is a change of the HTTP interface.
//
// The client's own tests are in test and run in node's test runner (npm ci, npm test); web_test.go
// runs them with the rest.
package web

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
)

//go:embed fauna-login.js
var client string

//go:embed fauna-login.d.ts
var types string

// File is one file as it is sent.
type File struct {
	Body        string
	ContentType string
	ETag        string // strong (RFC 9110 §8.8.3): a hash of Body, in its quotes
}

// Client is fauna-login.js.
func Client() File { return newFile(client, "text/javascript; charset=utf-8") }

// Types is fauna-login.d.ts.
func Types() File { return newFile(types, "application/typescript; charset=utf-8") }

func newFile(body, contentType string) File {
	sum := sha256.Sum256([]byte(body))
	return File{Body: body, ContentType: contentType, ETag: `"` + hex.EncodeToString(sum[:16]) + `"`}
}
