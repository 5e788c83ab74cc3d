package exchange

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
)

const copySource = `{
	"s": "a\"\\\u0001\u2028é😀", "n": null, "t": true, "f": false, "i": 42, "neg": -1, "max": 2147483647, "min": -2147483648, "long": 2147483648, "low": -2147483649,
	"big": 9223372036854775807, "huge": 9223372036854775808, "d": 1.5, "e": 1e3, "tiny": 1e-400, "inf": 1e400,
	"list": [1, "x", null, [true], {"a": 1}], "object": {"a": {"b": [10, 20]}, "": "empty", "n": null, "o": {}},
	"tag": {"@ref": {"id": "1", "coll": {"@mod": "User"}}}, "tag2": {"@int": "1", "b": 2}, "deeptag": [{"x": {"@": 1}}], "@time": "2020-01-01T00:00:00Z",
	"https://example.com/email": "ada@example.com", "a/b": 1, "m~n": 2, "~1": 3, " ": 4
}`

func TestClaimsCopy(t *testing.T) {
	for _, c := range []struct{ from, want string }{
		{"/s", `{"x":"a\"\\\u0001` + "\u2028" + `é😀"}`},
		{"/n", `{}`},
		{"/absent", `{}`},
		{"/t", `{"x":true}`},
		{"/f", `{"x":false}`},
		{"/i", `{"x":{"@int":"42"}}`},
		{"/neg", `{"x":{"@int":"-1"}}`},
		{"/max", `{"x":{"@int":"2147483647"}}`},
		{"/min", `{"x":{"@int":"-2147483648"}}`},
		{"/long", `{"x":{"@long":"2147483648"}}`},
		{"/low", `{"x":{"@long":"-2147483649"}}`},
		{"/big", `{"x":{"@long":"9223372036854775807"}}`},
		{"/d", `{"x":{"@double":"1.5"}}`},
		{"/e", `{"x":{"@double":"1000"}}`},
		{"/tiny", `{"x":{"@double":"0"}}`},
		{"/list", `{"x":[{"@int":"1"},"x",null,[true],{"a":{"@int":"1"}}]}`},
		{"/list/1", `{"x":"x"}`},
		{"/list/4/a", `{"x":{"@int":"1"}}`},
		{"/list/2", `{}`},
		{"/list/5", `{}`},
		{"/list/-", `{}`},
		{"/list/01", `{}`},
		{"/list/+1", `{}`},
		{"/list/99999999999999999999", `{}`},
		{"/object", `{"x":{"a":{"b":[{"@int":"10"},{"@int":"20"}]},"":"empty","n":null,"o":{}}}`},
		{"/object/a/b/1", `{"x":{"@int":"20"}}`},
		{"/object/", `{"x":"empty"}`},
		{"/s/0", `{}`},
		{"/tag", `{"x":{"@object":{"@ref":{"id":"1","coll":{"@object":{"@mod":"User"}}}}}}`},
		{"/tag2", `{"x":{"@object":{"@int":"1","b":{"@int":"2"}}}}`},
		{"/deeptag", `{"x":[{"x":{"@object":{"@":{"@int":"1"}}}}]}`},
		{"/@time", `{"x":"2020-01-01T00:00:00Z"}`},
		{"/https:~1~1example.com~1email", `{"x":"ada@example.com"}`},
		{"/a~1b", `{"x":{"@int":"1"}}`},
		{"/m~0n", `{"x":{"@int":"2"}}`},
		{"/~01", `{"x":{"@int":"3"}}`},
		{"/ ", `{"x":{"@int":"4"}}`},
	} {
		t.Run(c.from, func(t *testing.T) {
			got, refusal := copyOf(t, copySource, ClaimCopy{To: "x", From: c.from})
			if refusal != nil || got != c.want {
				t.Errorf("got %s, want %s (%v)", got, c.want, refusal)
			}
			if !json.Valid([]byte(got)) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

func copyOf(t *testing.T, src string, copies ...ClaimCopy) (string, *Refusal) {
	t.Helper()
	copier, err := newClaimCopier(copies)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := parseJSON(src, payloadDepth)
	if err != nil {
		t.Fatal(err)
	}
	got, refusal := copier.copy(doc)
	return string(got), refusal
}

func TestClaimsCopySeveral(t *testing.T) {
	got, refusal := copyOf(t, copySource,
		ClaimCopy{To: "a", From: "/absent"}, ClaimCopy{To: "b", From: "/i", Required: true}, ClaimCopy{To: "c", From: "/n"}, ClaimCopy{To: "d", From: "/t"})
	if want := `{"b":{"@int":"42"},"d":true}`; refusal != nil || got != want {
		t.Errorf("got %s, want %s (%v)", got, want, refusal)
	}
	if got, _ := copyOf(t, copySource); got != "{}" {
		t.Errorf("nothing to copy gives %s", got)
	}
}

func TestClaimsCopyRefuses(t *testing.T) {
	long := strings.Repeat("x", maxCopiedBytes/2)
	wrap := func(value string) string { return `{"v":` + value + `,"w":"` + long + `"}` }
	for name, c := range map[string]struct {
		src    string
		copies []ClaimCopy
		want   Reason
	}{
		"required absent":     {`{}`, []ClaimCopy{{To: "x", From: "/v", Required: true}}, ReasonClaimRequired},
		"required null":       {`{"v":null}`, []ClaimCopy{{To: "x", From: "/v", Required: true}}, ReasonClaimRequired},
		"required inside":     {`{"v":[]}`, []ClaimCopy{{To: "x", From: "/v/0", Required: true}}, ReasonClaimRequired},
		"integer beyond long": {`{"v":9223372036854775808}`, []ClaimCopy{{To: "x", From: "/v"}}, ReasonClaimUnsupported},
		"double overflow":     {`{"v":[1e400]}`, []ClaimCopy{{To: "x", From: "/v"}}, ReasonClaimUnsupported},
		"one too long":        {wrap(`"` + long + long + `"`), []ClaimCopy{{To: "x", From: "/v"}}, ReasonClaimTooLarge},
		"two too long":        {wrap(`"` + long + `"`), []ClaimCopy{{To: "x", From: "/v"}, {To: "y", From: "/w"}}, ReasonClaimTooLarge},
		"array too deep":      {wrap(strings.Repeat("[", 9) + strings.Repeat("]", 9)), []ClaimCopy{{To: "x", From: "/v"}}, ReasonClaimTooLarge},
		"object too deep":     {wrap(strings.Repeat(`{"a":`, 9) + "1" + strings.Repeat("}", 9)), []ClaimCopy{{To: "x", From: "/v"}}, ReasonClaimTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			got, refusal := copyOf(t, c.src, c.copies...)
			if refusal == nil || refusal.Reason != c.want || refusal.Kind != AccessDenied || got != "" {
				t.Errorf("got %.40q and %v, want reason %s", got, refusal, c.want)
			}
		})
	}
	if _, refusal := copyOf(t, wrap(strings.Repeat("[", 8)+strings.Repeat("]", 8)), ClaimCopy{To: "x", From: "/v"}); refusal != nil {
		t.Errorf("8 deep: %v", refusal)
	}
}

func TestClaimCopyValidate(t *testing.T) {
	for _, c := range []struct {
		to, from string
		ok       bool
	}{
		{"email", "/email", true}, {"_a1", "/", true}, {"Email", "/a/0/b~0~1", true},
		{"", "/a", false}, {"1a", "/a", false}, {"@ref", "/a", false}, {"a.b", "/a", false}, {"a-b", "/a", false}, {"é", "/a", false}, {"a b", "/a", false},
		{"a", "", false}, {"a", "email", false}, {"a", "/~", false}, {"a", "/~2", false}, {"a", "/a~/b", false}, {"a", "#/a", false},
	} {
		if err := (ClaimCopy{To: c.to, From: c.from}).Validate(); (err == nil) != c.ok {
			t.Errorf("to %q from %q: %v", c.to, c.from, err)
		}
	}
	for _, name := range ReservedUserFields {
		if errs := validateCopies("claims.user", []ClaimCopy{{To: name, From: "/a"}}, ReservedUserFields); len(errs) != 1 {
			t.Errorf("target %s: %v", name, errs)
		}
	}
	bad := []ClaimCopy{{To: "id", From: "x"}, {To: "", From: "/a"}}
	if errs := validateCopies("claims.user", bad, ReservedUserFields); len(errs) != 3 {
		t.Errorf("all mistakes at once: %v", errs)
	}
}

func TestReasonsAreDistinct(t *testing.T) {
	list := Reasons()
	slices.Sort(list)
	if n := len(slices.Compact(slices.Clone(list))); n != len(list) {
		t.Errorf("%d reasons, %d different", len(list), n)
	}
	for _, kind := range []Kind{InvalidToken, InsufficientScope, AccessDenied, Unavailable} {
		if strings.Contains(fmt.Sprint(kind), " ") {
			t.Errorf("kind %v is no OAuth error name", kind)
		}
	}
}
