package engine

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fauna-login/fauna-login/fqlx/internal/value"
)

func TestReadParams(t *testing.T) {
	none := params{timeout: 2 * time.Minute, attempts: 5}
	with := func(change func(*params)) params {
		p := none
		change(&p)
		return p
	}
	pairs := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, "k"+string(rune('a'+i))+"=v")
		}
		return strings.Join(all, ",")
	}
	tests := []struct {
		name, header, text string
		want               params
		err                string
	}{
		{"nothing", "X-Unknown", "x", none, ""},
		{"simple", "X-Format", "simple", none, ""},
		{"tagged", "X-Format", "tagged", with(func(p *params) { p.format = value.Tagged }), ""},
		{"decorated", "X-Format", "decorated", none, "Invalid header 'x-format': Format decorated is not supported by this engine"},
		{"foo", "X-Format", "foo", none, "Invalid header 'x-format': Invalid format foo"},
		{"empty", "X-Format", "", none, "Invalid header 'x-format': Invalid format "},
		{"last txn", "X-Last-Txn-Ts", "1700000000000000", with(func(p *params) { p.minTime = 1700000000000000 }), ""},
		{"last txn negative", "X-Last-Txn-Ts", "-1", none, "Invalid header 'x-last-txn-ts': Invalid timestamp -1"},
		{"last txn text", "X-Last-Txn-Ts", "1e3", none, "Invalid header 'x-last-txn-ts': Invalid timestamp 1e3"},
		{"last txn too long", "X-Last-Txn-Ts", "99999999999999999999", none, "Invalid header 'x-last-txn-ts': Invalid timestamp 99999999999999999999"},
		{"retries 0", "X-Max-Contention-Retries", "0", with(func(p *params) { p.attempts = 1 }), ""},
		{"retries 7", "X-Max-Contention-Retries", "7", with(func(p *params) { p.attempts = 8 }), ""},
		{"retries 8", "X-Max-Contention-Retries", "8", none, "Invalid header 'x-max-contention-retries': Invalid value 8. Must be between 0 and 7."},
		{"retries -1", "X-Max-Contention-Retries", "-1", none, "Invalid header 'x-max-contention-retries': Invalid value -1. Must be between 0 and 7."},
		{"retries text", "X-Max-Contention-Retries", "x", none, "Invalid header 'x-max-contention-retries': Invalid value x. Must be between 0 and 7."},
		{"timeout", "X-Query-Timeout-Ms", "1500", with(func(p *params) { p.timeout = 1500 * time.Millisecond }), ""},
		{"timeout 10 min", "X-Query-Timeout-Ms", "600000", with(func(p *params) { p.timeout = 10 * time.Minute }), ""},
		{"timeout above", "X-Query-Timeout-Ms", "600001", none, "Invalid header 'x-query-timeout-ms': Invalid value 600001. Must be between 1 and 600000."},
		{"timeout 0", "X-Query-Timeout-Ms", "0", none, "Invalid header 'x-query-timeout-ms': Invalid value 0. Must be between 1 and 600000."},
		{"typecheck", "X-Typecheck", "true", none, ""},
		{"typecheck text", "X-Typecheck", "yes", none, "Invalid header 'x-typecheck': Invalid boolean yes"},
		{"linearized", "X-Linearized", "False", none, ""},
		{"linearized text", "X-Linearized", "1", none, "Invalid header 'x-linearized': Invalid boolean 1"},
		{"hints text", "X-Performance-Hints", "", none, "Invalid header 'x-performance-hints': Invalid boolean "},
		{"tags", "X-Query-Tags", "hero=Wolverine,team=X_Men", with(func(p *params) { p.tags = "hero=Wolverine,team=X_Men" }), ""},
		{"no tags", "X-Query-Tags", "", none, ""},
		{"tags escaped", "X-Query-Tags", "hello=world,what=are%3Dyou%2Cdoing%3F", none, "Invalid header 'x-query-tags': invalid tags"},
		{"tag without value", "X-Query-Tags", "a=", none, "Invalid header 'x-query-tags': invalid tags"},
		{"tag without key", "X-Query-Tags", "=a", none, "Invalid header 'x-query-tags': invalid tags"},
		{"tag without both", "X-Query-Tags", "a=b,", none, "Invalid header 'x-query-tags': invalid tags"},
		{"tag with blank", "X-Query-Tags", "a=b, c=d", none, "Invalid header 'x-query-tags': invalid tags"},
		{"25 tags", "X-Query-Tags", pairs(25), with(func(p *params) { p.tags = pairs(25) }), ""},
		{"26 tags", "X-Query-Tags", pairs(26), none, "Invalid header 'x-query-tags': too many tags"},
		{"tag key 40", "X-Query-Tags", strings.Repeat("k", 40) + "=v", with(func(p *params) { p.tags = strings.Repeat("k", 40) + "=v" }), ""},
		{"tag key 41", "X-Query-Tags", strings.Repeat("k", 41) + "=v", none, "Invalid header 'x-query-tags': invalid key"},
		{"tag value 81", "X-Query-Tags", "k=" + strings.Repeat("v", 81), none, "Invalid header 'x-query-tags': invalid value"},
		{"tag twice", "X-Query-Tags", "a=1,a=2", none, "Invalid header 'x-query-tags': duplicate key"},
		{"tags too long", "X-Query-Tags", strings.Repeat("x", 3001), none, "Invalid header 'x-query-tags': header is too long"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			h := http.Header{}
			h.Set(tt.header, tt.text)
			got, err := readParams(h)
			if tt.err != "" {
				if err == nil || err.Error() != tt.err {
					t.Errorf("err = %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil || got != tt.want {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
		})
	}
}

func TestReadSecret(t *testing.T) {
	basic := func(s string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(s)) }
	tests := []struct {
		name   string
		header []string
		want   string
	}{
		{"none", nil, ""},
		{"bearer", []string{"Bearer fnE"}, "fnE"},
		{"any case", []string{"bEARER fnE"}, "fnE"},
		{"spaces", []string{"Bearer   fnE "}, "fnE"},
		{"scope", []string{"Bearer fnA:@role/x"}, "fnA:@role/x"},
		{"nothing behind", []string{"Bearer"}, ""},
		{"basic", []string{basic("fnE:")}, "fnE"},
		{"basic without colon", []string{basic("fnE")}, "fnE"},
		{"basic with scope", []string{basic("fnA:server:")}, "fnA:server"},
		{"basic broken", []string{"Basic %%%"}, ""},
		{"other scheme", []string{"DPoP fnE"}, ""},
		{"bare", []string{"fnE"}, ""},
		{"two", []string{"Bearer fnE", "Bearer fnE"}, ""},
	}
	for _, tt := range tests {
		h := http.Header{}
		if tt.header != nil {
			h["Authorization"] = tt.header
		}
		if got := readSecret(h); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTraceparent(t *testing.T) {
	const trace, span = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
	for _, header := range []string{"", "x", "query-traceparent-id", "00-" + trace + "-" + span,
		"ff-" + trace + "-" + span + "-01", "00-" + strings.Repeat("0", 32) + "-" + span + "-01",
		"00-" + strings.ToUpper(trace) + "-" + span + "-01", "00-" + trace + "-" + span + "-01-x"} {
		got := traceparent(header)
		if len(got) != 55 || strings.Contains(got, trace) {
			t.Errorf("traceparent(%q) = %q", header, got)
		}
	}
	got := traceparent("00-" + trace + "-" + span + "-01")
	if !strings.HasPrefix(got, "00-"+trace+"-") || !strings.HasSuffix(got, "-01") || strings.Contains(got, span) || len(got) != 55 {
		t.Errorf("the trace is not continued: %q", got)
	}
}
