package exchange_test

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"strings"
	"time"

	"github.com/fauna-login/fauna-login/exchange"
)

// A tokenCase is a token and what has to become of it, whatever door it comes through.
type tokenCase struct {
	id    string // number in the catalogue of bad inputs, a letter for variants
	name  string
	token func(*caseEnv) string
	want  exchange.Reason // "" is accepted
	sub   string          // of the Verdict, where it matters
}

func (c tokenCase) String() string {
	if len(strings.TrimRight(c.id, "abcdefgh")) < 3 {
		return fmt.Sprintf("%0*s %s", 3+len(c.id)-len(strings.TrimRight(c.id, "abcdefgh")), c.id, c.name)
	}
	return c.id + " " + c.name
}

// kind is the outward answer that belongs to the reason.
func (c tokenCase) kind() exchange.Kind {
	switch c.want {
	case exchange.ReasonScope:
		return exchange.InsufficientScope
	case exchange.ReasonClient, exchange.ReasonOrganization, exchange.ReasonActor,
		exchange.ReasonClaimRequired, exchange.ReasonClaimTooLarge, exchange.ReasonClaimUnsupported:
		return exchange.AccessDenied
	case exchange.ReasonKeysUnavailable:
		return exchange.Unavailable
	default:
		return exchange.InvalidToken
	}
}

const accepted exchange.Reason = ""

// tokenCases is every case about the token itself, in order of number.
func tokenCases() []tokenCase {
	var all []tokenCase
	for _, list := range [][]tokenCase{
		controlCases(), algorithmCases(), signatureCases(), spellingCases(), keyIDCases(), headerCases(),
		issuerCases(), audienceCases(), timeCases(), subjectCases(), payloadCases(), kindCases(), keySetCases(),
	} {
		all = append(all, list...)
	}
	return all
}

func claimsCase(id, name string, extra func(e *caseEnv) m, want exchange.Reason) tokenCase {
	return tokenCase{id: id, name: name, want: want, token: func(e *caseEnv) string { return e.withClaims(extra(e)) }}
}

// oneClaim is the good token with one claim as given; absent removes it.
func oneClaim(id, name, claim string, value any, want exchange.Reason) tokenCase {
	return claimsCase(id, name, func(*caseEnv) m {
		if value == null {
			return m{claim: raw("null")}
		}
		return m{claim: value}
	}, want)
}

type nullValue struct{}

var null = nullValue{} // JSON null; nil stands for an absent claim

func headerCase(id, name string, extra m, want exchange.Reason) tokenCase {
	return tokenCase{id: id, name: name, want: want, token: func(e *caseEnv) string { return e.withHeader(extra, keys().k1) }}
}

func tokenOf(id, name string, want exchange.Reason, token func(e *caseEnv) string) tokenCase {
	return tokenCase{id: id, name: name, want: want, token: token}
}

func controlCases() []tokenCase {
	return []tokenCase{
		tokenOf("1", "GOOD access token", accepted, (*caseEnv).good),
		headerCase("2", "GOOD typ at+jwt", m{"typ": "at+jwt"}, accepted),
		oneClaim("3", "GOOD aud single string", "aud", ours, accepted),
	}
}

func algorithmCases() []tokenCase {
	var list []tokenCase
	for i, alg := range []string{"none", "None", "nOnE", "NONE", ""} {
		unsigned := func(e *caseEnv) string { return e.withHeader(m{"alg": alg}, keys().k1) }
		list = append(list,
			tokenOf(fmt.Sprint(4+2*i), "alg="+alg+" empty sig", exchange.ReasonShape, func(e *caseEnv) string {
				h, p, _ := parts(unsigned(e))
				return join(h, p, "")
			}),
			tokenOf(fmt.Sprint(5+2*i), "alg="+alg+" keeps RS256 sig", exchange.ReasonAlgorithm, unsigned))
	}
	hs256 := func(id, name string, secret func() []byte) tokenCase {
		return tokenOf(id, "HS256 keyed with "+name, exchange.ReasonAlgorithm, func(e *caseEnv) string {
			return e.withHeader(m{"alg": "HS256"}, secret())
		})
	}
	der := func() []byte { return must(x509.MarshalPKIXPublicKey(&keys().k1.PublicKey)) }
	return append(list,
		headerCase("14", "alg missing", m{"alg": nil}, exchange.ReasonAlgorithm),
		headerCase("15", "alg number", m{"alg": 256}, exchange.ReasonAlgorithm),
		headerCase("16", "alg array", m{"alg": []string{"RS256"}}, exchange.ReasonAlgorithm),
		headerCase("17", "alg lowercase rs256", m{"alg": "rs256"}, exchange.ReasonAlgorithm),
		headerCase("18", "alg trailing space", m{"alg": "RS256 "}, exchange.ReasonAlgorithm),
		hs256("19", "RSA public key PEM", func() []byte {
			return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der()})
		}),
		hs256("20", "RSA public key DER", der),
		hs256("21", "RSA public key modulus", func() []byte { return keys().k1.N.Bytes() }),
		hs256("22", "empty key", func() []byte { return []byte{} }),
		headerCase("23", "RS384 by right key", m{"alg": "RS384"}, exchange.ReasonAlgorithm),
		tokenOf("24", "RS512 by right key, which has no alg", exchange.ReasonAlgorithm, func(e *caseEnv) string {
			return e.withHeader(m{"alg": "RS512", "kid": "k2"}, keys().k2)
		}),
		tokenOf("25", "PS256 by right key, not allowed for the tenant", exchange.ReasonAlgorithm, func(e *caseEnv) string {
			return e.withHeader(m{"alg": "PS256", "kid": "k2"}, keys().k2)
		}),
		tokenOf("25b", "PS256 where the tenant allows it", accepted, func(e *caseEnv) string {
			return e.fromStrict("PS256", nil)
		}),
		tokenOf("26", "ES256 by JWKS EC key", exchange.ReasonAlgorithm, func(e *caseEnv) string {
			return e.withHeader(m{"alg": "ES256", "kid": "ec"}, keys().ec)
		}),
		headerCase("27", "EdDSA by JWKS OKP key", m{"alg": "EdDSA", "kid": "okp"}, exchange.ReasonAlgorithm),
		headerCase("28", "RS256 header, kid of EC key", m{"kid": "ec"}, exchange.ReasonKeyUnusable),
	)
}

