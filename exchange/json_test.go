package exchange

import (
	"encoding/json"
	"fmt"
	"math/big"
	"strings"
	"testing"
)

func TestJSONRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"nothing": "", "space": " ", "array": "[]", "string": `"a"`, "null": "null", "number": "1",
		"open": "{", "open member": `{"a"`, "open value": `{"a":`, "open string": `{"a":"`, "open escape": `{"a":"\`,
		"open array": `{"a":[`, "open hex": `{"a":"\u12`, "no colon": `{"a" 1}`, "no comma": `{"a":1 "b":2}`, "two values": `{"a":1 2}`,
		"last comma": `{"a":1,}`, "array comma": `{"a":[1,]}`, "only comma": `{,}`, "bare name": `{a:1}`, "single quotes": `{'a':1}`,
		"behind": `{} {}`, "garbage": `{}x`, "bom": "\ufeff{}", "bom inside": "{\ufeff}", "nbsp": "{\u00a0}", "form feed": "{\f}", "nul": "{\x00}", "nul behind": "{}\x00",
		"comment": `{/* */}`, "line comment": "{//\n}", "NaN": `{"a":NaN}`, "Infinity": `{"a":Infinity}`, "True": `{"a":True}`, "truex": `{"a":truex}`, "nul literal": `{"a":nul}`,
		"plus": `{"a":+1}`, "leading zero": `{"a":01}`, "minus leading zero": `{"a":-01}`, "minus": `{"a":-}`, "point first": `{"a":.5}`, "point last": `{"a":1.}`,
		"bare e": `{"a":1e}`, "e sign": `{"a":1e+}`, "hex number": `{"a":0x1}`, "two points": `{"a":1.2.3}`, "letter in number": `{"a":1a}`,
		"control": "{\"a\":\"\n\"}", "control name": "{\"\t\":1}", "control behind escape": "{\"a\":\"\\n\x01\"}", "escape x": `{"a":"\x41"}`, "escape U": `{"a":"\U0041"}`, "escape '": `{"a":"\'"}`,
		"short hex": `{"a":"\u12"}`, "bad hex": `{"a":"\u12g4"}`, "plus hex": `{"a":"\u+123"}`,
		"high alone": `{"a":"\ud800"}`, "low alone": `{"a":"\udc00"}`, "low high": `{"a":"\udc00\ud800"}`, "high high": `{"a":"\ud800\ud800"}`, "high then char": `{"a":"\ud800x"}`,
		"high then escape": `{"a":"\ud800\n"}`, "surrogate in name": `{"\ud800":1}`,
		"utf8 bad": "{\"a\":\"\xff\"}", "utf8 overlong": "{\"a\":\"\xc0\xaf\"}", "utf8 surrogate": "{\"a\":\"\xed\xa0\x80\"}", "utf8 cut": "{\"a\":\"\xc3\"}", "latin1 name": "{\"\xe9\":1}",
		"twice": `{"a":1,"a":1}`, "twice escaped": `{"a":1,"\u0061":2}`, "twice empty": `{"":1,"":2}`, "twice within": `{"x":{"a":1,"a":2}}`, "twice in array": `{"x":[[{"a":1,"b":2,"a":3}]]}`,
		"twice surrogate pair": `{"😀":1,"\ud83d\ude00":2}`, "too deep": `{"a":[[[[]]]]}`, "too deep object": `{"a":{"a":{"a":{"a":{}}}}}`,
	} {
		if _, err := parseJSON(src, 4); err == nil {
			t.Errorf("%s: %q accepted", name, src)
		}
	}
}

func TestJSONReads(t *testing.T) {
	const src = " {\n\"a\" : \"x\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\\uDE00é\" ,\t\"n\":[0,-0,1.5e+3,-12E-2,{}], \"o\":{\"t\":true,\"f\":false,\"n\":null,\"\":{}},\"A\":1 } \r\n"
	doc, err := parseJSON(src, 4)
	if err != nil {
		t.Fatal(err)
	}
	var want any
	if err := json.Unmarshal([]byte(src), &want); err != nil {
		t.Fatal(err)
	}
	if got := plain(doc, 0); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	if doc[0].next != len(doc) {
		t.Errorf("the root ends at %d of %d", doc[0].next, len(doc))
	}
	if at, found := doc.member(0, "a"); !found || doc[at].text != "x\"\\/\b\f\n\r\té😀é" {
		t.Errorf("member a is %q", doc[at].text)
	}
	if _, found := doc.member(0, "t"); found {
		t.Error("found a member of a member")
	}
}

// plain is the value as encoding/json has it.
func plain(doc jsonDoc, at int) any {
	switch node := doc[at]; node.kind {
	case jsonFalse, jsonTrue:
		return node.kind == jsonTrue
	case jsonString:
		return node.text
	case jsonNumber:
		var f float64
		_ = json.Unmarshal([]byte(node.text), &f)
		return f
	case jsonArray:
		list := []any{}
		for i := at + 1; i < node.next; i = doc[i].next {
			list = append(list, plain(doc, i))
		}
		return list
	case jsonObject:
		object := map[string]any{}
		for i := at + 1; i < node.next; i = doc[i].next {
			object[doc[i].name] = plain(doc, i)
		}
		return object
	}
	return nil
}

func TestJSONUniqueNamesOfLargeObjects(t *testing.T) {
	for _, n := range []int{1, 23, 24, 25, 26, 1000} {
		var members []string
		for i := range n {
			members = append(members, fmt.Sprintf(`"n%d":0`, i))
		}
		object := func() string { return "{" + strings.Join(members, ",") + "}" }
		if _, err := parseJSON(object(), 4); err != nil {
			t.Errorf("%d names: %v", n, err)
		}
		for _, again := range []int{0, n / 2, n - 1} {
			members = append(members[:n], fmt.Sprintf(`"n%d":0`, again))
			if _, err := parseJSON(object(), 4); err == nil {
				t.Errorf("%d names and number %d again: accepted", n, again)
			}
		}
	}
}

// The twins of a name are those that strings.EqualFold, so any Unicode-aware reader, takes
// for it.
func TestJSONTwins(t *testing.T) {
	for _, registered := range []map[string]string{registeredClaims, registeredHeaders} {
		for folded, name := range registered {
			if len(folded) > maxRegisteredName || strings.ToLower(name) != folded {
				t.Errorf("%q cannot be a registered name", name)
			}
			candidates := []string{strings.ToUpper(name), strings.ToUpper(name[:1]) + name[1:],
				strings.ReplaceAll(name, "s", "ſ"), strings.ReplaceAll(name, "k", "\u212a"), strings.ReplaceAll(strings.ToUpper(name), "S", "ſ")}
			for _, twin := range candidates {
				src := fmt.Sprintf(`{%q:1,%q:2}`, "other", twin)
				_, found := mustParse(t, src).twin(registered)
				if want := twin != name; found != want {
					t.Errorf("%q as a twin of %q: %v", twin, name, found)
				}
			}
			for _, no := range []string{name + "_", "_" + name, name + "\u0000", "https://example.com/" + name, strings.ReplaceAll(name, "i", "ı") + "ı"} {
				if _, found := mustParse(t, `{"`+strings.ReplaceAll(no, "\x00", `\u0000`)+`":1}`).twin(registered); found {
					t.Errorf("%q is no twin of %q", no, name)
				}
			}
		}
	}
	if _, found := mustParse(t, `{"x":{"SUB":1}}`).twin(registeredClaims); found {
		t.Error("a name inside a claim is no claim")
	}
}

func mustParse(t *testing.T, src string) jsonDoc {
	t.Helper()
	doc, err := parseJSON(src, 8)
	if err != nil {
		t.Fatalf("%s: %v", src, err)
	}
	return doc
}

// FuzzJSON holds the decoder against encoding/json: what it accepts, that accepts too and
// reads the same.
func FuzzJSON(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"],"b":{"c":{}}}`, `{"a":1,"a":2}`, `{"a":"\ud800"}`, "{\"a\":\"\xff\"}", `{"a":01}`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		doc, err := parseJSON(src, 32)
		if err != nil {
			return
		}
		var want any
		if err := json.Unmarshal([]byte(src), &want); err != nil {
			if strings.Contains(err.Error(), "cannot unmarshal number") {
				return // it fits no float64
			}
			t.Fatalf("%q: encoding/json: %v", src, err)
		}
		if got := plain(doc, 0); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%q:\ngot  %v\nwant %v", src, got, want)
		}
	})
}

