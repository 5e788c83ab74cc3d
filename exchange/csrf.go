package exchange

import (
	"errors"
	"net/http"
	"strings"

	"github.com/labstack/echo/v4"
)

// pageHeader is what a page's script puts into each request that a cookie authenticates: the id of
// the user document that the page works for, or 1 if it knows none yet. No form can, and a script of
// another origin only after a preflight that lets it. A cookie of another user does not count, and
// stays: [Service.postRefresh], [Service.query], [Service.endCookie].
const pageHeader = "X-Fauna-Login"

const maxID = 20 // digits of 2⁶⁴ − 1, the greatest id of a document

// worksFor reports whether the page works for a user, or does not say for whom: the tabs of a browser
// share a cookie, but not always a user.
func worksFor(r *http.Request, user string) bool {
	page := r.Header.Get(pageHeader)
	return page == "1" || page == user
}

// isID reports whether s has the form of a document's id, as 1 has.
func isID(s string) bool {
	return s != "" && len(s) <= maxID && strings.Trim(s, "0123456789") == ""
}

// checkOrigin refuses what a browser says comes from a page of another origin, unless that
// origin is on the list. Beneath the list it is net/http's rule, by Sec-Fetch-Site or, from
// browsers that send none, Origin; what sends neither is no browser, or as old as those that
// pageHeader is for.
func (s *Service) checkOrigin(r *http.Request) error {
	origins := r.Header.Values("Origin")
	switch {
	case len(origins) > 1 || len(r.Header.Values("Sec-Fetch-Site")) > 1:
		return csrf("Origin or Sec-Fetch-Site twice")
	case len(origins) == 1 && origins[0] == "null":
		return csrf("Origin is null") // of a sandbox, a file, a redirect: anybody's
	case len(origins) == 1 && s.cors.allow(origins[0]):
		return nil
	}
	if err := s.crossOrigin.Check(r); err != nil {
		return csrf("another origin")
	}
	return nil
}

// checkPage refuses a request with a cookie that may not be the doing of a page of ours: a
// browser sends the cookie whoever has made it send the request.
func (s *Service) checkPage(c echo.Context) error {
	r := c.Request()
	if err := s.checkOrigin(r); err != nil {
		return err
	}
	if values := r.Header.Values(pageHeader); len(values) != 1 || !isID(values[0]) {
		return csrf("no " + pageHeader)
	}
	// The types that a form can send are the ones that need no preflight.
	types := r.Header.Values("Content-Type")
	if empty := r.ContentLength == 0 && len(types) == 0; !empty && (len(types) != 1 || mediaType(c) != "application/json") {
		return csrf("Content-Type")
	}
	return nil
}

func csrf(cause string) *Error {
	return &Error{problem: problemPage, Reason: ReasonCSRF, Err: errors.New(cause)}
}

// ownPages is for the request that sets a cookie. It has a bearer token, which no other site's
// page can send unasked; but where a browser tells that it is one, the token is not even read.
func (s *Service) ownPages(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		varyByPage(c)
		if err := s.checkOrigin(c.Request()); err != nil {
			return err
		}
		return next(c)
	}
}

// cookieOfPage is for requests that a cookie may authenticate. One that may not be a page's own
// doing is refused, or, if it has a bearer token, counts as one without a cookie.
func (s *Service) cookieOfPage(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		varyByPage(c)
		r := c.Request()
		if err := s.checkPage(c); err != nil {
			if !hasBearer(r) {
				return err
			}
			r.Header.Del("Cookie")
		}
		return next(c)
	}
}

func varyByPage(c echo.Context) {
	c.Response().Header().Add("Vary", "Sec-Fetch-Site, Cookie") // Origin is the doing of cors
}