func signatureCases() []tokenCase {
	withSignature := func(change func(e *caseEnv, sig []byte) []byte) func(e *caseEnv) string {
		return func(e *caseEnv) string {
			h, p, s := parts(e.good())
			return join(h, p, b64.EncodeToString(change(e, must(b64.DecodeString(s)))))
		}
	}
	return []tokenCase{
		tokenOf("29", "signed by unknown key, kid k1", exchange.ReasonSignature, func(e *caseEnv) string {
			return e.withHeader(nil, keys().attacker)
		}),
		tokenOf("30", "signed by other JWKS key k2, kid k1", exchange.ReasonSignature, func(e *caseEnv) string {
			return e.withHeader(nil, keys().k2)
		}),
		tokenOf("31", "payload tampered", exchange.ReasonSignature, func(e *caseEnv) string {
			h, _, s := parts(e.good())
			return join(h, b64.EncodeToString([]byte(text(e.claims(e.main, m{"sub": "auth0|victim"})))), s)
		}),
		tokenOf("32", "signature empty", exchange.ReasonShape, func(e *caseEnv) string {
			h, p, _ := parts(e.good())
			return join(h, p, "")
		}),
		tokenOf("33", "signature truncated", exchange.ReasonSignature,
			withSignature(func(_ *caseEnv, sig []byte) []byte { return sig[:len(sig)-1] })),
		tokenOf("34", "signature zero bytes", exchange.ReasonSignature,
			withSignature(func(_ *caseEnv, sig []byte) []byte { return make([]byte, len(sig)) })),
		tokenOf("35", "signature of another token", exchange.ReasonSignature, withSignature(func(e *caseEnv, _ []byte) []byte {
			_, _, s := parts(e.withClaims(m{"sub": "auth0|other"}))
			return must(b64.DecodeString(s))
		})),
	}
}

func spellingCases() []tokenCase {
	// spelt changes the three parts of a good token.
	spelt := func(id, name string, want exchange.Reason, change func(h, p, s string) string) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return change(parts(e.good())) })
	}
	whole := func(id, name string, want exchange.Reason, change func(token string) string) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return change(e.good()) })
	}
	constant := func(id, name, token string, want exchange.Reason) tokenCase {
		return tokenOf(id, name, want, func(*caseEnv) string { return token })
	}
	const jwe = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMjU2R0NNIn0"
	return []tokenCase{
		tokenOf("36", "non-canonical base64url trailing bits in header", exchange.ReasonEncoding, func(e *caseEnv) string {
			h, p, s := parts(e.withRawHeader(padToLoose))
			return join(looseBits(h), p, s)
		}),
		tokenOf("37", "non-canonical base64url trailing bits in payload", exchange.ReasonEncoding, func(e *caseEnv) string {
			h, p, s := parts(e.withPayload(padToLoose))
			return join(h, looseBits(p), s)
		}),
		spelt("38", "non-canonical base64url trailing bits in signature", exchange.ReasonEncoding, func(h, p, s string) string {
			return join(h, p, looseBits(s))
		}),
		whole("39", "padding '=' appended to signature", exchange.ReasonBytes, func(t string) string { return t + "==" }),
		spelt("40", "padding '=' on header", exchange.ReasonBytes, func(h, p, s string) string { return join(h+"=", p, s) }),
		tokenOf("41", "standard base64 alphabet in signature", exchange.ReasonBytes, func(e *caseEnv) string {
			for i := 0; ; i++ { // until the signature holds one of the two letters
				h, p, s := parts(e.withClaims(m{"n": i}))
				if std := strings.NewReplacer("-", "+", "_", "/").Replace(s); std != s {
					return join(h, p, std)
				}
			}
		}),
		spelt("42", "newline inside signature", exchange.ReasonBytes, func(h, p, s string) string {
			return join(h, p, s[:8]+"\n"+s[8:])
		}),
		spelt("43", "CRLF inside payload segment", exchange.ReasonBytes, func(h, p, s string) string {
			return join(h, p[:8]+"\r\n"+p[8:], s)
		}),
		spelt("44", "space inside signature", exchange.ReasonBytes, func(h, p, s string) string {
			return join(h, p, s[:8]+" "+s[8:])
		}),
		whole("45", "leading space", exchange.ReasonBytes, func(t string) string { return " " + t }),
		whole("46", "trailing newline", exchange.ReasonBytes, func(t string) string { return t + "\n" }),
		whole("47", "'Bearer ' left in token", exchange.ReasonBytes, func(t string) string { return "Bearer " + t }),
		whole("48", "NUL byte inside token", exchange.ReasonBytes, func(t string) string { return t[:8] + "\x00" + t[8:] }),
		whole("49", "NUL appended", exchange.ReasonBytes, func(t string) string { return t + "\x00" }),
		whole("50", "quotes around token", exchange.ReasonBytes, func(t string) string { return `"` + t + `"` }),
		constant("51", "empty string", "", exchange.ReasonShape),
		spelt("52", "one segment", exchange.ReasonShape, func(h, _, _ string) string { return h }),
		spelt("53", "two segments", exchange.ReasonShape, func(h, p, _ string) string { return join(h, p) }),
		whole("54", "four segments", exchange.ReasonShape, func(t string) string { return t + ".AAAA" }),
		constant("55", "five segments JWE-shaped", jwe+".AAAA.BBBB.CCCC.DDDD", exchange.ReasonEncrypted),
		constant("56", "dir JWE empty key", jwe+"..AAAA.BBBB.CCCC", exchange.ReasonEncrypted),
		constant("57", "10k dots", strings.Repeat(".", 10_000), exchange.ReasonShape),
		constant("58", "opaque token", "jRm3sSqMkbnq0Ff9JZkNlsnUDhSgzGpZ", exchange.ReasonShape),
		spelt("59", "empty header segment", exchange.ReasonShape, func(_, p, s string) string { return join("", p, s) }),
		spelt("60", "empty payload segment", exchange.ReasonShape, func(h, _, s string) string { return join(h, "", s) }),
		spelt("61", "JWS JSON flattened serialization", exchange.ReasonBytes, func(h, p, s string) string {
			return text(m{"protected": h, "payload": p, "signature": s})
		}),
		spelt("62", "JWS JSON general serialization", exchange.ReasonBytes, func(h, p, s string) string {
			return text(m{"payload": p, "signatures": []m{{"protected": h, "signature": s}}})
		}),
		spelt("63", "JWS JSON with alg/kid in unprotected header", exchange.ReasonBytes, func(_, p, s string) string {
			return text(m{"payload": p, "signature": s, "header": goodHeader})
		}),
	}
}

