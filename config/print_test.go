package config_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"github.com/fauna-login/fauna-login/config"
)

func TestSecretsCannotPrint(t *testing.T) {
	const text = "fnVerySecret"
	type inner struct{ hidden config.Secret }
	s := config.NewSecret(text)
	c := mustLoad(t, tenant("event_tokens: ["+text+"0123456789]")+"session: {keys: ["+text+strings.Repeat("A", 43-len(text))+"]}\n"+"fauna: {secret: "+text+", root_secret: "+text+"}\n")
	for _, value := range []any{s, &s, *c, c, c.Fauna, c.Auth0, c.Auth0.Tenants[0].EventTokens, []config.Secret{s}, map[string]any{"k": s}, inner{s}, &inner{s}, struct{ S any }{s}} {
		var out bytes.Buffer
		for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %T %p %t %e %U") {
			fmt.Fprintf(&out, verb, value)
		}
		fmt.Fprintln(&out, value)
		if b, err := json.Marshal(value); err == nil {
			out.Write(b)
		}
		if b, err := xml.Marshal(value); err == nil {
			out.Write(b)
		}
		slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "v", value)
		slog.New(slog.NewTextHandler(&out, nil)).Info("m", "v", value)
		for _, form := range []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text)} {
			if strings.Contains(out.String(), form) {
				t.Errorf("%T prints its secret: %s", value, out.String())
			}
		}
	}
	equal(t, "%v", fmt.Sprintf("%v %s %q %#v", s, s, s, s), "[secret] [secret] [secret] [secret]")
	b, _ := json.Marshal(s)
	equal(t, "JSON", string(b), `"[secret]"`)
	equal(t, "Reveal", s.Reveal(), text)
	equal(t, "no secret", []any{config.Secret{}.Reveal(), config.NewSecret("").IsZero()}, []any{"", true})
}

func printed(t *testing.T, c *config.Config) string {
	t.Helper()
	var b bytes.Buffer
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestPrint(t *testing.T) {
	c := mustLoad(t, minimal+"fauna: {root_secret: fnRoot}\nlimits: {trusted_proxies: [10.0.0.0/8]}\n", "FAUNA_LOGIN_LOG_LEVEL=warn")
	text := printed(t, c)
	for _, want := range []string{
		"listen: \"127.0.0.1:8080\"\n",
		"  tenants:\n    - name: \"default\"\n      issuers: [\"https://tenant.eu.auth0.com/\"]\n",
		"  root_secret: \"[secret]\"\n", "  secret: \"\"\n", "  max_lifetime: 720h\n", "  level: \"warn\"\n", "trusted_proxies: [\"10.0.0.0/8\"]\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("lacks %q:\n%s", want, text)
		}
	}
	if strings.Contains(text, "fnRoot") {
		t.Error("shows the secret")
	}
	again := mustLoad(t, text)
	equal(t, "the mask", again.Fauna.RootSecret.Reveal(), "[secret]")
	equal(t, "printed again", printed(t, again), text)
}

func TestPrintSecretFile(t *testing.T) {
	dir := files{"s": "fnService", "c.yaml": minimal + "fauna: {endpoint: 'https://f.example', secret_file: s}\n"}
	c, err := config.Load(config.Options{File: "c.yaml", ReadFile: dir.read})
	if err != nil {
		t.Fatal(err)
	}
	dir["p.yaml"] = printed(t, c)
	again, err := config.Load(config.Options{File: "p.yaml", ReadFile: dir.read})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "secret", again.Fauna.Secret.Reveal(), "fnService")
	equal(t, "printed again", printed(t, again), dir["p.yaml"])
}

func TestPrintEventTokens(t *testing.T) {
	dir := files{"s": "0123456789abcdef\n", "c.yaml": tenant("event_tokens: [fnSecretfnSecret1, fnSecretfnSecret2]"), "f.yaml": tenant("event_tokens_file: s")}
	for name, want := range map[string]string{
		"c.yaml": "      event_tokens: [\"[secret]\", \"[secret]\"]\n      event_tokens_file: \"\"\n",
		"f.yaml": "      logout_clients: []\n      event_tokens_file: \"s\"\n",
	} {
		c, err := config.Load(config.Options{File: name, ReadFile: dir.read})
		if err != nil {
			t.Fatal(err)
		}
		text := printed(t, c)
		if !strings.Contains(text, want) || strings.Contains(text, "fnSecret") || strings.Contains(text, "0123456789") {
			t.Errorf("%s: lacks %q, or shows a token:\n%s", name, want, text)
		}
	}
}

