package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"text/template"
	"time"

	"github.com/fauna-login/fauna-login/config"
	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/exchange/auth0test"
	"github.com/fauna-login/fauna-login/exchange/web"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"
)

// devFlags are the flags of `dev`.
type devFlags struct {
	listen, auth0Listen, faunaListen, data string
	json                                   bool
}

func (p *Program) devCommand() *cobra.Command {
	var f devFlags
	c := &cobra.Command{
		Use:   "dev",
		Short: "Run the whole thing on this machine, no account anywhere",
		Long: "dev runs the engine, a stand-in Auth0 tenant and the exchange in one process, on loopback only, and prints\n" +
			"a walk-through. NOT FOR PRODUCTION: whoever can reach it can be any user.",
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error { return p.dev(c.Context(), f) },
	}
	c.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8080", "address of the exchange; port 0 picks a free one")
	c.Flags().StringVar(&f.auth0Listen, "auth0-listen", "127.0.0.1:8081", "address of the stand-in Auth0 tenant")
	c.Flags().StringVar(&f.faunaListen, "fauna-listen", "127.0.0.1:8443", "address of the engine's wire port")
	c.Flags().StringVar(&f.data, "data", "", "directory to keep the database in (default: memory)")
	c.Flags().BoolVar(&f.json, "json", false, "print one line of JSON in place of the walk-through")
	return c
}

// check reports all mistakes in the flags.
func (f devFlags) check() error {
	var lines []string
	for _, flag := range []struct{ name, address string }{
		{"--listen", f.listen}, {"--auth0-listen", f.auth0Listen}, {"--fauna-listen", f.faunaListen},
	} {
		if err := config.CheckListen(flag.address); err != nil {
			lines = append(lines, fmt.Sprintf("%s: %v", flag.name, err))
		} else if !config.LoopbackAddress(flag.address) {
			lines = append(lines, fmt.Sprintf("%s: %s is not a loopback address; dev is for this machine alone", flag.name, flag.address))
		}
	}
	if lines != nil {
		return &usageError{lines}
	}
	return nil
}

// devClaims are what the stand-in tenant's Action adds to its tokens.
var (
	devUserClaims    = []exchange.ClaimCopy{{To: "email", From: "/https:~1~1example.com~1email"}}
	devSessionClaims = []exchange.ClaimCopy{{To: "roles", From: "/https:~1~1example.com~1roles"}}
)

// dev runs everything until ctx ends.
func (p *Program) dev(ctx context.Context, f devFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	log := newLogger(p.Stderr, "text", "info")
	run := &servers{log: log}
	defer run.close()
	public, err := run.listen("the exchange", f.listen)
	if err != nil {
		return err
	}
	auth0, err := run.listen("the Auth0 tenant", f.auth0Listen)
	if err != nil {
		return err
	}
	fauna, err := run.listen("the engine's wire port", f.faunaListen)
	if err != nil {
		return err
	}

	engine, err := openEmbedded(ctx, embeddedConfig{dir: f.data, userCollection: "User", origins: anyOrigin, now: p.Now, log: log})
	if err != nil {
		return err
	}
	defer closeEngine(engine, log)
	tenant, err := auth0test.NewTenant(auth0test.Options{Issuer: auth0.url() + "/", Now: p.Now})
	if err != nil {
		return err
	}
	verifier, err := devVerifier(tenant, p.Now, log)
	if err != nil {
		return err
	}
	setup := exchange.Config{
		Verifier: verifier, Fauna: fqlx.New(engine.client(engine.service, log)),
		Endpoint: public.url(), PublicURL: public.url(),
		MaxTTL: time.Hour, MinTTL: 10 * time.Second, MaxSecrets: 20, MaxTokenBytes: 16384,
		AllowOrigin: anyOrigin, Query: engine.PublicHandler(), Log: log, Now: p.Now,
	}
	service, err := exchange.New(setup)
	if err != nil {
		return err
	}
	service.Announce(ctx)
	site := http.NewServeMux()
	site.Handle("/", service.Handler())
	if err := addDemo(public, site, setup, web.DemoConfig{
		URL: public.url(), Auth0: tenant.URL, Audience: tenant.Audience, ClientID: auth0test.ClientID,
		Users: demoUsers(ctx, engine, log),
	}); err != nil {
		return err
	}
	public.http.Handler = auth0test.LoopbackOnly(site)
	public.http.MaxHeaderBytes = maxHeader(16384)
	auth0.http.Handler = tenant.Handler()
	fauna.http.Handler = auth0test.LoopbackOnly(engine.Handler())

	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return run.run(ctx) })
	verifier.Start()
	defer verifier.Close()
	group.Go(func() error {
		return p.greet(ctx, f, greeting{
			URL: public.url(), Auth0: tenant.URL, Fauna: fauna.url(),
			FaunaSecret: engine.root, Audience: tenant.Audience,
		}, tenant.Mint(auth0test.Claims{"sub": auth0test.Grace}), Addresses{Public: public.address, Auth0: auth0.address, Fauna: fauna.address})
	})
	return group.Wait()
}

// devVerifier accepts the stand-in tenant's tokens. Its keys may be rotated at any moment, so
// the cool-down is short.
func devVerifier(tenant *auth0test.Tenant, now func() time.Time, log *slog.Logger) (*exchange.Verifier, error) {
	return exchange.NewVerifier(exchange.VerifierConfig{
		Tenants: []exchange.Tenant{{
			Name: devTenant, Issuers: []string{tenant.Issuer}, Audience: []string{tenant.Audience},
			UserClaims: devUserClaims, SessionClaims: devSessionClaims,
		}},
		Leeway: 30 * time.Second, MaxLifetime: 720 * time.Hour, MaxTokenBytes: 16384,
		Keys: exchange.KeyConfig{Refresh: 10 * time.Minute, Cooldown: time.Second, MaxStale: 24 * time.Hour, Timeout: 5 * time.Second},
		Now:  now, Log: log,
	})
}

// anyOrigin lets pages of every origin in: those that are not loopback were refused before.
func anyOrigin(string) bool { return true }

// greeting is what dev prints when it is ready.
type greeting struct {
	URL         string `json:"url"`
	Auth0       string `json:"auth0"`
	Fauna       string `json:"fauna"`
	FaunaSecret string `json:"fauna_secret"`
	Audience    string `json:"audience"`
	Grace       string `json:"-"` // id of Grace's user document
}

//go:embed walkthrough.txt
var walkthrough string

// greet logs Grace in once, so that there is somebody else's document, and prints the greeting.
func (p *Program) greet(ctx context.Context, f devFlags, g greeting, token string, addresses Addresses) error {
	var err error
	if g.Grace, err = login(ctx, g.URL, token); err != nil {
		return fmt.Errorf("logging Grace in: %w", err)
	}
	if f.json {
		err = json.NewEncoder(p.Stdout).Encode(g)
	} else {
		err = template.Must(template.New("").Parse(walkthrough)).Execute(p.Stdout, g)
	}
	if err == nil && p.Started != nil {
		p.Started(addresses)
	}
	return err
}

// login exchanges a token and returns the id of its user's document.
func login(ctx context.Context, url, token string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url+"/fauna-login", nil)
	if err != nil {
		return "", err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := (&http.Client{Timeout: shutdownTime}).Do(req)
	if err != nil {
		return "", err
	}
	defer res.Body.Close()
	var answer struct{ User struct{ ID string } }
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return "", err
	}
	if res.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the exchange answered %s", res.Status)
	}
	return answer.User.ID, nil
}
