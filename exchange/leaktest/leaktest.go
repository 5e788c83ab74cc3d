// Package leaktest finds, in a test, what a program has written down and never should.
//
// A [Watch] looks at requests and answers as they pass and keeps the secrets in them: tokens, Fauna
// secrets, cookies, client secrets, and what the tokens claim. Then it reads logs, metrics and the
// like, and tells where it finds any of that, in whole or in part:
//
//	watch.Request(req.Header, body)
//	watch.Answer(res.Header, answer)
//	…
//	for _, leak := range watch.Leaks(map[string]string{"log": log}) {
//		t.Error(leak)
//	}
//
// A part of a secret counts from 21 bytes on. Whatever names who asks may be written down: `sub`,
// `iss`, `kid` and the client's id.
package leaktest

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

const (
	part      = 21 // bytes of a secret that are a leak
	block     = (part + 1) / 2
	shortest  = 12 // secrets that are shorter are words: they may stand anywhere
	shortText = 8  // so are claims
	maxLine   = 8 << 10
	mostShown = 20
)

// Watch keeps what must not be written down. The zero Watch is ready. Its methods may be called
// concurrently.
type Watch struct {
	mu      sync.Mutex
	secrets map[string]bool
	claims  map[string]bool
	names   map[string]bool // may be written down, whatever stands in them
}

var (
	jwtForm    = regexp.MustCompile(`ey[\w-]{8,}\.[\w-]{8,}\.[\w-]*`)
	secretForm = regexp.MustCompile(`fn[AE][\w-]{30,}`) // of Fauna
	bearerForm = regexp.MustCompile(`^[\w.~+/=-]*$`)    // RFC 6750 §2.1: the rest is no token
	emailForm  = regexp.MustCompile(`[\w.+-]+@[\w-]+\.[\w.-]*\w`)
)

// Secret keeps secrets.
func (w *Watch) Secret(values ...string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, value := range values {
		w.secret(value)
	}
}

func (w *Watch) secret(value string) {
	if len(value) < shortest || w.secrets[value] {
		return
	}
	add(&w.secrets, value)
	if jwtForm.MatchString(value) {
		w.token(value)
	}
}

// token keeps what a JWT claims.
func (w *Watch) token(jwt string) {
	var header, payload map[string]any
	parts := strings.Split(jwt, ".")
	if decode(parts[0], &header) {
		w.name(header["kid"])
	}
	if !decode(parts[1], &payload) {
		return
	}
	for name, value := range payload {
		switch name {
		case "sub", "iss", "azp", "client_id":
			w.name(value)
		case "gty": // the name of a grant: one of a few
		default:
			w.claim(value)
		}
	}
}

func decode(part string, v any) bool {
	b, err := base64.RawURLEncoding.DecodeString(part)
	return err == nil && json.Unmarshal(b, v) == nil
}

func (w *Watch) name(value any) {
	if text, ok := value.(string); ok && len(text) >= shortText {
		add(&w.names, text)
	}
}

// claim keeps all texts in a claim.
func (w *Watch) claim(value any) {
	switch value := value.(type) {
	case string:
		if len(value) >= shortText {
			add(&w.claims, value)
		}
	case []any:
		for _, element := range value {
			w.claim(element)
		}
	case map[string]any:
		for _, member := range value {
			w.claim(member)
		}
	}
}

func add(set *map[string]bool, value string) {
	if *set == nil {
		*set = map[string]bool{}
	}
	(*set)[value] = true
}

// Request keeps what is secret in a request.
func (w *Watch) Request(header http.Header, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, value := range header.Values("Authorization") {
		_, credentials, _ := strings.Cut(value, " ")
		if bearerForm.MatchString(credentials) {
			w.secret(credentials)
		}
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil {
			_, password, _ := strings.Cut(string(plain), ":")
			w.secret(password)
		}
	}
	for _, cookie := range (&http.Request{Header: header}).Cookies() {
		w.secret(cookie.Value)
	}
	w.body(body)
}

