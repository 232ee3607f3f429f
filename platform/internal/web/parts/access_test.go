package parts

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestATreeCountsAndSumsItsBoxes(t *testing.T) {
	got := text(t, TriState(storyScreens()))
	for _, want := range []string{"3 of 7", "2 of 5", "2 of 2", "Gains 1, loses 1", "+ added", "− removed", "Not yours to grant", `name="ui" value="loan.view"`, `data-was="on"`} {
		if !strings.Contains(got, want) {
			t.Errorf("the tree does not say %q", want)
		}
	}
	// A locked box cannot be ticked, and what it holds is posted all the same.
	if !strings.Contains(got, `<input type="hidden" name="ui" value="role.edit">`) {
		t.Error("a locked permission would be lost when the form is saved")
	}
	if got := text(t, TriState(storyAPI())); strings.Contains(got, `<input type="hidden" name="api"`) || !strings.Contains(got, "not in API") || !strings.Contains(got, "GET /<wbr>loans/<wbr>{id}") {
		t.Error("the tree of the API: a locked box that is not held is posted, or an operation that the API lacks is not said so")
	}
	if got := text(t, TriState(Permissions{ID: "x", Label: "permissions"})); !strings.Contains(got, "No permissions here") {
		t.Errorf("an empty tree: %s", got)
	}
	for _, c := range []struct {
		gains, loses int
		want         string
	}{{0, 0, "No changes yet"}, {2, 1, "Gains 2, loses 1"}, {0, 1200, "Gains 0, loses 1,200"}} {
		if got := PermissionSum(c.gains, c.loses); got != c.want {
			t.Errorf("%d and %d read %q", c.gains, c.loses, got)
		}
	}
}

func TestLinesSayWhatBecameOfEach(t *testing.T) {
	got := Lines("a\nb\nc\nd\ne\nf\n", "a\nb\nX\nd\ne\nf\ng\n", 1)
	want := []Line{
		{Change: Gap, Left: 1}, {Stays, 2, 2, "b", 0}, {Removed, 3, 0, "c", 0}, {Added, 0, 3, "X", 0}, {Stays, 4, 4, "d", 0},
		{Change: Gap, Left: 1}, {Stays, 6, 6, "f", 0}, {Added, 0, 7, "g", 0},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := Lines("same", "same", 3); got != nil {
		t.Errorf("equal texts differ in %v", got)
	}
	shown := text(t, DiffText(TextDiff{Label: "agent.yaml", Lines: got}))
	for _, word := range []string{"2 lines added, 1 removed", "added: ", "removed: ", "1 line as before"} {
		if !strings.Contains(shown, word) {
			t.Errorf("the difference does not say %q", word)
		}
	}
}

// Whatever was changed: the lines that stay or go are the text before, those that
// stay or come the text after, each under its number.
func TestLinesRebuildBothTexts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		one := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "c", "", "- x"}), 0, 12)
		a, b := one.Draw(t, "before"), one.Draw(t, "after")
		var x, y []string
		for _, l := range Lines(strings.Join(a, "\n")+"\n", strings.Join(b, "\n")+"\n", 100) {
			if l.Change != Added {
				x = append(x, l.Text)
				if l.Before != len(x) {
					t.Fatalf("line %d before is numbered %d", len(x), l.Before)
				}
			}
			if l.Change != Removed {
				y = append(y, l.Text)
				if l.After != len(y) {
					t.Fatalf("line %d after is numbered %d", len(y), l.After)
				}
			}
		}
		if strings.Join(a, "\n") == strings.Join(b, "\n") {
			return // nothing is shown
		}
		if len(a) > 0 && !cmp.Equal(x, a) || len(b) > 0 && !cmp.Equal(y, b) {
			t.Fatalf("%q and %q came back as %q and %q", a, b, x, y)
		}
	})
}

func TestVeryLongTextsAreComparedAllTheSame(t *testing.T) {
	many := func(word string) string { return strings.Repeat(word+"\n", mostLines+1) }
	got := Lines("head\n"+many("a")+"tail\n", "head\n"+many("b")+"tail\n", 1)
	if len(got) != 2*(mostLines+1)+2 || got[0].Text != "head" || got[1].Change != Removed || got[len(got)-2].Change != Added {
		t.Errorf("%d lines, from %v to %v", len(got), got[0], got[len(got)-1])
	}
}

func TestAListThatChangedSaysWithSignsAndWords(t *testing.T) {
	got := text(t, DiffLists("x", []ListChange{{Field: "Screens", Added: []string{"<b>"}, Removed: []string{"Log payment"}, Kept: 3214}}))
	for _, want := range []string{">+<", "added: ", "&lt;b&gt;", ">−<", "removed: ", "1 added, 1 removed, 3,214 kept"} {
		if !strings.Contains(got, want) {
			t.Errorf("the list does not say %q: %s", want, got)
		}
	}
}