// unmasked is a printed configuration with tokens and keys where their masks are, which Load
// refuses.
func unmasked(text string) string {
	var all strings.Builder
	for line := range strings.Lines(text) {
		for strings.HasPrefix(strings.TrimSpace(line), "event_tokens:") && strings.Contains(line, "[secret]") {
			line = strings.Replace(line, "[secret]", fmt.Sprintf("token-%012d", all.Len()+len(line)), 1)
		}
		for n := 0; strings.HasPrefix(strings.TrimSpace(line), "keys:") && strings.Contains(line, "[secret]"); n++ {
			line = strings.Replace(line, "[secret]", fmt.Sprintf("%042dA", n), 1)
		}
		all.WriteString(line)
	}
	return all.String()
}

// FuzzConfig feeds any bytes as any format: a configuration is valid, and then prints itself in a
// form that means the same, or every line of its error names a place and what was expected.
func FuzzConfig(f *testing.F) {
	for _, seed := range []string{
		"", minimal, tenant("claims: {user: [{to: a, from: /a}]}, clients: ['\\u2028', \"\\U0001f600\\uFFFE\"]"), "a: &a [*a]", "? [a]: b", "auth0: {<<: {domain: a.example}, audience: [x]}",
		"listen: '[::1%a]:80'\n" + minimal, "session: {max_ttl: 2562047h48m}\n" + minimal, "cors: {origins: ['http://[::1]:1']}\n" + minimal,
		`{"auth0":{"domain":"a.example","audience":["x"]},"fauna":{"cache_mb":1e3}}`, "[auth0]\ndomain='a.example'\naudience=['x']\nleeway=1979-05-27\n",
		"auth0.tenants: x\nfauna: {1: 2}\n", "--- \n...\n---", "fauna: !!binary aGk=", "tls: 2020-01-01\nlog: {level: .nan}",
		tenant("session_id_claim: /sid, link_id_claim: /l, on_behalf: {clients: [a], scope: 'a b', max_ttl: 1s}, logout_clients: [spa], event_tokens: [0123456789abcdef, 0123456789abcdeg]") + "audit: {output: ./a.log}\n",
		minimal + "session: {mode: cookie, keys: [" + ringKey + ", " + ringKey2 + "]}\n", minimal + "session: {mode: refresh, keys_file: c.yaml}\n",
		"auth0: {domain: a.example, audience: [x], event_tokens_file: c.yaml, on_behalf: {}}\naudit: {output: off}\n", `{"auth0":{"event_tokens":["[secret]",1,""],"on_behalf":{"clients":[[]]}},"audit":{"output":null}}`,
	} {
		f.Add(uint8(0), []byte(seed))
		f.Add(uint8(1), []byte(seed))
		f.Add(uint8(2), []byte(seed))
	}
	f.Fuzz(func(t *testing.T, format uint8, data []byte) {
		name := []string{"c.yaml", "c.json", "c.toml"}[format%3]
		dir := files{name: string(data)}
		c, err := config.Load(config.Options{File: name, ReadFile: dir.read})
		if err != nil {
			for line := range strings.SplitSeq(err.Error(), "\n") {
				if where, what, ok := strings.Cut(line, ": "); !ok || where == "" || what == "" {
					t.Errorf("line %q", line)
				}
			}
			return
		}
		dir["p.yaml"] = printed(t, c)
		dir["u.yaml"] = unmasked(dir["p.yaml"])
		again, err := config.Load(config.Options{File: "u.yaml", ReadFile: dir.read})
		if err != nil {
			t.Fatalf("%v\n%s", err, dir["p.yaml"])
		}
		if got := printed(t, again); !reflect.DeepEqual(got, dir["p.yaml"]) {
			t.Errorf("got:\n%s\nwant:\n%s", got, dir["p.yaml"])
		}
	})
}
