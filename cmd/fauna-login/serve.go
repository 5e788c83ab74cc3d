package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync"

	"github.com/fauna-login/fauna-login/config"
	"github.com/fauna-login/fauna-login/exchange"
	"github.com/fauna-login/fauna-login/fqlx"
	"github.com/spf13/cobra"
)

func (p *Program) serveCommand() *cobra.Command {
	var file string
	var print bool
	c := &cobra.Command{
		Use:   "serve",
		Short: "Run the service",
		Long:  "serve runs the service. Without fauna.endpoint it runs the embedded engine on fauna.data.",
		Args:  noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			cfg, err := config.Load(config.Options{File: file, Dir: p.Dir, Env: p.Env})
			if err != nil {
				return configError(err)
			}
			if print {
				return cfg.Print(p.Stdout)
			}
			return p.serve(c.Context(), cfg)
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration file (default fauna-login.yaml in the working directory, if there)")
	c.Flags().BoolVar(&print, "print-config", false, "print the effective configuration, secrets masked, and exit")
	return c
}

// configError is a usage error with a line for each mistake.
func configError(err error) error {
	var problems config.Errors
	if !errors.As(err, &problems) {
		return err
	}
	var lines []string
	for _, problem := range problems {
		lines = append(lines, problem.String())
	}
	return &usageError{lines}
}

// serve runs the service until ctx ends. What ends it otherwise goes to the log, in the
// log's format.
func (p *Program) serve(ctx context.Context, cfg *config.Config) error {
	log := newLogger(p.Stderr, cfg.Log.Format, cfg.Log.Level)
	err := p.serveUntil(ctx, cfg, log)
	var usage *usageError
	if err != nil && ctx.Err() == nil && !errors.As(err, &usage) {
		log.Error("failed", "cause", err.Error())
		return errLogged
	}
	return err
}

func (p *Program) serveUntil(ctx context.Context, cfg *config.Config, log *slog.Logger) error {
	audit, err := p.openAudit(cfg.Audit.Output, log)
	if err != nil {
		return usagef("audit.output: expected stdout or a file that can be appended to: %v", err)
	}
	defer audit.Close()
	run := &servers{log: log}
	defer run.close()
	l, err := listenAll(run, cfg)
	if err != nil {
		return err
	}
	if cfg.TLS.CertFile != "" {
		if l.public.http.TLSConfig, err = tlsConfig(cfg.TLS.CertFile, cfg.TLS.KeyFile, p.Now, log); err != nil {
			return usagef("tls: %v", err)
		}
	}
	setup := exchangeConfig(cfg, l.public)
	setup.Log, setup.Now = log, p.Now
	if setup.Keys, err = ringKeys(cfg.Session.Keys); err != nil {
		return err
	}
	if cfg.Audit.Output != "" {
		setup.Audit = audit
	}
	if setup.Insecure && setup.Mode != exchange.ModeBearer {
		log.Warn("cookies go without Secure and without their prefix, since browsers come by http; behind a TLS proxy set public_url to its https URL", "public_url", setup.PublicURL)
	}

	engine, client, err := p.openBackend(ctx, cfg, log)
	if err != nil {
		return err
	}
	if engine != nil {
		defer closeEngine(engine, log)
		setup.Query, setup.LiveSessions = engine.PublicHandler(), engine.liveSessions
	}
	setup.Fauna = fqlx.New(client)
	if setup.Verifier, err = exchange.NewVerifier(verifierConfig(cfg, p, log)); err != nil {
		return err
	}
	service, err := exchange.New(setup)
	if err != nil {
		return err
	}
	addresses := Addresses{Public: l.public.address}
	l.public.http.Handler = service.Handler()
	l.public.http.RegisterOnShutdown(service.EndStreams)
	if l.admin != nil {
		l.admin.http.Handler, addresses.Admin = service.AdminHandler(), l.admin.address
	}
	if l.wire != nil {
		l.wire.http.Handler, addresses.Fauna = engine.Handler(), l.wire.address
	}

	setup.Verifier.Start()
	defer setup.Verifier.Close()
	var announced sync.WaitGroup // before the engine is closed
	announced.Go(func() { service.Announce(ctx) })
	defer announced.Wait()
	log.Info("serving", "public", addresses.Public, "admin", addresses.Admin, "fauna", addresses.Fauna, "endpoint", setup.Endpoint)
	if p.Started != nil {
		p.Started(addresses)
	}
	err = run.run(ctx)
	log.Info("stopped")
	return err
}

// listeners are those of serve; nil is off.
type listeners struct{ public, admin, wire *server }

// listenAll opens the listeners before anything else is done: a port that is taken is the most
// likely failure.
func listenAll(run *servers, cfg *config.Config) (l listeners, err error) {
	if l.public, err = run.listen("the public listener", cfg.Listen); err != nil {
		return l, err
	}
	l.public.http.MaxHeaderBytes = maxHeader(cfg.Limits.MaxTokenBytes)
	if cfg.AdminListen != "" {
		if l.admin, err = run.listen("the admin listener", cfg.AdminListen); err != nil {
			return l, err
		}
		l.admin.http.WriteTimeout = 0 // a CPU profile takes as long as it is asked for
	}
	if cfg.Fauna.Embedded() && cfg.Fauna.Listen != "" {
		l.wire, err = run.listen("the engine's wire port", cfg.Fauna.Listen)
	}
	return l, err
}

// openBackend returns how the service reaches its Fauna: a cluster, or the embedded engine,
// which it opens.
func (p *Program) openBackend(ctx context.Context, cfg *config.Config, log *slog.Logger) (*embedded, fqlx.Config, error) {
	if !cfg.Fauna.Embedded() {
		return nil, fqlx.Config{
			Endpoint: cfg.Fauna.Endpoint, Secret: cfg.Fauna.Secret.Reveal(), Timeout: cfg.Fauna.Timeout, Log: log,
		}, nil
	}
	engine, err := openEmbedded(ctx, embeddedConfig{
		dir: cfg.Fauna.Data, rootSecret: cfg.Fauna.RootSecret.Reveal(), userCollection: cfg.Fauna.UserCollection,
		cacheMB: cfg.Fauna.CacheMB, origins: allowed(cfg.CORS.Origins), now: p.Now, log: log,
	})
	if err != nil {
		return nil, fqlx.Config{}, err
	}
	client := engine.client(engine.service, log)
	client.Timeout = cfg.Fauna.Timeout
	return engine, client, nil
}

func closeEngine(e *embedded, log *slog.Logger) {
	if err := e.Close(); err != nil {
		log.Error("closing the embedded engine", "cause", err)
	}
}

// maxHeader is the bound on a request's header: room for a token that is somewhat too long, so
// that it gets a proper 401, and for everything else. Without a limit on tokens it is net/http's.
func maxHeader(maxToken int) int {
	if maxToken == 0 {
		return http.DefaultMaxHeaderBytes
	}
	return 2*maxToken + 32<<10
}

func allowed(origins []string) func(string) bool {
	return func(origin string) bool { return slices.Contains(origins, origin) }
}

// exchangeConfig maps the configuration onto the exchange's.
func exchangeConfig(cfg *config.Config, public *server) exchange.Config {
	listener := "http://" + public.address
	if cfg.TLS.CertFile != "" {
		listener = "https://" + public.address
	}
	publicURL := cfg.PublicURL
	if publicURL == "" && config.LoopbackAddress(cfg.Listen) {
		publicURL = listener // the default, where the system chose the port
	}
	return exchange.Config{
		Mode:           exchange.Mode(cfg.Session.Mode),
		Insecure:       strings.HasPrefix(publicURL, "http:"),
		Upstream:       cfg.Fauna.Endpoint,
		Endpoint:       cmp.Or(cfg.Fauna.PublicEndpoint, listener),
		PublicURL:      publicURL,
		MaxTTL:         cfg.Session.MaxTTL,
		MinTTL:         cfg.Session.MinTTL,
		MaxSecrets:     cfg.Session.MaxSecretsPerJWT,
		MaxTokenBytes:  cfg.Limits.MaxTokenBytes,
		Origins:        cfg.CORS.Origins,
		PerIP:          cfg.Limits.RequestsPerMinutePerIP,
		PerSubject:     cfg.Limits.RequestsPerMinutePerSubject,
		TrustedProxies: cfg.Limits.TrustedProxies,
		TLS:            cfg.TLS.CertFile != "",
	}
}

func ringKeys(secrets []config.Secret) ([]exchange.Key, error) {
	var keys []exchange.Key
	for _, secret := range secrets {
		key, err := exchange.ParseKey(secret.Reveal())
		if err != nil {
			return nil, fmt.Errorf("reading session.keys: %w", err)
		}
		keys = append(keys, key)
	}
	return keys, nil
}

func verifierConfig(cfg *config.Config, p *Program, log *slog.Logger) exchange.VerifierConfig {
	v := exchange.VerifierConfig{
		Leeway:        cfg.Auth0.Leeway,
		MaxLifetime:   cfg.Auth0.MaxLifetime,
		MaxTokenBytes: cfg.Limits.MaxTokenBytes,
		Keys: exchange.KeyConfig{
			Refresh:  cfg.Auth0.JWKS.Refresh,
			Cooldown: cfg.Auth0.JWKS.Cooldown,
			MaxStale: cfg.Auth0.JWKS.MaxStale,
			Timeout:  cfg.Auth0.JWKS.Timeout,
			CacheDir: cfg.Auth0.JWKS.CacheDir,
		},
		Now: p.Now,
		Log: log,
	}
	for _, t := range cfg.Auth0.Tenants {
		v.Tenants = append(v.Tenants, exchangeTenant(t))
	}
	return v
}

func exchangeTenant(t config.Tenant) exchange.Tenant {
	tenant := exchange.Tenant{
		Name: t.Name, Issuers: t.Issuers, Audience: t.Audience, JWKSURL: t.JWKSURL, Algorithms: t.Algorithms,
		Clients: t.Clients, Organizations: t.Organizations, Actors: t.Actors, RequiredScope: t.RequiredScope,
		UserClaims: claimCopies(t.Claims.User), SessionClaims: claimCopies(t.Claims.Session),
		SessionIDClaim: t.SessionIDClaim, LinkIDClaim: t.LinkIDClaim,
		OnBehalf:      exchange.OnBehalf{Clients: t.OnBehalf.Clients, Scope: t.OnBehalf.Scope, MaxTTL: t.OnBehalf.MaxTTL},
		LogoutClients: t.LogoutClients,
	}
	for _, token := range t.EventTokens {
		tenant.EventTokens = append(tenant.EventTokens, token.Reveal())
	}
	return tenant
}

func claimCopies(claims []config.Claim) []exchange.ClaimCopy {
	var copies []exchange.ClaimCopy
	for _, c := range claims {
		copies = append(copies, exchange.ClaimCopy{To: c.To, From: c.From, Required: c.Required})
	}
	return copies
}
