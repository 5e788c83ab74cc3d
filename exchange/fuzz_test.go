package exchange_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/big"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/fauna-login/fauna-login/exchange"
)

// FuzzToken changes a valid token. A change to the token itself must never be accepted:
// one token has one spelling. A change to header or claims, signed anew as a careless or
// hostile tenant might, may be accepted only if it means the same to every strict reader.
func FuzzToken(f *testing.F) {
	e := newCaseEnv(f, noon)
	v := newVerifier(f, e.config())
	good := e.good()
	if _, err := v.Verify(f.Context(), good, exchange.PurposeExchange); err != nil {
		f.Fatal(err)
	}
	const token, header, payload, whole = 0, 1, 2, 3
	for _, seed := range []struct {
		part   byte
		at     uint16
		cut    uint8
		insert string
	}{
		{token, 0, 0, " "}, {token, 300, 1, "A"}, {token, 40, 0, "\n"}, {token, 9999, 1, "x"}, {token, 9999, 0, "=="}, {token, 20, 0, "."},
		{header, 1, 0, `"crit":[],`}, {header, 1, 0, `"KID":"k2",`}, {header, 1, 0, "\t"}, {header, 1, 0, `"x":{"a":1,"a":2},`}, {header, 2, 3, `\u0061lg`},
		{payload, 1, 0, `"sub":"auth0|victim",`}, {payload, 1, 0, `"SUB":"auth0|victim",`}, {payload, 1, 0, `"ſub":"auth0|victim",`}, {payload, 1, 0, `"s\u0075b":"auth0|victim",`},
		{payload, 1, 0, `"exp":1e9,`}, {payload, 1, 0, `"x":1,`}, {payload, 1, 0, `"x":"\ud800",`}, {payload, 1, 0, " "}, {payload, 9999, 0, "{}"}, {payload, 9999, 0, "\n"},
	} {
		f.Add(seed.part, seed.at, seed.cut, []byte(seed.insert))
	}
	f.Add(byte(whole), uint16(0), uint8(0), []byte(text(e.claims(e.main, m{"exp": raw("%d.5", e.in(60)), "sub": "auth0|é\U0001F600"}))))

	f.Fuzz(func(t *testing.T, part byte, at uint16, cut uint8, insert []byte) {
		h, p := text(goodHeader), text(e.claims(e.main, nil))
		var mutant string
		switch part % 4 {
		case token:
			if mutant = splice(good, at, cut, insert); mutant == good {
				return
			}
		case header:
			h = splice(h, at, cut, insert)
		case payload:
			p = splice(p, at, cut, insert)
		case whole:
			p = string(insert)
		}
		if mutant == "" {
			mutant = sign(h, p, keys().k1)
		}
		verdict, err := v.Verify(t.Context(), mutant, exchange.PurposeExchange)
		if err != nil {
			if verdict.For(exchange.PurposeExchange) || !slices.Contains(exchange.Reasons(), reasonOf(t, err)) {
				t.Fatalf("refused with %+v and %v", verdict, err)
			}
			return
		}
		if part%4 == token {
			t.Fatalf("another spelling of the token was accepted: %q", mutant)
		}
		checkHeader(t, h)
		checkClaims(t, p, verdict)
		if want := independentHash("main", mutant[:strings.LastIndexByte(mutant, '.')]); verdict.Hash != want {
			t.Fatalf("hash %s, want %s", verdict.Hash, want)
		}
	})
}

// splice replaces cut bytes at at, or near the end.
func splice(s string, at uint16, cut uint8, insert []byte) string {
	start := min(int(at), len(s))
	if int(at) > len(s) && cut > 0 {
		start = len(s) - min(int(cut), len(s))
	}
	end := min(start+int(cut), len(s))
	return s[:start] + string(insert) + s[end:]
}