func TestClaimsNumericDate(t *testing.T) {
	const outside = -1 << 62
	for number, want := range map[string]int64{
		"0": 0, "-0": 0, "0.0": 0, "0e99999999999": 0, "1": 1, "-1": -1, "1.9": 1, "-1.1": -2, "-1.0": -1, "-0.5": -1, "0.9": 0,
		"1e3": 1000, "1E+3": 1000, "1500e-3": 1, "-1500e-3": -2, "1.5e1": 15, "1.55e1": 15, "-1.55e1": -16, "0.00012e5": 12, "12e-3": 0, "-12e-3": -1, "1e-99999999999": 0, "-1e-99999999999": -1,
		"1795000000": 1795000000, "17950000.00e2": 1795000000, "1795000000.999999999999999999": 1795000000,
		"253402300799": maxNumericDate, "253402300799.9": maxNumericDate, "253402300800": outside, "-253402300799": -maxNumericDate, "-253402300799.5": outside,
		"999999999999": outside, "1000000000000": outside, "1e12": outside, "1e300": outside, "1e400": outside, "1e99999999999999999999": outside, "-1e400": outside,
		"9223372036854775807": outside, "9223372036854775808": outside, "18446744073709551616": outside, "18446744073709551617": outside,
		"0." + strings.Repeat("0", 5000) + "1e5001": 1, strings.Repeat("9", 5000) + "e-4998": 99,
	} {
		got, ok := numericDate(number)
		if want == outside {
			if ok {
				t.Errorf("%.40s: %d, want out of range", number, got)
			}
		} else if !ok || got != want {
			t.Errorf("%.40s: %d, %v, want %d", number, got, ok, want)
		}
	}
}

// FuzzNumericDate holds it against exact rationals.
func FuzzNumericDate(f *testing.F) {
	for _, seed := range []string{"0", "-1.5", "1795000000.5", "2e9", "25340230079.99e1", "-12e-3"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, number string) {
		if doc, err := parseJSON(`{"n":`+number+`}`, 1); err != nil || doc[1].kind != jsonNumber || len(number) > 40 {
			return
		}
		if i := strings.IndexAny(number, "eE"); i >= 0 && len(number)-i > 5 {
			return // big.Rat would take for ever
		}
		number = strings.TrimSpace(number)
		exact, ok := new(big.Rat).SetString(number)
		if !ok {
			t.Fatalf("%q is no number to big.Rat", number)
		}
		floor := new(big.Int).Div(exact.Num(), exact.Denom()) // Euclidean: floor, the denominator being positive
		limit := big.NewInt(maxNumericDate)
		got, inRange := numericDate(number)
		if want := floor.CmpAbs(limit) <= 0; inRange != want || want && got != floor.Int64() {
			t.Fatalf("%s: %d, %v; exactly %v", number, got, inRange, floor)
		}
	})
}
