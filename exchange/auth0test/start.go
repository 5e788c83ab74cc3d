package auth0test

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// TB is the part of testing.TB that [New] needs; with it this package, which the program
// imports too, does not import testing.
type TB interface {
	Helper()
	Cleanup(func())
	Fatal(args ...any)
}

// testKeys is shared by all tenants of a test binary, since an RSA key takes long to make.
// Tenants that live at the same time never share a key.
var testKeys = new(keyPool)

// New starts a tenant on a free port of 127.0.0.1 and stops it when tb ends. Its issuer is
// "http://localhost:<port>/".
func New(tb TB) *Tenant {
	tb.Helper()
	return Start(tb, Options{})
}

// Start is [New] with options. An empty Issuer is filled in as New does.
func Start(tb TB, o Options) *Tenant {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal("starting the Auth0 tenant:", err)
	}
	if o.Issuer == "" {
		o.Issuer = "http://localhost:" + strconv.Itoa(l.Addr().(*net.TCPAddr).Port) + "/"
	}
	t, err := newTenant(o, testKeys)
	if err != nil {
		tb.Fatal("starting the Auth0 tenant:", err)
	}
	server := &http.Server{Handler: t.Handler(), ReadHeaderTimeout: 10 * time.Second}
	go server.Serve(l)
	tb.Cleanup(func() {
		t.Fail(None) // lets go of the requests that Slow holds
		server.Close()
		t.ring.giveBack(testKeys)
	})
	return t
}
