package syntax

import (
	"strings"
	"testing"
)

// FuzzParse checks that no text makes the parser, the printer or the renderer panic, that spans
// lie in the text, and that what is printed parses and prints the same.
func FuzzParse(f *testing.F) {
	for _, c := range queries {
		f.Add(c.src)
	}
	for _, c := range queryErrors {
		f.Add(c.src)
	}
	for _, c := range schemas {
		f.Add(c.src)
	}
	for _, c := range schemaErrors {
		f.Add(c.src)
	}
	f.Add(exchangeQuery)
	f.Add(exchangeFunction)
	f.Fuzz(func(t *testing.T, src string) {
		fuzzQuery(t, src)
		fuzzSchema(t, src)
		if l, errs := ParseLambda(src); errs == nil {
			text := Print(l)
			again, errs := ParseLambda(text)
			if errs != nil || Print(again) != text {
				t.Errorf("%q prints as %q, then %v", src, text, errs)
			}
		}
	})
}

func fuzzQuery(t *testing.T, src string) {
	q, errs := ParseQuery(src)
	if errs != nil {
		checkError(t, src, errs)
		return
	}
	checkSpans(t, src, q)
	text := Print(q)
	again, errs := ParseQuery(text)
	if errs != nil {
		t.Fatalf("%q prints as\n%s", src, Render("*print*", text, errs[0]))
	}
	if twice := Print(again); twice != text {
		t.Errorf("%q prints as %q, then as %q", src, text, twice)
	}
	if !strings.Contains(dump(q), "(match") && dump(q) != dump(again) {
		t.Errorf("%q\n     %s\nprints as %q\n     %s", src, dump(q), text, dump(again))
	}
}

func fuzzSchema(t *testing.T, src string) {
	items, errs := ParseSchema(src)
	if errs != nil {
		checkError(t, src, errs)
		return
	}
	for _, d := range items {
		checkSpans(t, src, d)
	}
	checkPrintSchema(t, src)
}

func checkError(t *testing.T, src string, errs []*Error) {
	t.Helper()
	for _, e := range errs {
		for _, s := range []Span{e.Span, e.HintSpan} {
			if s.Start < 0 || s.Start > s.End || s.End > len(src) {
				t.Errorf("%q: span %v of %d bytes", e.Msg, s, len(src))
			}
		}
		out := Render("*query*", src, e)
		if !strings.HasPrefix(out, "error: ") || strings.ContainsAny(out, "\x00\x1b\r\t") {
			t.Errorf("rendered as %q", out)
		}
	}
}

// exchangeFunction is a function of the size that a schema typically has.
const exchangeFunction = `
// Issues a secret for a verified token.
@role(server)
function exchange(input: Any): Any {
  let now = Time.now()
  let denied = Deny.byValue(input.tenant, "jwt", input.hash).first() ??
    Deny.byValue(input.tenant, "user", input.sub).firstWhere(.before >= input.issued_at)
  if (denied != null) {
    abort({ code: "denied", id: denied!.id })
  } else {
    let found = User.byAuth0(input.tenant, input.sub).first()
    let user = if (found == null) {
      User.create({
        auth0_tenant: input.tenant,
        auth0_sub: input.sub,
        blocked: false,
        profile: input.profile
      })
    } else if (found!.profile != input.profile) {
      found!.update({ profile: input.profile })
    } else {
      found!
    }
    if (user.blocked) abort({ code: "blocked" })
    let session = auth0_jwt.byHash(input.hash).first() ?? auth0_jwt.create({
      user: user,
      tenant: input.tenant,
      scope: input.scope.split(" ").where(x => x != "" && !x.startsWith("internal:")),
      permissions: input.permissions ?? [],
      issued_at: Time.epoch(input.iat, "seconds"),
      expires_at: Time.epoch(input.exp, "seconds"),
      ttl: Time.epoch(input.exp, "seconds")
    })
    Token.byDocument(session).order(desc(.ts)).drop(19).forEach(.delete())
    let ttl = if (input.max_ttl < 3600) now.add(input.max_ttl, "seconds") else session.ttl
    let token = Token.create({ document: session, ttl: ttl, data: { by: "exchange #{input.tenant}" } })
    {
      secret: token.secret,
      session: session { id, user { id, name: .profile?.name } },
      seconds: (ttl!.difference(now, "seconds") * 1000 + 999) / 1000
    }
  }
}
`

func BenchmarkParse(b *testing.B) {
	b.SetBytes(int64(len(exchangeFunction)))
	b.ReportAllocs()
	for b.Loop() {
		if _, errs := ParseSchema(exchangeFunction); errs != nil {
			b.Fatal(Render("*fsl*", exchangeFunction, errs[0]))
		}
	}
}

func BenchmarkPrint(b *testing.B) {
	items, errs := ParseSchema(exchangeFunction)
	if errs != nil {
		b.Fatal(errs[0])
	}
	b.ReportAllocs()
	for b.Loop() {
		PrintSchema(items)
	}
}
