package exchange

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"
)

func testOutline() outline { return outline{"id": nil, "data": {"object": {"user_id": nil}}} }

func TestOutlineReads(t *testing.T) {
	const id = `{"id":"x","data":{"object":{"user_id":"a|b"}}}`
	for name, src := range map[string]string{
		"nothing else":                   id,
		"white space":                    " {\n\"id\" :\t\"x\" , \"data\" : { \"object\" : { \"user_id\" : \"a|b\" } } } \r\n",
		"escapes in names":               `{"i\u0064":"x","data":{"obj\u0065ct":{"user\u005fid":"a\u007cb"}}}`,
		"a lone surrogate":               swapped(id, `"id"`, `"x":"\ud800","id"`),
		"in a name":                      swapped(id, `"id"`, `"\udc00":1,"id"`),
		"behind a wanted name":           swapped(id, `"id"`, `"id\ud800":1,"id"`),
		"two, high and high":             swapped(id, `"id"`, `"x":"\ud800\ud800\n\udc00\ud800","id"`),
		"within":                         swapped(id, `"user_id"`, `"x":[{"\ud800":"\udfff"}],"user_id"`),
		"a name twice":                   swapped(id, `"id"`, `"x":1,"x":2,"id"`),
		"a name twice within":            swapped(id, `"user_id"`, `"x":{"a":1,"a":1},"x":1,"user_id"`),
		"wanted names elsewhere":         swapped(id, `"user_id"`, `"object":{"user_id":1},"id":2,"x":{"user_id":3,"user_id":4},"user_id"`),
		"other case":                     swapped(id, `"id"`, `"ID":1,"id"`),
		"empty objects and arrays":       swapped(id, `"id"`, `"a":{},"b":[],"c":[[],{},[{}]],"d":{"e":{ }, "f":[ ]},"id"`),
		"all kinds":                      swapped(id, `"id"`, `"a":[1,-2.5e3,true,false,null,"\"é\u00e9"],"id"`),
		"a number beyond all bounds":     swapped(id, `"id"`, `"a":1e999999999,"id"`),
		"arrays without end, nearly":     swapped(id, `"id"`, `"a":`+strings.Repeat("[", 1<<20)+strings.Repeat("]", 1<<20)+`,"id"`),
		"objects without end, nearly":    swapped(id, `"user_id"`, `"a":`+strings.Repeat(`{"a":`, 1<<18)+"0"+strings.Repeat("}", 1<<18)+`,"user_id"`),
		"thousands of names of one kind": swapped(id, `"id"`, strings.Repeat(`"a":0,`, 10_000)+`"id"`),
	} {
		doc, err := parseOutline(src, testOutline())
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, want := fmt.Sprint(plain(doc, 0)), "map[data:map[object:map[user_id:a|b]] id:x]"; got != want {
			t.Errorf("%s: %s, want %s", name, got, want)
		}
	}
}

// Where something else stands than what is wanted, it is told what.
func TestOutlineKinds(t *testing.T) {
	doc, err := parseOutline(`{"id":[{"user_id":1}],"data":{"object":"\ud800"}}`, testOutline())
	if err != nil {
		t.Fatal(err)
	}
	want := []jsonNode{{kind: jsonObject, next: 4}, {name: "id", kind: jsonArray, next: 2}, {name: "data", kind: jsonObject, next: 4}, {name: "object", text: "\ufffd", kind: jsonString, next: 4}}
	if !slices.Equal(doc, want) {
		t.Errorf("%+v, want %+v", doc, want)
	}
}

func TestOutlineRefuses(t *testing.T) {
	for name, src := range map[string]string{
		"nothing": "", "an array": "[]", "a string": `"a"`, "behind": `{} {}`, "not UTF-8": "{\"a\":\"\xff\"}",
		"wanted twice": `{"id":"x","id":"x"}`, "twice, escaped": `{"id":"x","\u0069d":"x"}`, "twice, far away": `{"id":1,"a":{"b":[]},"id":1}`,
		"data twice": `{"data":{"object":{"user_id":"a"}},"data":1}`, "user_id twice": `{"data":{"object":{"user_id":"a","x":1,"user_id":"a"}}}`,
		"wanted lone surrogate": `{"id":"\ud800"}`, "within": `{"data":{"object":{"user_id":"a\udc00b"}}}`,
		"open": `{"a":[`, "mixed brackets": `{"a":[}]}`, "mixed brackets too": `{"a":{]}}`, "too many": `{"a":[]]}`, "comma": `{"a":[,]}`, "last comma": `{"a":[1,]}`,
		"last comma in an object": `{"a":{"b":1,}}`, "no name": `{"a":{1}}`, "no colon": `{"a":{"b"}}`, "no value": `{"a":{"b":}}`, "no comma": `{"a":[1 2]}`,
		"bad escape": `{"a":"\x"}`, "bad hex": `{"a":"\ud800\uzzzz"}`, "cut hex": `{"a":"\ud800\u12`, "control": "{\"a\":\"\n\"}", "bad number": `{"a":01}`,
	} {
		if _, err := parseOutline(src, testOutline()); err == nil {
			t.Errorf("%s: %.80q accepted", name, src)
		}
	}
}

func swapped(s, old, new string) string { return strings.Replace(s, old, new, 1) }

// FuzzOutline: what is not read is what encoding/json takes for JSON, no more and no less.
func FuzzOutline(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":[1,-2.5e3,true,null,"\u00e9\ud83d\ude00"],"b":{"c":{}}}`, `{"a":1,"a":{"b":[]}}`, `{"a":"\ud800\ud800\udc00x"}`, "{\"a\":\"\xff\"}", `{"a":01}`, `{"a":[{]}`, `[]`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, src string) {
		if strings.Count(src, "[")+strings.Count(src, "{") > 10_000 {
			return // too deep for encoding/json, perhaps
		}
		doc, err := parseOutline(src, outline{})
		var object map[string]json.RawMessage
		want := utf8.ValidString(src) && json.Unmarshal([]byte(src), &object) == nil && object != nil
		if (err == nil) != want || err == nil && len(doc) != 1 {
			t.Errorf("%q: %v, %v", src, doc, err)
		}
	})
}