func keyIDCases() []tokenCase {
	attackerJWK := func() m { return jwkOf("k1", &keys().attacker.PublicKey, nil) }
	byAttacker := func(id, name string, extra func() m) tokenCase {
		return tokenOf(id, name, exchange.ReasonHeaderField, func(e *caseEnv) string { return e.withHeader(extra(), keys().attacker) })
	}
	return []tokenCase{
		headerCase("64", "kid absent", m{"kid": nil}, exchange.ReasonKeyID),
		headerCase("65", "kid empty string", m{"kid": ""}, exchange.ReasonKeyID),
		headerCase("66", "kid number", m{"kid": 1}, exchange.ReasonKeyID),
		headerCase("67", "kid null", m{"kid": raw("null")}, exchange.ReasonKeyID),
		headerCase("68", "kid path traversal", m{"kid": "../../../../etc/passwd"}, exchange.ReasonKeyUnknown),
		headerCase("69", "kid SQL injection", m{"kid": "k1' OR '1'='1"}, exchange.ReasonKeyUnknown),
		headerCase("69b", "kid 256 bytes", m{"kid": strings.Repeat("k", 256)}, exchange.ReasonKeyUnknown),
		headerCase("69c", "kid 257 bytes", m{"kid": strings.Repeat("k", 257)}, exchange.ReasonKeyID),
		headerCase("70", `kid with NUL k1\u0000`, m{"kid": "k1\x00"}, exchange.ReasonKeyID),
		tokenOf("71", "kid of enc-use key", exchange.ReasonKeyUnusable, func(e *caseEnv) string {
			return e.withHeader(m{"kid": "enc"}, keys().enc)
		}),
		tokenOf("71b", "kid of a PS256 key", exchange.ReasonKeyUnusable, func(e *caseEnv) string {
			return e.withHeader(m{"kid": "ps"}, keys().enc)
		}),
		tokenOf("71c", "kid of a key for encryption only", exchange.ReasonKeyUnusable, func(e *caseEnv) string {
			return e.withHeader(m{"kid": "ops"}, keys().enc)
		}),
		tokenOf("71d", "kid of a key whose private half is published", exchange.ReasonKeyUnusable, func(e *caseEnv) string {
			return e.withHeader(m{"kid": "private"}, keys().enc)
		}),
		tokenOf("72", "kid absent, signed by enc-use key", exchange.ReasonKeyID, func(e *caseEnv) string {
			return e.withHeader(m{"kid": nil}, keys().enc)
		}),
		headerCase("73", "jku header to attacker, signed by right key", m{"jku": "https://evil.example/jwks.json"}, exchange.ReasonHeaderField),
		byAttacker("74", "jwk header embeds attacker key", func() m { return m{"jwk": attackerJWK()} }),
		byAttacker("75", "jwk header, kid absent", func() m { return m{"jwk": attackerJWK(), "kid": nil} }),
		headerCase("76", "jwk header, signed by right key k1", m{"jwk": m{"kty": "RSA"}}, exchange.ReasonHeaderField),
		byAttacker("77", "x5c header attacker cert", func() m { return m{"x5c": []string{certificate(keys().attacker)}} }),
		headerCase("78", "x5u header, signed by right key", m{"x5u": "https://evil.example/cert"}, exchange.ReasonHeaderField),
	}
}

