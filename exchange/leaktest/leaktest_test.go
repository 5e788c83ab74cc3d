package leaktest

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
)

var b64 = base64.RawURLEncoding

const (
	secret = "fnEFx0aAQkACAAXHRoBCQAIAdZ3mJxJ2JcKqv0V0y9L3mXcBnPA"
	handle = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdEfGhIjKlMnOpQrStUv"
)

var jwt = b64.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"key-of-today"}`)) + "." +
	b64.EncodeToString([]byte(`{"iss":"https://t.example/","sub":"auth0|orange-tree","azp":"spa-client","exp":1,"org_id":"orange-tree",`+
		`"https://example.com/email":"ada@example.com","https://example.com/teams":[{"name":"the blue team"}],"jti":"7"}`)) +
	"." + handle

// watched is a Watch that has seen all kinds of secrets.
func watched() *Watch {
	w := &Watch{}
	w.Secret("root-secret-of-the-test")
	w.Request(http.Header{"Authorization": {"Bearer " + jwt}, "Cookie": {"a=b; session=sealed-sealed-sealed-1"}}, `{"sub":"auth0|grace","user":{"email":"grace@example.com"}}`)
	w.Request(http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("client:client-password"))}},
		"grant_type=refresh_token&refresh_token=v1.refresh-refresh-refresh&client_secret=twelve-bytes")
	w.Answer(http.Header{"Set-Cookie": {"__Host-Http-x=rotated-rotated-rotated; Path=/"}}, `{"secret":"`+secret+`","session":{"id":"412345678901234567"}}`)
	return w
}

func TestLeaks(t *testing.T) {
	parts := strings.Split(jwt, ".")
	found := map[string]string{
		"token":                 jwt,
		"header":                parts[0],
		"payload":               parts[1],
		"middle of the payload": parts[1][33:54],
		"signature":             parts[2],
		"prefix":                jwt[:21],
		"end":                   jwt[len(jwt)-21:],
		"across a dot":          jwt[len(parts[0])-10 : len(parts[0])+11],
		"claim":                 "ada@example.com",
		"claim in a claim":      "the blue team",
		"claim like a name":     `"org":"orange-tree"`,
		"e-mail":                "grace@example.com",
		"secret":                secret,
		"part of it":            secret[5:26],
		"root secret":           "root-secret-of-the-test",
		"cookie":                "sealed-sealed-sealed-1",
		"set cookie":            "rotated-rotated-rotated",
		"password":              "client-password",
		"form":                  "twelve-bytes",
		"refresh token":         "refresh-refresh-refre",
	}
	for name, text := range found {
		for _, written := range []string{text, `{"level":"INFO","msg":"` + text + `"}` + "\n"} {
			if leaks := watched().Leaks(map[string]string{"log": written}); len(leaks) == 0 {
				t.Errorf("%s: not found in %s", name, written)
			}
		}
	}
	for name, text := range map[string]string{
		"names":         `{"sub":"auth0|orange-tree","iss":"https://t.example/","kid":"key-of-today","client_id":"spa-client","session_id":"412345678901234567"}`,
		"20 bytes":      jwt[:20] + " " + secret[5:25] + " " + handle[7:27],
		"part of a few": "client-passwor twelve-byte",
	} {
		if leaks := watched().Leaks(map[string]string{"log": text}); len(leaks) != 0 {
			t.Errorf("%s: %q", name, leaks)
		}
	}
}

func TestBadLines(t *testing.T) {
	good := `{"a":"` + strings.Repeat("x", maxLine-9) + `"}` + "\n"
	if bad := BadLines(good + "{}\n"); len(bad) != 0 {
		t.Errorf("good lines: %q", bad)
	}
	for _, text := range []string{"{}", "[]\n", "\n", "panic: boom\n", "{} {}\n", "x" + good, strings.Replace(good, "x", "xx", 1)} {
		if len(BadLines(text)) != 1 {
			t.Errorf("not noticed: %.30q", text)
		}
	}
}
