package auth0test

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// LoopbackOnly refuses, with 403, requests whose Host, or Origin where there is one, is not this
// machine: "localhost", 127.0.0.0/8 or ::1, with any port. It keeps the pages of other sites, also
// those that rebind their own name to 127.0.0.1, away from a server that trusts its callers.
func LoopbackOnly(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !isLoopback(hostname(r.Host)) {
			writeError(w, refuse(http.StatusForbidden, "access_denied", "Host: expected a loopback address"))
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			if !loopbackOrigin(origin) {
				writeError(w, refuse(http.StatusForbidden, "access_denied", "Origin: expected a loopback origin"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// allowLoopbackOrigins is CORS for every origin that [LoopbackOnly] lets through.
func allowLoopbackOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// hostname is host without its port, if it has one.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return h
	}
	return strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
}

func isLoopback(host string) bool {
	if strings.EqualFold(host, "localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func loopbackOrigin(origin string) bool {
	u, err := loopbackURL(origin)
	return err == nil && origin == u.Scheme+"://"+u.Host
}

// loopbackURL parses an http or https URL of this machine.
func loopbackURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !isLoopback(u.Hostname()) || u.User != nil || u.Fragment != "" {
		return nil, errors.New("expected an http or https URL of this machine, such as http://localhost:3000/")
	}
	return u, nil
}