func headerCases() []tokenCase {
	rawHeader := func(id, name string, want exchange.Reason, change func(string) string) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return e.withRawHeader(change) })
	}
	return []tokenCase{
		headerCase("79", "crit unknown ext", m{"crit": []string{"x"}, "x": 1}, exchange.ReasonHeaderField),
		headerCase("80", "crit empty array", m{"crit": []string{}}, exchange.ReasonHeaderField),
		headerCase("81", "crit not array", m{"crit": "exp"}, exchange.ReasonHeaderField),
		headerCase("82", "crit names absent param", m{"crit": []string{"gone"}}, exchange.ReasonHeaderField),
		headerCase("83", "crit lists 'alg'", m{"crit": []string{"alg"}}, exchange.ReasonHeaderField),
		tokenOf("84", "b64=false unencoded payload", exchange.ReasonBytes, func(e *caseEnv) string {
			header := with(goodHeader, m{"b64": false, "crit": []string{"b64"}})
			input := b64.EncodeToString([]byte(text(header))) + "." + text(e.claims(e.main, m{"iss": nil}))
			return input + "." + b64.EncodeToString(signature(header, input, keys().k1))
		}),
		headerCase("85", "b64=false crit b64, encoded payload", m{"b64": false, "crit": []string{"b64"}}, exchange.ReasonHeaderField),
		headerCase("86", "b64=false without crit, encoded payload", m{"b64": false}, exchange.ReasonHeaderField),
		headerCase("87", "typ logout+jwt", m{"typ": "logout+jwt"}, exchange.ReasonType),
		headerCase("88", "typ secevent+jwt", m{"typ": "secevent+jwt"}, exchange.ReasonType),
		headerCase("89", "typ dpop+jwt", m{"typ": "dpop+jwt"}, exchange.ReasonType),
		headerCase("90", "typ absent", m{"typ": nil}, accepted),
		headerCase("91", "typ number", m{"typ": 1}, exchange.ReasonType),
		headerCase("92", "typ application/at+jwt", m{"typ": "application/at+jwt"}, accepted),
		headerCase("93", "typ AT+JWT upper case", m{"typ": "AT+JWT"}, accepted),
		headerCase("94", "cty JWT (nested)", m{"cty": "JWT"}, exchange.ReasonHeaderField),
		headerCase("95", "zip DEF header", m{"zip": "DEF"}, exchange.ReasonHeaderField),
		rawHeader("96", "header duplicate alg (RS256 then none)", exchange.ReasonName, back(`"alg":"none"`)),
		rawHeader("97", "header duplicate alg (none then RS256)", exchange.ReasonName, front(`"alg":"none"`)),
		rawHeader("97b", "header duplicate alg spelt with an escape", exchange.ReasonName, back(`"\u0061lg":"none"`)),
		rawHeader("98", "header duplicate kid", exchange.ReasonName, back(`"kid":"k2"`)),
		rawHeader("99", "header 'ALG' differently cased only", exchange.ReasonName, swap(`"alg"`, `"ALG"`)),
		rawHeader("99b", "header 'crit' with a Kelvin sign's case twin, kid", exchange.ReasonName, back(`"\u212aid":"k2"`)),
		rawHeader("100", "header is JSON array", exchange.ReasonHeaderJSON, func(h string) string { return "[" + h + "]" }),
		rawHeader("101", "header is JSON null", exchange.ReasonHeaderJSON, func(string) string { return "null" }),
		rawHeader("102", "header trailing garbage", exchange.ReasonHeaderJSON, func(h string) string { return h + "{}" }),
		rawHeader("103", "header UTF-8 BOM", exchange.ReasonHeaderJSON, func(h string) string { return "\ufeff" + h }),
		rawHeader("104", "header UTF-16", exchange.ReasonHeaderJSON, utf16),
		rawHeader("105", "header invalid UTF-8 in kid", exchange.ReasonHeaderJSON, swap(`"k1"`, "\"k1\xff\"")),
		rawHeader("106", "header deep nesting 100k", exchange.ReasonTooLong, back(`"x":`+nested(100_000))),
		rawHeader("106b", "header nested 5 deep", exchange.ReasonHeaderJSON, back(`"x":`+nested(4))),
		rawHeader("106c", "header nested 4 deep", accepted, back(`"x":`+nested(3))),
		rawHeader("106d", "header with white space and escapes", accepted, func(h string) string {
			return " {\n\t" + swap(`"k1"`, `"\u006b1" `)(h[1:]) + "\r\n"
		}),
	}
}

// nested is an array in an array in …
func nested(depth int) string { return strings.Repeat("[", depth) + strings.Repeat("]", depth) }

// utf16 spells ASCII in UTF-16, little endian, with its byte order mark.
func utf16(s string) string {
	out := []byte{0xff, 0xfe}
	for i := range len(s) {
		out = append(out, s[i], 0)
	}
	return string(out)
}

func issuerCases() []tokenCase {
	issuer := func(id, name string, change func(e *caseEnv) string, want exchange.Reason) tokenCase {
		return claimsCase(id, name, func(e *caseEnv) m { return m{"iss": change(e)} }, want)
	}
	return []tokenCase{
		issuer("107", "iss without trailing slash", func(e *caseEnv) string { return strings.TrimSuffix(e.main, "/") }, exchange.ReasonIssuer),
		issuer("108", "iss double slash", func(e *caseEnv) string { return e.main + "/" }, exchange.ReasonIssuer),
		issuer("109", "iss upper case host", func(e *caseEnv) string { return strings.Replace(e.main, "http", "HTTP", 1) }, exchange.ReasonIssuer),
		issuer("110", "iss other tenant, signed by k1", func(e *caseEnv) string { return e.other }, exchange.ReasonSignature),
		issuer("111", "iss suffix attack", func(e *caseEnv) string { return strings.TrimSuffix(e.main, "/") + ".evil.example/" }, exchange.ReasonIssuer),
		claimsCase("112", "iss array", func(e *caseEnv) m { return m{"iss": []string{e.main}} }, exchange.ReasonClaim),
		oneClaim("113", "iss missing", "iss", nil, exchange.ReasonClaim),
		oneClaim("114", "iss null", "iss", null, exchange.ReasonClaim),
		issuer("115", "iss trailing space", func(e *caseEnv) string { return e.main + " " }, exchange.ReasonIssuer),
	}
}