// checkHeader reads an accepted header in other ways.
func checkHeader(t *testing.T, header string) {
	fields := strictObject(t, header)
	noTwins(t, fields, "alg", "kid", "typ", "crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc", "cty")
	if fields["alg"] != "RS256" || fields["kid"] != "k1" && fields["kid"] != "k2" {
		t.Fatalf("header %s", header)
	}
	for _, name := range []string{"crit", "b64", "jku", "jwk", "x5u", "x5c", "zip", "enc", "cty"} {
		if _, found := fields[name]; found {
			t.Fatalf("header with %s: %s", name, header)
		}
	}
}

// checkClaims holds a verdict against three other readers of the accepted payload: one
// that refuses what is ambiguous, one that takes the last of equal names, and one that
// ignores case.
func checkClaims(t *testing.T, payload string, got exchange.Verdict) {
	strict := strictObject(t, payload)
	noTwins(t, strict, "iss", "sub", "aud", "exp", "nbf", "iat", "scope", "permissions", "azp", "client_id", "org_id", "cnf", "act")
	var last map[string]any
	var anyCase struct{ Iss, Sub string }
	if err := json.Unmarshal([]byte(payload), &anyCase); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	decoder := json.NewDecoder(strings.NewReader(payload))
	decoder.UseNumber()
	if err := decoder.Decode(&last); err != nil {
		t.Fatalf("%s: %v", payload, err)
	}
	for _, claims := range []map[string]any{strict, last, {"iss": anyCase.Iss, "sub": anyCase.Sub, "aud": last["aud"], "exp": last["exp"]}} {
		if claims["iss"] != got.Issuer || claims["sub"] != got.Subject {
			t.Fatalf("%s: another reader has iss %v and sub %v", payload, claims["iss"], claims["sub"])
		}
		list, many := claims["aud"].([]any)
		if !many {
			list = []any{claims["aud"]}
		}
		if fmt.Sprint(list) != fmt.Sprint(got.Audience) || !slices.Contains(list, any(ours)) && !slices.Contains(list, any(oursToo)) {
			t.Fatalf("%s: another reader has aud %v", payload, list)
		}
		exact, ok := new(big.Rat).SetString(string(claims["exp"].(json.Number)))
		if !ok || new(big.Int).Div(exact.Num(), exact.Denom()).Int64() != got.ExpiresAt.Unix() {
			t.Fatalf("%s: another reader has exp %v, we %v", payload, claims["exp"], got.ExpiresAt)
		}
	}
	for _, name := range []string{"cnf", "nonce", "at_hash", "events", "act"} {
		if _, found := strict[name]; found {
			t.Fatalf("accepted with %s: %s", name, payload)
		}
	}
}

// strictObject reads an object by encoding/json's tokens and fails on what readers could
// read differently.
func strictObject(t *testing.T, src string) map[string]any {
	t.Helper()
	if !utf8.ValidString(src) {
		t.Fatalf("accepted what is not UTF-8: %q", src)
	}
	decoder := json.NewDecoder(bytes.NewReader([]byte(src)))
	decoder.UseNumber()
	value := strictValue(t, decoder)
	if _, err := decoder.Token(); err != io.EOF {
		t.Fatalf("accepted with something behind it: %q", src)
	}
	object, ok := value.(map[string]any)
	if !ok {
		t.Fatalf("accepted what is no object: %q", src)
	}
	return object
}

func strictValue(t *testing.T, decoder *json.Decoder) any {
	token, err := decoder.Token()
	if err != nil {
		t.Fatalf("accepted what is not JSON: %v", err)
	}
	switch token {
	case json.Delim('{'):
		object := map[string]any{}
		for decoder.More() {
			name := strictValue(t, decoder).(string)
			if _, twice := object[name]; twice {
				t.Fatalf("accepted two members %q", name)
			}
			object[name] = strictValue(t, decoder)
		}
		_, _ = decoder.Token()
		return object
	case json.Delim('['):
		list := []any{}
		for decoder.More() {
			list = append(list, strictValue(t, decoder))
		}
		_, _ = decoder.Token()
		return list
	}
	return token
}

func noTwins(t *testing.T, fields map[string]any, names ...string) {
	t.Helper()
	for field := range fields {
		for _, name := range names {
			if field != name && strings.EqualFold(field, name) {
				t.Fatalf("accepted %q, a twin of %q", field, name)
			}
		}
	}
}