// Answer keeps what is secret in an answer.
func (w *Watch) Answer(header http.Header, body string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, cookie := range (&http.Response{Header: header}).Cookies() {
		w.secret(cookie.Value)
	}
	w.body(body)
}

func (w *Watch) body(body string) {
	for _, secret := range slices.Concat(jwtForm.FindAllString(body, -1), secretForm.FindAllString(body, -1)) {
		w.secret(secret)
	}
	for _, email := range emailForm.FindAllString(body, -1) {
		w.claim(email)
	}
	var value any
	if json.Unmarshal([]byte(body), &value) == nil {
		w.members(value)
		return
	}
	form, _ := url.ParseQuery(body)
	for name, values := range form {
		for _, value := range values {
			w.member(name, value)
		}
	}
}

func (w *Watch) members(value any) {
	switch value := value.(type) {
	case []any:
		for _, element := range value {
			w.members(element)
		}
	case map[string]any:
		for name, member := range value {
			w.member(name, member)
			w.members(member)
		}
	}
}

// member keeps the value of a parameter or member by its name.
func (w *Watch) member(name string, value any) {
	text, _ := value.(string)
	switch {
	case strings.HasSuffix(name, "token") || strings.HasSuffix(name, "secret") || name == "password" || name == "code":
		w.secret(text)
	case name == "sub" || name == "user_id":
		w.name(text)
	}
}

// Leaks tells what of all that stands in the texts: name → what was written there.
func (w *Watch) Leaks(texts map[string]string) (leaks []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	places := w.places()
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		found := append(w.parts(texts[name], places), w.whole(texts[name])...)
		for _, leak := range found[:min(len(found), mostShown)] {
			leaks = append(leaks, fmt.Sprintf("%s holds %s", name, leak))
		}
	}
	return leaks
}

// place is where in a secret a block of bytes is.
type place struct {
	secret string
	at     int
}

// places indexes the blocks that long secrets are made of. Any part of a secret that is long
// enough has one of them in it.
func (w *Watch) places() map[string]place {
	places := map[string]place{}
	for secret := range w.secrets {
		for at := 0; at+block <= len(secret) && len(secret) >= part; at += block {
			places[secret[at:at+block]] = place{secret, at}
		}
	}
	return places
}

// parts finds parts of long secrets.
func (w *Watch) parts(text string, places map[string]place) (found []string) {
	for at := 0; at+block <= len(text); at++ {
		p, ok := places[text[at:at+block]]
		if !ok {
			continue
		}
		from, to := at, at+block
		for i := p.at; i > 0 && from > 0 && p.secret[i-1] == text[from-1]; i-- {
			from--
		}
		for i := p.at + block; i < len(p.secret) && to < len(text) && p.secret[i] == text[to]; i++ {
			to++
		}
		if to-from >= part {
			found = append(found, fmt.Sprintf("%d bytes of a secret: %s", to-from, around(text, from, to)))
			at = to - 1
		}
	}
	return found
}

// whole finds short secrets, and claims where they do not stand in a name.
func (w *Watch) whole(text string) (found []string) {
	for secret := range w.secrets {
		if len(secret) >= part {
			continue
		}
		if at := strings.Index(text, secret); at >= 0 {
			found = append(found, "a secret: "+around(text, at, at+len(secret)))
		}
	}
	for claim := range w.claims {
		rest := text
		for name := range w.names {
			if strings.Contains(name, claim) {
				rest = strings.ReplaceAll(rest, name, "…")
			}
		}
		if at := strings.Index(rest, claim); at >= 0 {
			found = append(found, "a claim: "+around(rest, at, at+len(claim)))
		}
	}
	return found
}

// around is the end of a find and what stands before it.
func around(text string, from, to int) string {
	return fmt.Sprintf("%q", text[max(0, from-80):min(to, from+60)])
}

// BadLines tells which lines of a log are not one JSON object each, of at most 8 KiB.
func BadLines(text string) (bad []string) {
	for line := range strings.Lines(text) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil || len(line) > maxLine || !strings.HasSuffix(line, "\n") {
			bad = append(bad, fmt.Sprintf("%d bytes, %v: %.200q", len(line), err, line))
		}
	}
	return bad
}