func audienceCases() []tokenCase {
	aud := func(id, name string, value any, want exchange.Reason) tokenCase {
		return oneClaim(id, name, "aud", value, want)
	}
	return []tokenCase{
		aud("116", "aud missing", nil, exchange.ReasonClaim),
		aud("117", "aud empty string", "", exchange.ReasonAudience),
		aud("118", "aud empty array", []string{}, exchange.ReasonAudience),
		aud("119", "aud null", null, exchange.ReasonClaim),
		aud("120", "aud number", 5, exchange.ReasonClaim),
		aud("121", "aud object", m{ours: true}, exchange.ReasonClaim),
		aud("122", "aud [ours, 5] mixed array", []any{ours, 5}, exchange.ReasonClaim),
		aud("123", "aud nested array", []any{[]string{ours}}, exchange.ReasonClaim),
		aud("124", "aud other API only", "https://other.example", exchange.ReasonAudience),
		claimsCase("125", "aud only /userinfo", func(e *caseEnv) m { return m{"aud": e.main + "userinfo"} }, exchange.ReasonAudience),
		aud("126", "aud ours with trailing slash", ours+"/", exchange.ReasonAudience),
		aud("127", "aud ours as prefix", ours+".evil.example", exchange.ReasonAudience),
		aud("128", "aud upper case", strings.ToUpper(ours), exchange.ReasonAudience),
		aud("129", "aud comma/space joined string", ours+" https://other.example", exchange.ReasonAudience),
		aud("130", "aud [ours, other API] (multi-API)", []string{ours, "https://other.example"}, exchange.ReasonAudience),
		aud("130b", "aud [ours, another of ours]", []string{ours, oursToo}, accepted),
		claimsCase("130c", "aud [ours, userinfo of another tenant]", func(e *caseEnv) m {
			return m{"aud": []string{ours, e.other + "userinfo"}}
		}, exchange.ReasonAudience),
	}
}

func timeCases() []tokenCase {
	in := func(id, name, claim string, seconds int64, want exchange.Reason) tokenCase {
		return claimsCase(id, name, func(e *caseEnv) m { return m{claim: e.in(seconds)} }, want)
	}
	number := func(id, name, literal string, want exchange.Reason) tokenCase {
		return oneClaim(id, name, "exp", raw("%s", literal), want)
	}
	const year = 365 * 24 * 3600
	return []tokenCase{
		oneClaim("131", "exp missing", "exp", nil, exchange.ReasonClaim),
		oneClaim("132", "exp null", "exp", null, exchange.ReasonClaim),
		number("133", "exp 0", "0", exchange.ReasonExpired),
		number("134", "exp negative", "-1", exchange.ReasonExpired),
		in("135", "exp past beyond leeway", "exp", -120, exchange.ReasonExpired),
		in("136", "exp past inside leeway (10 s ago)", "exp", -10, exchange.ReasonExpired),
		in("137", "exp == now-leeway boundary", "exp", -30, exchange.ReasonExpired),
		claimsCase("138", "exp numeric string", func(e *caseEnv) m { return m{"exp": fmt.Sprint(e.in(3600))} }, exchange.ReasonClaim),
		oneClaim("139", "exp ISO date string", "exp", "2099-01-01T00:00:00Z", exchange.ReasonClaim),
		claimsCase("140", "exp float .5", func(e *caseEnv) m { return m{"exp": raw("%d.5", e.in(3600))} }, accepted),
		claimsCase("141", "exp with exponent", func(e *caseEnv) m {
			exp := e.in(3600)
			return m{"exp": raw("%d.%02de2", exp/100, exp%100)}
		}, accepted),
		number("141b", "exp exponent 2e9, beyond the longest life", "2e9", exchange.ReasonLifetime),
		number("142", "exp 1e300", "1e300", exchange.ReasonClaim),
		number("143", "exp 1e400 (float overflow)", "1e400", exchange.ReasonClaim),
		number("143b", "exp 1e99999999999999999999", "1e99999999999999999999", exchange.ReasonClaim),
		number("144", "exp 2^63", "9223372036854775808", exchange.ReasonClaim),
		number("145", "exp 2^63-1", "9223372036854775807", exchange.ReasonClaim),
		claimsCase("146", "exp in milliseconds", func(e *caseEnv) m { return m{"exp": e.in(3600) * 1000} }, exchange.ReasonClaim),
		in("147", "exp 10 years ahead", "exp", 10*year, exchange.ReasonLifetime),
		claimsCase("148", "exp array", func(e *caseEnv) m { return m{"exp": []int64{e.in(3600)}} }, exchange.ReasonClaim),
		oneClaim("149", "exp bool", "exp", true, exchange.ReasonClaim),
		tokenOf("150", "exp duplicated (past then future)", exchange.ReasonName, func(e *caseEnv) string {
			return e.withPayload(front(fmt.Sprintf(`"exp":%d`, e.in(-3600))))
		}),
		claimsCase("151", "exp < iat", func(e *caseEnv) m { return m{"exp": e.in(10), "iat": e.in(20)} }, exchange.ReasonLifetime),
		in("152", "nbf future beyond leeway", "nbf", 120, exchange.ReasonNotYetValid),
		in("153", "nbf future inside leeway", "nbf", 10, accepted),
		oneClaim("154", "nbf string", "nbf", "now", exchange.ReasonClaim),
		claimsCase("155", "nbf numeric string past", func(e *caseEnv) m { return m{"nbf": fmt.Sprint(e.in(-10))} }, exchange.ReasonClaim),
		in("156", "iat future beyond leeway", "iat", 120, exchange.ReasonNotYetValid),
		oneClaim("157", "iat missing", "iat", nil, exchange.ReasonClaim),
		oneClaim("158", "iat string", "iat", "now", exchange.ReasonClaim),
		oneClaim("159", "iat negative", "iat", -1, exchange.ReasonClaim),
		in("160", "iat very old (2 y) with long exp", "iat", -2*year, exchange.ReasonLifetime),
		in("160b", "exp - iat just beyond the longest life", "exp", int64((720*time.Hour).Seconds())-5+1, exchange.ReasonLifetime),
	}
}

