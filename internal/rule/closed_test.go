package rule

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/rule/outline"
)

// A field whose values are all known takes no other one, wherever a value may stand;
// a field that only offers some takes any.
func TestAClosedFieldTakesItsOwnValuesAlone(t *testing.T) {
	known := []outline.Choice{{Value: "active"}, {Value: "on_hold"}, {Value: "bankruptcy"}}
	v, err := NewVocabulary(Field{Name: "loan.status", Kind: Text, Column: "l.status", Known: known, Closed: true}, Field{Name: "loan.kind", Kind: Text, Column: "l.kind", Known: known})
	if err != nil {
		t.Fatal(err)
	}
	for text, mend := range map[string]string{
		`loan.status != "bankrupcy"`:                         `line 1, column 16: loan.status has no such value; did you mean "bankruptcy"?`,
		`loan.status in ["active", "onhold"]`:                `line 1, column 27: loan.status has no such value; did you mean "on_hold"?`,
		`"Active" == loan.status`:                            `line 1, column 1: loan.status has no such value; did you mean "active"?`,
		`loan.status == "x"`:                                 `line 1, column 16: loan.status has no such value; it is one of active, on_hold, bankruptcy`,
		`loan.status.startsWith("bancruptcy")`:               `line 1, column 24: loan.status has no such value; did you mean "bankruptcy"?`,
		`loan.status == "` + strings.Repeat("a", 4000) + `"`: `line 1, column 16: loan.status has no such value; it is one of active, on_hold, bankruptcy`,
	} {
		_, err := v.Compile(text)
		if err == nil || fault.As(err).Fields[0].Mend != mend {
			t.Errorf("%.60s: %v", text, fault.As(err))
		}
	}
	for _, text := range []string{`loan.status in ["active", "on_hold"]`, `loan.status.startsWith("bank")`, `loan.kind != "bankrupcy"`, `loan.kind.startsWith("z")`} {
		if _, err := v.Compile(text); err != nil {
			t.Errorf("%s: %v", text, err)
		}
	}
	if _, err := NewVocabulary(Field{Name: "loan.status", Kind: Text, Column: "l.status", Closed: true}); err == nil {
		t.Error("a closed field without values")
	}
}
