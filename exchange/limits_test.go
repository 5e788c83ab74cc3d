package exchange

import (
	"net/http"
	"net/netip"
	"strconv"
	"testing"
	"time"
)

func TestClientAddress(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8:ffff::/48")}
	tests := []struct {
		name    string
		trusted []netip.Prefix
		peer    string
		forward []string
		want    string
	}{
		{"no proxy", nil, "192.0.2.1:1", nil, "192.0.2.1"},
		{"nobody is trusted", nil, "127.0.0.1:1", []string{"203.0.113.9"}, "127.0.0.1"},
		{"a peer that is no proxy", proxies, "192.0.2.1:1", []string{"203.0.113.9"}, "192.0.2.1"},
		{"loopback is no proxy by itself", proxies, "127.0.0.1:1", []string{"203.0.113.9"}, "127.0.0.1"},
		{"behind a proxy", proxies, "10.0.0.1:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"behind two", proxies, "10.0.0.1:1", []string{"203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		{"a client that makes one up", proxies, "10.0.0.1:1", []string{"198.51.100.1, 203.0.113.9"}, "203.0.113.9"},
		{"over two lines", proxies, "10.0.0.1:1", []string{"198.51.100.1", "203.0.113.9"}, "203.0.113.9"},
		{"garbage", proxies, "10.0.0.1:1", []string{"203.0.113.9, x"}, "10.0.0.1"},
		{"with ports", proxies, "10.0.0.1:1", []string{"198.51.100.1:443, 203.0.113.9:1234"}, "203.0.113.9"},
		{"IPv6 with a port", proxies, "10.0.0.1:1", []string{"[2001:db8:1::7]:1234"}, "2001:db8:1::7"},
		{"mapped IPv4", proxies, "[::ffff:10.0.0.1]:1", []string{"203.0.113.9"}, "203.0.113.9"},
		{"an empty header", proxies, "10.0.0.1:1", []string{""}, "10.0.0.1"},
		{"IPv6", proxies, "[2001:db8:ffff::1]:1", []string{"2001:db8:1::7"}, "2001:db8:1::7"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := &http.Request{RemoteAddr: tt.peer, Header: http.Header{"X-Forwarded-For": tt.forward}}
			if got := ipExtractor(tt.trusted)(r); got != tt.want {
				t.Errorf("got %s, want %s", got, tt.want)
			}
		})
	}
}

func TestIPKey(t *testing.T) {
	for ip, want := range map[string]string{
		"192.0.2.1":            "192.0.2.1",
		"::ffff:192.0.2.1":     "192.0.2.1",
		"2001:db8:1:2:3:4:5:6": "2001:db8:1:2::/64",
		"2001:db8:1:2::1":      "2001:db8:1:2::/64",
		"fe80::1%eth0":         "fe80::/64",
		"not an address":       "not an address",
	} {
		if got := ipKey(ip); got != want {
			t.Errorf("%s counts as %s, want %s", ip, got, want)
		}
	}
}

func TestLimiterForgets(t *testing.T) {
	now := time.Unix(0, 0)
	l := newLimiter(60, func() time.Time { return now })
	for i := range maxBuckets + 10 {
		if wait := l.take(strconv.Itoa(i)); wait != 0 {
			t.Fatalf("key %d waits %s", i, wait)
		}
	}
	if len(l.buckets) > maxBuckets {
		t.Errorf("%d buckets", len(l.buckets))
	}
	now = now.Add(time.Minute)
	for range 60 {
		l.take("x")
	}
	if wait := l.take("x"); wait != time.Second {
		t.Errorf("the 61st request of a minute waits %s", wait)
	}
	if wait := newLimiter(0, nil).take("x"); wait != 0 {
		t.Errorf("no limit waits %s", wait)
	}
}