func subjectCases() []tokenCase {
	sub := func(id, name string, value any, want exchange.Reason) tokenCase {
		c := oneClaim(id, name, "sub", value, want)
		if text, ok := value.(string); ok && want == accepted {
			c.sub = text
		}
		return c
	}
	payload := func(id, name string, want exchange.Reason, change func(string) string) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return e.withPayload(change) })
	}
	const known = `"auth0|507f1f77bcf86cd799439011"`
	return []tokenCase{
		sub("161", "sub missing", nil, exchange.ReasonClaim),
		sub("162", "sub empty", "", exchange.ReasonSubject),
		sub("163", "sub null", null, exchange.ReasonClaim),
		sub("164", "sub number", 5, exchange.ReasonClaim),
		sub("165", "sub object", m{"id": "auth0|x"}, exchange.ReasonClaim),
		sub("166", "sub array", []string{"auth0|x"}, exchange.ReasonClaim),
		sub("167", "sub with NUL", "auth0|a\x00b", exchange.ReasonSubject),
		sub("168", "sub with newline", "auth0|a\nb", exchange.ReasonSubject),
		sub("168b", "sub with a C1 control character", "auth0|a\u0085b", exchange.ReasonSubject),
		sub("169", "sub 100 KB", "auth0|"+strings.Repeat("a", 100_000), exchange.ReasonTooLong),
		sub("169b", "sub 256 bytes", "auth0|"+strings.Repeat("a", 250), exchange.ReasonSubject),
		sub("169c", "sub 255 bytes", "auth0|"+strings.Repeat("a", 249), accepted),
		sub("170", "sub trailing space", "auth0|a ", exchange.ReasonSubject),
		sub("170b", "sub leading space", " auth0|a", exchange.ReasonSubject),
		sub("171", "sub unicode confusable (cyrillic a)", "аuth0|507f1f77bcf86cd799439011", accepted),
		sub("172", "sub NFD", "auth0|e\u0301", accepted),
		sub("172b", "sub NFC", "auth0|\u00e9", accepted),
		payload("173", "sub lone surrogate escape", exchange.ReasonPayloadJSON, swap(known, `"auth0|\ud800"`)),
		payload("173b", "sub low surrogate first", exchange.ReasonPayloadJSON, swap(known, `"auth0|\udc00\ud800"`)),
		payload("174", "sub invalid UTF-8 bytes", exchange.ReasonPayloadJSON, swap(known, "\"auth0|\xff\xfe\"")),
		sub("175", "sub FQL injection text", `auth0|") { User.all().forEach(.delete()) } ${x} #{y} '`, accepted),
		sub("176", "sub without provider pipe", "507f1f77bcf86cd799439011", exchange.ReasonSubject),
		sub("176b", "sub without id", "auth0|", exchange.ReasonSubject),
		sub("176c", "sub without provider", "|507f1f77bcf86cd799439011", exchange.ReasonSubject),
		sub("176d", "sub with two pipes", "samlp|acme|Ada Lovelace+x=@/y", accepted),
		payload("177", "duplicate sub (attacker, victim)", exchange.ReasonName, back(`"sub":"auth0|victim"`)),
		payload("177b", "duplicate sub spelt with an escape", exchange.ReasonName, back(`"s\u0075b":"auth0|victim"`)),
		payload("178", "case variant SUB after sub", exchange.ReasonName, back(`"SUB":"auth0|victim"`)),
		payload("178b", "case variant Sub before sub", exchange.ReasonName, front(`"Sub":"auth0|victim"`)),
		claimsCase("179", "case variant Aud after foreign aud", func(*caseEnv) m {
			return m{"aud": "https://other.example", "Aud": ours}
		}, exchange.ReasonName),
		payload("180", "long-s key ſub (U+017F) after sub", exchange.ReasonName, back(`"ſub":"auth0|victim"`)),
		payload("180b", "long-s key ſub spelt with an escape", exchange.ReasonName, back(`"\u017Fub":"auth0|victim"`)),
		payload("181", "duplicate aud", exchange.ReasonName, back(`"aud":"https://other.example"`)),
		payload("181b", "duplicate name inside a custom claim", exchange.ReasonName, back(`"x":[{"a":1,"a":2}]`)),
	}
}

