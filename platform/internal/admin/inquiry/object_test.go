package inquiry_test

import (
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/admin/inquiry"
	"github.com/lendkeep/lendkeep/platform/internal/gate/gatetest"
	"github.com/lendkeep/lendkeep/platform/internal/policy"
)

// An explanation speaks of the loan that is meant, by its id or by its number, and
// never lets anything pass that it has not looked at.
func TestAnExplanationKnowsWhatItSpeaksOf(t *testing.T) {
	each(t, func(t *testing.T, o *office) {
		o.Restrict(t, policy.Agent, policy.Restriction{Name: "New York", Visible: `borrower.state == "NY"`})
		ask := func(operation, object string) (*inquiry.ExplainOut, error) {
			return gatetest.Do(o.House, o.Explain, o.Key(policy.Admin), inquiry.ExplainIn{User: o.People[policy.Agent].ID, Operation: operation, Object: object})
		}
		for typed, sees := range map[string]bool{"LN-1": true, " LN-1 ": true, "loan/LN-1": true, string(o.lone): true, "loan/" + string(o.lone): true,
			"LN-2": false, "loan/LN-2": false, string(o.other): false, "loan/" + string(o.other): false} {
			out, err := ask("loan.look", typed)
			want := "loan/" + string(o.other)
			if sees {
				want = "loan/" + string(o.lone)
			}
			if err != nil || out.Allowed != sees || out.Object != want || layer(out, "row").Passed != sees || !strings.Contains(layer(out, "row").Why, "New York") {
				t.Errorf("%q: %+v, %v", typed, out, err)
			}
		}
		for typed, operation := range map[string]string{"loans/" + string(o.other): "loan.look", "borrower/bo_1": "loan.look", "loan/": "loan.look", "/": "loan.look", "loan/" + string(o.lone): "role.list", "LN-1": "role.view"} {
			_, err := ask(operation, typed)
			f := fault.As(err)
			if err == nil || f.Kind != fault.Invalid || f.Fields[0].Path != "object" || operation == "loan.look" && f.Fields[0].Mend != "Write loan/ln_… or a loan’s number." {
				t.Errorf("%s of %q: %v", operation, typed, err)
			}
		}
		out, err := ask("loan.look", "")
		for _, name := range []string{"row", "limit"} {
			if l := layer(out, name); err != nil || l.Passed || l.Reached || l.Why != "Not asked: name the loan." {
				t.Errorf("without a loan: %+v, %v", l, err)
			}
		}
		if out, err := ask("role.view", "role/ro_nowhere"); err != nil || layer(out, "row").Passed || layer(out, "row").Reached {
			t.Errorf("what restrictions do not speak of: %+v, %v", out, err)
		}
		// A number that the asker does not see tells no more than one that nobody has.
		o.Restrict(t, policy.Admin, policy.Restriction{Name: "Mine", Visible: `borrower.state == "NY"`})
		hidden, err := ask("loan.look", "LN-2")
		missing, err2 := ask("loan.look", "LN-9")
		if err != nil || err2 != nil || hidden.Allowed || missing.Allowed || layer(hidden, "row") != layer(missing, "row") || hidden.Object != "loan/LN-2" || missing.Object != "loan/LN-9" {
			t.Errorf("hidden and missing differ:\n%+v, %v\n%+v, %v", hidden, err, missing, err2)
		}
	})
}
