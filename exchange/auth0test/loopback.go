package auth0test

import (
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
)

// LoopbackOnly refuses, with 403, requests whose Host, or Origin where there is one, is not this
// machine: "localhost", 127.0.0.0/8 or ::1, with any port. It keeps the pages of other sites, also
// those that rebind their own name to 127.0.0.1, away from a server that trusts its callers.
func LoopbackOnly(next http.Handler) http.Handler { return names(nil).only(next) }

// names are host names that count as this machine's beside the loopback ones.
type names []string

func (n names) only(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !n.local(hostname(r.Host)) {
			writeError(w, refuse(http.StatusForbidden, "access_denied", "Host: expected a loopback address"))
			return
		}
		for _, origin := range r.Header.Values("Origin") {
			if !n.localOrigin(origin) {
				writeError(w, refuse(http.StatusForbidden, "access_denied", "Origin: expected a loopback origin"))
				return
			}
		}
		next.ServeHTTP(w, r)
	})
}

// allowOrigins is CORS for every origin that [LoopbackOnly] lets through.
func allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Add("Vary", "Origin")
		if origin := r.Header.Get("Origin"); origin != "" {
			h.Set("Access-Control-Allow-Origin", origin)
			h.Set("Access-Control-Expose-Headers", "WWW-Authenticate, Retry-After")
		}
		if r.Method == http.MethodOptions && r.Header.Get("Access-Control-Request-Method") != "" {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Auth0-Client, DPoP")
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

func (n names) local(host string) bool {
	if strings.EqualFold(host, "localhost") || slices.Contains(n, host) {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func (n names) localOrigin(origin string) bool {
	u, err := n.localURL(origin)
	return err == nil && origin == u.Scheme+"://"+u.Host
}

// localURL parses an http or https URL of this machine.
func (n names) localURL(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || !n.local(u.Hostname()) || u.User != nil || u.Fragment != "" {
		return nil, errors.New("expected an http or https URL of this machine, such as http://localhost:3000/")
	}
	return u, nil
}

// ancestors are the pages that may frame an answer, as sources of a Content-Security-Policy.
func (n names) ancestors() string {
	list := "http://localhost:* https://localhost:* http://127.0.0.1:* https://127.0.0.1:*"
	for _, name := range n {
		list += " https://" + name + ":*"
	}
	return list
}