func payloadCases() []tokenCase {
	payload := func(id, name string, want exchange.Reason, change func(string) string) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return e.withPayload(change) })
	}
	return []tokenCase{
		payload("182", "payload array", exchange.ReasonPayloadJSON, func(p string) string { return "[" + p + "]" }),
		payload("183", "payload null", exchange.ReasonPayloadJSON, func(string) string { return "null" }),
		payload("184", "payload string", exchange.ReasonPayloadJSON, func(string) string { return `"auth0|x"` }),
		payload("185", "payload trailing garbage", exchange.ReasonPayloadJSON, func(p string) string { return p + "}" }),
		payload("186", "payload UTF-8 BOM", exchange.ReasonPayloadJSON, func(p string) string { return "\ufeff" + p }),
		payload("187", "payload UTF-16", exchange.ReasonPayloadJSON, utf16),
		payload("188", "payload NaN number", exchange.ReasonPayloadJSON, back(`"n":NaN`)),
		payload("188b", "payload leading zero", exchange.ReasonPayloadJSON, back(`"n":01`)),
		payload("188c", "payload comma before the end", exchange.ReasonPayloadJSON, func(p string) string { return p[:len(p)-1] + ",}" }),
		payload("188d", "payload comment", exchange.ReasonPayloadJSON, back(`/**/"n":1`)),
		payload("189", "payload deep nesting 20k", exchange.ReasonTooLong, back(`"x":`+nested(20_000))),
		payload("189b", "payload nested 33 deep", exchange.ReasonPayloadJSON, back(`"x":`+nested(32))),
		payload("189c", "payload nested 32 deep", accepted, back(`"x":`+nested(31))),
		payload("190", "payload 64 KB custom claim", exchange.ReasonTooLong, back(`"x":"`+strings.Repeat("x", 64<<10)+`"`)),
		payload("191", "payload 2 MB", exchange.ReasonTooLong, back(`"x":"`+strings.Repeat("x", 2<<20)+`"`)),
		payload("191b", "payload with white space and escapes", accepted, func(p string) string {
			return "\t{ " + strings.ReplaceAll(swap(`"sub"`, `"\u0073ub"`)(p[1:]), `":`, "\" :\n") + "\r\n "
		}),
	}
}

func kindCases() []tokenCase {
	claims := func(id, name string, extra m, want exchange.Reason) tokenCase {
		return claimsCase(id, name, func(*caseEnv) m { return extra }, want)
	}
	strict := func(id, name string, extra m, want exchange.Reason) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return e.fromStrict("RS256", extra) })
	}
	return []tokenCase{
		claims("192", "ID token (aud=client_id, nonce)", m{"aud": "spa", "nonce": "n", "sid": "s"}, exchange.ReasonAudience),
		claims("193", "ID token whose aud equals ours, nonce", m{"aud": ours, "nonce": "n"}, exchange.ReasonIDToken),
		claims("193b", "ID token whose aud equals ours, at_hash", m{"aud": ours, "at_hash": "h"}, exchange.ReasonIDToken),
		claims("193c", "ID token whose aud equals ours, nonce null", m{"aud": ours, "nonce": raw("null")}, exchange.ReasonIDToken),
		claims("194", "logout token (events, sid) typ JWT, aud=ours", m{"aud": ours, "sid": "s",
			"events": m{"http://schemas.openid.net/event/backchannel-logout": m{}}}, exchange.ReasonLogoutToken),
		claims("195", "M2M token sub xxx@clients gty client-credentials", m{"sub": "abc@clients", "azp": "abc",
			"gty": "client-credentials"}, exchange.ReasonMachine),
		claims("195b", "M2M token by its gty alone", m{"gty": "client-credentials"}, exchange.ReasonMachine),
		claims("195c", "M2M token by its sub alone", m{"sub": "abc@clients", "azp": "abc"}, exchange.ReasonMachine),
		claims("195d", "user token of the password grant", m{"gty": "password"}, accepted),
		claims("196", "M2M RFC9068: sub==client_id, no gty", m{"sub": "abc", "client_id": "abc", "azp": nil}, exchange.ReasonMachine),
		claims("196b", "sub==azp with a pipe", m{"sub": "agent|abc", "azp": "agent|abc"}, exchange.ReasonMachine),
		claims("196c", "azp and client_id differ", m{"azp": "spa", "client_id": "abc"}, exchange.ReasonClaim),
		claims("197", "agent token sub agt_ sub_profile ai_agent", m{"sub": "agt_1", "sub_profile": "ai_agent"}, exchange.ReasonMachine),
		claims("197b", "sub_profile user", m{"sub_profile": "user"}, accepted),
		claims("198", "anonymous session token sub anon@", m{"sub": "anon@5c9f3a52-16a9-4a4c-8b5a-000000000000"}, exchange.ReasonAnonymous),
		claims("199", "token with act (delegated)", m{"act": m{"sub": "agent"}}, exchange.ReasonActor),
		strict("199b", "act of an allowed actor", m{"act": m{"sub": "agent"}}, accepted),
		strict("199c", "act of another actor", m{"act": m{"sub": "other", "act": m{"sub": "agent"}}}, exchange.ReasonActor),
		strict("199d", "act without sub", m{"act": m{}}, exchange.ReasonClaim),
		strict("199e", "act with an empty sub", m{"act": m{"sub": ""}}, exchange.ReasonClaim),
		strict("199f", "act is a string", m{"act": "agent"}, exchange.ReasonClaim),
		claims("200", "DPoP-bound token cnf.jkt as Bearer", m{"cnf": m{"jkt": "x"}}, exchange.ReasonSenderConstrained),
		claims("201", "mTLS-bound token cnf.x5t#S256 w/o mTLS", m{"cnf": m{"x5t#S256": "x"}}, exchange.ReasonSenderConstrained),
		strict("202", "org_id not in allowlist", m{"org_id": "org_2"}, exchange.ReasonOrganization),
		strict("202b", "org_id absent", m{"org_id": nil}, exchange.ReasonOrganization),
		strict("202c", "org_id in allowlist", nil, accepted),
		strict("202d", "client not in allowlist", m{"azp": "other"}, exchange.ReasonClient),
		strict("202e", "client absent", m{"azp": nil}, exchange.ReasonClient),
		strict("202f", "client in client_id", m{"azp": nil, "client_id": "spa"}, accepted),
		strict("202g", "a required claim absent", m{namespac + "roles": nil}, exchange.ReasonClaimRequired),
		claims("203", "scope as array", m{"scope": []string{"openid"}}, exchange.ReasonClaim),
		claims("204", "permissions as string", m{"permissions": "todo:write"}, exchange.ReasonClaim),
		claims("204b", "permissions as array", m{"permissions": []string{"todo:write"}}, accepted),
		strict("246", "scope lacks the required scope", m{"scope": "openid todo:read fauna:login2"}, exchange.ReasonScope),
		strict("246b", "no scope", m{"scope": nil}, exchange.ReasonScope),
	}
}

