// Passwordless is a backend that logs its users in with a code sent by mail, and gives their
// pages a Fauna secret: a worked example of POST /fauna-login/on-behalf. See README.md.
//
//	POST /code   {"email":"ada@example.com"}                    204; sends a code, if we know her
//	POST /login  {"email":"ada@example.com","code":"12345678"}  200 {"secret","endpoint","expires_at"}
package main

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

func main() {
	a := &app{
		fauna: &faunaLogin{
			url:      os.Getenv("EXCHANGE_URL"), // of fauna-login
			issuer:   os.Getenv("AUTH0_ISSUER"), // with its slash
			audience: os.Getenv("AUTH0_AUDIENCE"),
			client:   os.Getenv("AUTH0_CLIENT_ID"),
			secret:   os.Getenv("AUTH0_CLIENT_SECRET"),
			http:     &http.Client{Timeout: 10 * time.Second},
		},
		// Your table of users. The subject is the user's key in Fauna: never change it, and take a
		// provider name (before the bar) that no Auth0 connection has, unless you mean that very user.
		users: map[string]string{"ada@example.com": "mail|1", "grace@example.com": "mail|2", "alan@example.com": "mail|3"},
		codes: map[string]*code{},
	}
	http.HandleFunc("POST /code", a.postCode)
	http.HandleFunc("POST /login", a.postLogin)
	l, err := net.Listen("tcp", os.Getenv("LISTEN"))
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("listening on http://%s\n", l.Addr())
	server := &http.Server{ReadTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	log.Fatal(server.Serve(l))
}

type app struct {
	fauna *faunaLogin
	users map[string]string // e-mail → subject

	mu    sync.Mutex
	codes map[string]*code // e-mail → the code that was sent last
}

// code is good once, for ten minutes, and for five tries.
type code struct {
	text  string
	sent  time.Time
	tries int
}

// postCode sends a code. Its answer does not tell whether we know the address.
func (a *app) postCode(w http.ResponseWriter, r *http.Request) {
	var body struct{ Email string }
	if !read(w, r, &body) {
		return
	}
	if _, known := a.users[body.Email]; known {
		if text, ok := a.newCode(body.Email); ok {
			// HERE goes your mail service.
			fmt.Printf("mail to %s: your code is %s\n", body.Email, text)
		}
	}
	w.WriteHeader(http.StatusNoContent)
}

// newCode makes a code, one a minute at most: else guessing would only need more codes.
func (a *app) newCode(email string) (string, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if last := a.codes[email]; last != nil && time.Since(last.sent) < time.Minute {
		return "", false
	}
	n, err := rand.Int(rand.Reader, big.NewInt(100_000_000))
	if err != nil {
		return "", false
	}
	c := &code{text: fmt.Sprintf("%08d", n), sent: time.Now()}
	a.codes[email] = c
	return c.text, true
}

// authenticated is the app's own check, the one thing that stands between a stranger and a
// user's data: fauna-login believes this backend. Put passkeys, or what you have, in its place.
func (a *app) authenticated(email, text string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	c := a.codes[email]
	if c == nil || c.tries == 5 || time.Since(c.sent) > 10*time.Minute {
		return false
	}
	c.tries++
	if subtle.ConstantTimeCompare([]byte(c.text), []byte(text)) != 1 {
		return false
	}
	c.tries = 5 // used up
	return true
}

// postLogin hands a secret to the page of a user who proved who they are.
func (a *app) postLogin(w http.ResponseWriter, r *http.Request) {
	var body struct{ Email, Code string }
	if !read(w, r, &body) {
		return
	}
	if !a.authenticated(body.Email, body.Code) {
		http.Error(w, "wrong code", http.StatusUnauthorized)
		return
	}
	// The subject comes from the table, never from the request.
	issued, err := a.fauna.onBehalf(r.Context(), a.users[body.Email], map[string]string{"email": body.Email})
	var refused *refusal
	switch {
	case errors.As(err, &refused) && refused.status == http.StatusForbidden: // blocked, or deleted
		http.Error(w, "you may not log in", http.StatusForbidden)
		return
	case err != nil:
		log.Print("logging in: ", err) // holds no token and no secret
		http.Error(w, "try again in a while", http.StatusServiceUnavailable)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(issued)
}

// read reads a JSON body. Its type is what keeps other sites' pages out: they cannot send it
// without asking first (CORS), and nobody answers.
func read(w http.ResponseWriter, r *http.Request, into any) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if media != "application/json" || json.NewDecoder(http.MaxBytesReader(w, r.Body, 4096)).Decode(into) != nil {
		http.Error(w, "a JSON object expected", http.StatusBadRequest)
		return false
	}
	return true
}
