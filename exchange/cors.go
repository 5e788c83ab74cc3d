package exchange

import (
	"net/http"
	"slices"
	"strings"

	"github.com/labstack/echo/v4"
)

// cors answers browsers of other origins (Fetch standard, CORS protocol). Origins are
// compared as they are: none is reflected that is not on the list.
type cors struct {
	allow func(origin string) bool
	paths map[string]corsPath // those that are for browsers
}

// corsPath is what a page of another origin may do at a path.
type corsPath struct {
	methods, headers, expose string
	credentials              bool // cookies count
}

const (
	corsHeaders = "Authorization, Content-Type, X-Requested-With"
	corsExpose  = "WWW-Authenticate, Retry-After, X-Request-Id"
	corsMaxAge  = "7200" // seconds; Chromium keeps no preflight for longer
)

func newCORS(c Config) cors {
	if c.AllowOrigin == nil {
		c.AllowOrigin = func(origin string) bool { return slices.Contains(c.Origins, origin) }
	}
	login := corsPath{methods: "POST, DELETE, OPTIONS", headers: corsHeaders, expose: corsExpose}
	if c.Mode != ModeBearer {
		login.headers, login.credentials = corsHeaders+", "+pageHeader, true
	}
	paths := map[string]corsPath{
		"/fauna-login": login,
		tokenPath:      {methods: "POST, OPTIONS", headers: corsHeaders, expose: corsExpose},
		metadataPath:   {methods: "GET, HEAD, OPTIONS", headers: corsHeaders, expose: corsExpose},
	}
	switch c.Mode {
	case ModeRefresh:
		paths[refreshPath] = corsPath{"POST, OPTIONS", pageHeader + ", Content-Type", corsExpose, true}
	case ModeCookie: // otherwise /query/1 has its own rules
		headers := pageHeader + ", " + strings.Join(faunaRequestHeaders, ", ")
		for _, path := range faunaPaths {
			paths[path] = corsPath{"POST, OPTIONS", headers, corsExpose + ", Traceparent, X-Fauna-Stream-Id", true}
		}
	}
	return cors{c.AllowOrigin, paths}
}

// middleware sets the headers, also those of errors, or a script would see "failed to fetch"
// in place of the error. It answers preflights itself: they carry no token.
func (c cors) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ctx echo.Context) error {
		req, header := ctx.Request(), ctx.Response().Header()
		path, ok := c.paths[req.URL.Path]
		if !ok {
			return next(ctx)
		}
		header.Add("Vary", "Origin")
		origin := req.Header.Get("Origin")
		allowed := origin != "" && c.allow(origin)
		if allowed {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", path.expose)
			if path.credentials {
				header.Set("Access-Control-Allow-Credentials", "true")
			}
		}
		if req.Method != http.MethodOptions {
			return next(ctx)
		}
		if allowed && req.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", path.methods)
			header.Set("Access-Control-Allow-Headers", path.headers)
			header.Set("Access-Control-Max-Age", corsMaxAge)
		}
		header.Set("Allow", path.methods)
		return ctx.NoContent(http.StatusNoContent)
	}
}