func keySetCases() []tokenCase {
	by := func(id, name, kid string, want exchange.Reason, key func(*testKeys) any) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return e.withHeader(m{"kid": kid}, key(keys())) })
	}
	enc := func(k *testKeys) any { return k.enc }
	signedFor := func(id, name string, issuer func(*caseEnv) string, want exchange.Reason, key func(*testKeys) any) tokenCase {
		return tokenOf(id, name, want, func(e *caseEnv) string { return sign(goodHeader, e.claims(issuer(e), nil), key(keys())) })
	}
	mainIssuer, otherIssuer := func(e *caseEnv) string { return e.main }, func(e *caseEnv) string { return e.other }
	es256 := func(id, name string, sig []byte) tokenCase {
		return tokenOf(id, name, exchange.ReasonAlgorithm, func(e *caseEnv) string {
			h, p, _ := parts(e.withHeader(m{"alg": "ES256", "kid": "ec"}, keys().ec))
			return join(h, p, b64.EncodeToString(sig))
		})
	}
	return []tokenCase{
		by("205", "1024-bit RSA key in JWKS", "weak", exchange.ReasonKeyUnusable, func(k *testKeys) any { return k.weak }),
		signedFor("215", "token of tenant B, same kid in B's JWKS", otherIssuer, accepted, func(k *testKeys) any { return k.other }),
		signedFor("216", "iss A, signed by B's key of that kid", mainIssuer, exchange.ReasonSignature, func(k *testKeys) any { return k.other }),
		signedFor("216b", "iss B, signed by A's key of that kid", otherIssuer, exchange.ReasonSignature, func(k *testKeys) any { return k.k1 }),
		signedFor("217", "issuer not configured", func(*caseEnv) string { return "https://evil.example/" }, exchange.ReasonIssuer, func(k *testKeys) any { return k.attacker }),
		by("225", "JWKS key without alg and use", "k2", accepted, func(k *testKeys) any { return k.k2 }),
		by("226", "JWKS with duplicate kid, signed by the first", "dup", exchange.ReasonKeyUnusable, func(k *testKeys) any { return k.attacker }),
		by("226b", "JWKS with duplicate kid, signed by the second", "dup", exchange.ReasonKeyUnusable, func(k *testKeys) any { return k.other }),
		tokenOf("227", "JWKS with oct key, token HS256 with it", exchange.ReasonAlgorithm, func(e *caseEnv) string {
			return e.withHeader(m{"alg": "HS256", "kid": "oct"}, keys().oct)
		}),
		by("227b", "RS256 header, kid of oct key", "oct", exchange.ReasonKeyUnusable, enc),
		tokenOf("228", "JWKS RSA e=1, forged without a key", exchange.ReasonKeyUnusable, func(e *caseEnv) string {
			h, p, _ := parts(e.withHeader(m{"kid": "e1"}, keys().enc))
			return join(h, p, b64.EncodeToString(pkcs1(h+"."+p, 256)))
		}),
		by("228b", "JWKS RSA even e", "even", exchange.ReasonKeyUnusable, enc),
		by("228c", "JWKS RSA e=3", "e3", exchange.ReasonKeyUnusable, func(k *testKeys) any { return k.e3 }),
		by("228d", "JWKS RSA n 16384 bits", "huge", exchange.ReasonKeyUnusable, enc),
		by("229", "x5c in JWKS not matching n", "cert", exchange.ReasonKeyUnusable, enc),
		es256("231", "ES256 r=s=0", make([]byte, 64)),
		es256("231b", "ES256 63 bytes", bytes.Repeat([]byte{1}, 63)),
		tokenOf("235", "exp in 0 s", exchange.ReasonExpired, func(e *caseEnv) string { return e.withClaims(m{"exp": e.in(0)}) }),
		tokenOf("236", "exp in 30 days", accepted, func(e *caseEnv) string {
			return e.withClaims(m{"iat": e.in(0), "exp": e.in(int64((720 * time.Hour).Seconds()))})
		}),
	}
}

// pkcs1 is the EMSA-PKCS1-v1_5 encoding of a message, which is its own signature when the
// public exponent is 1 (RFC 8017 §9.2).
func pkcs1(message string, size int) []byte {
	sum := sha256.Sum256([]byte(message))
	prefix := []byte{0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, 0x04, 0x20}
	digest := append(prefix, sum[:]...)
	block := append([]byte{0, 1}, bytes.Repeat([]byte{0xff}, size-len(digest)-3)...)
	return append(append(block, 0), digest...)
}