func TestADenialLeadsToWhyAndToTheRequest(t *testing.T) {
	d := Denial{DecisionID: "dc_1&x", Why: WhyHref("dc_1&x"), Request: RequestHref("dc_1&x")}
	got := text(t, Denied(d))
	for _, want := range []string{`href="/settings/explain?decision=dc_1%26x"`, `href="/access/request?decision=dc_1%26x"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	d.Asked = "Requested 2 h ago"
	if got := text(t, Denied(d)); strings.Contains(got, "/access/request") || !strings.Contains(got, "Requested 2 h ago") {
		t.Error("who has asked is offered to ask again")
	}
}

func TestAButtonThatOneLacksTheRightForPressesNothing(t *testing.T) {
	got := text(t, Press(Button{Label: "Log payment", Action: "/payments", Name: "x", Value: "y", Href: "/loans", Needs: "Log payment", Request: "/access/request?decision=1"}))
	for _, never := range []string{"formaction", `type="submit"`, `href="/loans"`, `name="x"`} {
		if strings.Contains(got, never) {
			t.Errorf("it could be pressed: %s", got)
		}
	}
	for _, want := range []string{`aria-disabled="true"`, "Needs: Log payment", `href="/access/request?decision=1"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestTheTraceSaysEachLayerInAWord(t *testing.T) {
	got := text(t, Explained(storyTraceOf()))
	for _, want := range []string{"Passed", "Refused", "Not decisive", "Smallest change that would allow it:"} {
		if !strings.Contains(got, want) {
			t.Errorf("the trace does not say %q", want)
		}
	}
}

func TestStepUpAsksForWhatThePersonHas(t *testing.T) {
	code := text(t, StepUpForm(StepUp{Back: "/roles/1", Code: true, Recovery: "/r"}))
	for _, want := range []string{`action="/step-up"`, `name="back" value="/roles/1"`, `autocomplete="one-time-code"`, `href="/r"`} {
		if !strings.Contains(code, want) {
			t.Errorf("no %s in %s", want, code)
		}
	}
	if strings.Contains(code, `type="password"`) || strings.Contains(code, "data-passkey=") {
		t.Error("a person with an authenticator is asked for more")
	}
	if got := text(t, StepUpForm(StepUp{Password: true})); !strings.Contains(got, `type="password"`) || strings.Contains(got, `name="code"`) {
		t.Errorf("a person with an exception: %s", got)
	}
	// Without script a passkey that was not used must not be posted.
	if got := text(t, PasskeyButton(Passkey{Form: "f"})); !strings.Contains(got, `name="passkey" form="f" disabled`) {
		t.Errorf("the field of the passkey: %s", got)
	}
}

func TestTheSecondQuestionCarriesWhatWasAsked(t *testing.T) {
	got := text(t, AskedAgain(storyUnderstood()))
	for _, want := range []string{`name="name" value="Denver office"`, `name="understood"`, `value="yes"`, "Save all the same", "would lock you out"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
}

func TestRequestsShowTheFirstChangesAndWhoMayAct(t *testing.T) {
	got := text(t, Requests("Waiting", storyRequests(), Empty{}))
	for _, want := range []string{"and 1 more", "becomes", "You asked for this", `formaction="/access/inbox/1/approve"`, "role/third-party-servicer"} {
		if !strings.Contains(got, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if n := strings.Count(got, "<form"); n != 1 {
		t.Errorf("%d requests can be acted on, want 1", n)
	}
	if got := text(t, Requests("Waiting", nil, Empty{Title: "Nothing waits"})); !strings.Contains(got, "Nothing waits") {
		t.Error("an empty inbox says nothing")
	}
}

func TestABannerSaysWhenItEndsAlsoWithoutScript(t *testing.T) {
	got := text(t, Banners([]Banner{ViewingAs("Sam Ortiz", "Agent", "/end"), WayBack("Undone unless kept.", storyUntil(10), Act{Verb: "Keep it", Action: "/keep", Hidden: []Hidden{{"set", "1"}}})}))
	for _, want := range []string{"You are viewing as Sam Ortiz (Agent)", `action="/end"`, "2026-11-22 14:12", `data-seconds="600"`, `name="set" value="1"`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in %s", want, got)
		}
	}
	if text(t, Banners(nil)) != "" {
		t.Error("a page on which nothing unusual holds has a banner")
	}
}

func TestASecretIsShownWithAWayToKeepIt(t *testing.T) {
	got := text(t, Revealed(storyCodes())) + text(t, QRCode(storyQR()))
	for _, want := range []string{"7k2m-qx9d", `data-copy="story-codes"`, "I have stored them", `viewBox="-4 -4 37 37"`, "JBSW Y3DP"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
}
