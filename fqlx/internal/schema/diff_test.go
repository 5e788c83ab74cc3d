package schema

import "testing"

func TestDiff(t *testing.T) {
	old := mustLoad(t, `collection Gone {}
collection User {
  a: Int
  b: String
  index byA { terms [.a] }
  unique [.b]
}
function greet(name) { name }
role R {
  membership User
  privileges User { read }
}
role Same { privileges User { read } }
`)
	changed := mustLoad(t, `// a comment is no change
collection User {
  b: String?
  c: Int
  index byA { terms [.b] }
  index byC { terms [.c] }
  unique [.c]
  history_days 1
}
function greet(name) { "hi #{name}" }
@role(server) function fresh() { 1 }
role Same { // as before
  privileges User { read; } }
role R {
  privileges User { read; write }
}
`)
	const semantic = "* Removing collection `Gone` from main.fsl:1:12\n" +
		"* Modifying collection `User` at main.fsl:2:12:\n" +
		"  * Fields:\n" +
		"  ~ change field `b`\n" +
		"  + add field `c`\n" +
		"  - drop field `a`\n" +
		"  * Indexes:\n" +
		"  ~ change index `byA`\n" +
		"  + add index `byC`\n" +
		"  * Constraints:\n" +
		"  + add constraint `unique [.c]`\n" +
		"  - drop constraint `unique [.b]`\n" +
		"  * Settings:\n" +
		"  + add `history_days`\n" +
		"* Adding function `fresh` to main.fsl:11:24\n" +
		"* Modifying function `greet` at main.fsl:10:10:\n" +
		"  * Body:\n" +
		"  ~ change `body`\n" +
		"* Modifying role `R` at main.fsl:14:6:\n" +
		"  * Privileges:\n" +
		"  ~ change privileges `User`\n" +
		"  * Membership:\n" +
		"  - drop membership `User`\n"
	if got := Diff(old, changed, "semantic"); got != semantic {
		t.Errorf("semantic:\n%s\nwant:\n%s", got, semantic)
	}
	const summary = "* Removing collection `Gone` from main.fsl:1:12\n" +
		"* Modifying collection `User` at main.fsl:2:12\n" +
		"* Adding function `fresh` to main.fsl:11:24\n" +
		"* Modifying function `greet` at main.fsl:10:10\n" +
		"* Modifying role `R` at main.fsl:14:6\n"
	if got := Diff(old, changed, "summary"); got != summary {
		t.Errorf("summary:\n%s\nwant:\n%s", got, summary)
	}
	if got := Diff(changed, changed, "semantic"); got != "" {
		t.Errorf("nothing changes: %q", got)
	}
	if got := Diff(nil, mustLoad(t, "collection A {}"), "summary"); got != "* Adding collection `A` to main.fsl:1:12\n" {
		t.Errorf("from nothing: %q", got)
	}
}
