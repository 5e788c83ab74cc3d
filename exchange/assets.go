package exchange

import (
	"net/http"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/exchange/web"
	"github.com/labstack/echo/v4"
)

// asset serves a file that is the same for everybody: pages of any origin may import it, without
// credentials, and ask each time whether it has changed.
func asset(file web.File) echo.HandlerFunc {
	return func(c echo.Context) error {
		header := c.Response().Header()
		header.Set("Content-Type", file.ContentType)
		header.Set("Etag", file.ETag)
		header.Set("Cache-Control", "no-cache")
		header.Set("Access-Control-Allow-Origin", "*")
		header.Set("Cross-Origin-Resource-Policy", "cross-origin")
		http.ServeContent(c.Response(), c.Request(), "", time.Time{}, strings.NewReader(file.Body))
		return nil
	}
}
