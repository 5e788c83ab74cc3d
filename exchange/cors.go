package exchange

import (
	"net/http"
	"slices"

	"github.com/labstack/echo/v4"
)

// cors answers browsers of other origins (Fetch standard, CORS protocol). Origins are
// compared as they are: none is reflected that is not on the list.
type cors struct{ allow func(origin string) bool }

func newCORS(origins []string, allow func(string) bool) cors {
	if allow == nil {
		allow = func(origin string) bool { return slices.Contains(origins, origin) }
	}
	return cors{allow}
}

const (
	corsMethods = "POST, OPTIONS"
	corsHeaders = "Authorization, Content-Type, X-Requested-With"
	corsExpose  = "WWW-Authenticate, Retry-After, X-Request-Id"
	corsMaxAge  = "7200" // seconds; Chromium keeps no preflight for longer
)

// middleware sets the headers, also those of errors, or a script would see "failed to fetch"
// in place of the error. It answers preflights itself: they carry no token.
func (c cors) middleware(next echo.HandlerFunc) echo.HandlerFunc {
	return func(ctx echo.Context) error {
		req, header := ctx.Request(), ctx.Response().Header()
		if req.URL.Path != "/fauna-login" {
			return next(ctx) // /query/1 has its own rules; the rest is not for browsers
		}
		header.Add("Vary", "Origin")
		origin := req.Header.Get("Origin")
		allowed := origin != "" && c.allow(origin)
		if allowed {
			header.Set("Access-Control-Allow-Origin", origin)
			header.Set("Access-Control-Expose-Headers", corsExpose)
		}
		if req.Method != http.MethodOptions {
			return next(ctx)
		}
		if allowed && req.Header.Get("Access-Control-Request-Method") != "" {
			header.Set("Access-Control-Allow-Methods", corsMethods)
			header.Set("Access-Control-Allow-Headers", corsHeaders)
			header.Set("Access-Control-Max-Age", corsMaxAge)
		}
		header.Set("Allow", corsMethods)
		return ctx.NoContent(http.StatusNoContent)
	}
}
