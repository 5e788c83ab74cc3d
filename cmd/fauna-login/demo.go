package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/exchange/web"
	"github.com/fauna-login/fauna-login/fqlx/engine"
)

const (
	// demoTTL is the life of the demo's secrets: short enough to watch them being renewed.
	demoTTL = time.Minute
	// demoFile holds the demo's notes in the database's schema.
	demoFile = "fauna-login.demo.fsl"
	// devTenant is the name of the stand-in tenant, part of its users' keys.
	devTenant = "dev"
)

// addDemo adds the demo's page, and for each mode an exchange below /<mode>/ for the page to choose
// from. They are like the one of setup but for their mode and the life of their secrets. Their
// streams end when public shuts down.
func addDemo(public *server, site *http.ServeMux, setup exchange.Config, page web.DemoConfig) error {
	key, err := exchange.ParseKey(exchange.NewKey()) // cookies do not outlive the program
	if err != nil {
		return err
	}
	for _, mode := range []exchange.Mode{exchange.ModeBearer, exchange.ModeRefresh, exchange.ModeCookie} {
		prefix := "/" + string(mode)
		c := setup
		c.Mode, c.MaxTTL = mode, demoTTL
		c.PublicURL = setup.PublicURL + prefix
		if mode != exchange.ModeBearer {
			c.Keys, c.Insecure = []exchange.Key{key}, true // plain http: a loopback address has no certificate
		}
		service, err := exchange.New(c)
		if err != nil {
			return err
		}
		public.http.RegisterOnShutdown(service.EndStreams)
		site.Handle(prefix+"/", http.StripPrefix(prefix, service.Handler()))
	}
	demo, err := web.Demo(page)
	if err != nil {
		return err
	}
	site.Handle("/{$}", demo)
	site.Handle("/demo/", demo)
	return nil
}

// demoTexts are what the users have noted before anybody logged in: there has to be something
// that the other may not see.
var demoTexts = map[string]string{
	auth0test.Ada:   "The engine weaves algebraical patterns, just as the loom weaves flowers and leaves.",
	auth0test.Grace: "Found a moth in relay 70. First actual case of a bug being found.",
}

// demoUsers makes the stand-in tenant's users and a note of each, where they are not there yet.
// Without that the demo has less to show, so that it fails is no more than logged: a database that
// is kept may have a collection Note of its own.
func demoUsers(ctx context.Context, e *embedded, log *slog.Logger) []web.DemoUser {
	type person struct {
		Sub   string `json:"sub"`
		Email string `json:"email"`
		Text  string `json:"text"`
	}
	var people []person
	var users []web.DemoUser
	for _, u := range auth0test.Users() {
		people = append(people, person{u.Sub, u.Email, demoTexts[u.Sub]})
		users = append(users, web.DemoUser{Name: u.Name, Email: u.Email})
	}
	var made []struct{ User, Note string }
	err := e.pushDemo(ctx)
	if err == nil {
		err = e.query(ctx, seedDemo, map[string]any{"tenant": devTenant, "people": people}, &made)
	}
	if err == nil && len(made) != len(users) {
		err = fmt.Errorf("%d users of %d", len(made), len(users))
	}
	if err != nil {
		log.Warn("the demo has no notes to show", "cause", err.Error())
		return users
	}
	for i, m := range made {
		users[i].User, users[i].Note = m.User, m.Note
	}
	return users
}

// seedDemo answers with a user and a note for each of people.
const seedDemo = `people.map(who => {
  let known: Any = User.byAuth0(tenant, who.sub).first()
  let user: Any = if (known == null) upsertAuth0User(tenant, who.sub, { email: who.email }) else known
  let first: Any = Note.byOwner(user).first()
  let note: Any = if (first == null) Note.create({ owner: user, text: who.text }) else first
  { user: user.id, note: note.id }
})`

// pushDemo makes the collection of notes and their role, unless there is a collection Note: then
// it is the demo's of an earlier run, or the owner's.
func (e *embedded) pushDemo(ctx context.Context) error {
	var exists bool
	if err := e.query(ctx, `Collection.byName("Note").exists()`, nil, &exists); err != nil || exists {
		return err
	}
	if _, err := e.Push(ctx, engine.File{Name: demoFile, Content: web.DemoSchema()}); err != nil {
		return fmt.Errorf("pushing %s: %w", demoFile, err)
	}
	return nil
}

// query asks the engine as an administrator.
func (e *embedded) query(ctx context.Context, fql string, args map[string]any, into any) error {
	body, err := json.Marshal(struct {
		Query     string         `json:"query"`
		Arguments map[string]any `json:"arguments,omitempty"`
	}{fql, args})
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, inProcess+"/query/1", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+e.root)
	req.Header.Set("X-Format", "simple")
	res, err := (&http.Client{Transport: e.Transport(), Timeout: shutdownTime}).Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	answer := struct {
		Data  any
		Error struct{ Message string }
	}{Data: into}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("asking Fauna: %s: %s", res.Status, answer.Error.Message)
	}
	return nil
}
