package fault

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestKindsHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Internal; k <= Unavailable; k++ {
		if seen[k.String()] || k.String() == "" {
			t.Errorf("kind %d is called %q", k, k)
		}
		seen[k.String()] = true
	}
	if Kind(200).String() != "internal" || Kind(0) != Internal {
		t.Error("an unknown kind must count as internal")
	}
}

// An error that nobody classified shows nothing of itself.
func TestAForeignErrorIsInternal(t *testing.T) {
	e := As(fmt.Errorf("row 7: %w", io.ErrUnexpectedEOF))
	if e.Kind != Internal || strings.Contains(e.Message, "row") || len(e.Fields) != 0 {
		t.Errorf("%+v", e)
	}
	if !errors.Is(e, io.ErrUnexpectedEOF) || !strings.Contains(e.Error(), "row 7") {
		t.Error("the log loses the cause")
	}
	if As(nil) != nil || Is(nil, Internal) {
		t.Error("no error is a fault")
	}
	var typed *Error
	if e := As(typed); e == nil || e.Kind != Internal || Is(typed, Invalid) {
		t.Error("a nil fault in an error must be internal")
	}
}

func TestAFaultIsFoundInside(t *testing.T) {
	deep := Wrap(Conflict, "loan_closed", "The loan is closed.", io.EOF)
	err := fmt.Errorf("posting: %w", fmt.Errorf("ledger: %w", deep))
	if As(err) != deep || !Is(err, Conflict) || Is(err, Denied) || !errors.Is(err, io.EOF) {
		t.Errorf("%v", err)
	}
	for _, want := range []string{"conflict", "loan_closed", "The loan is closed.", "EOF"} {
		if !strings.Contains(deep.Error(), want) {
			t.Errorf("%q is not in %q", want, deep)
		}
	}
}

// The answer for a missing row fits a hidden one too, and tells nothing else.
func TestMissingFitsHidden(t *testing.T) {
	e := Missing("loan")
	want := &Error{Kind: NotFound, Reason: "not_found", Message: "There is no such loan, or it may not be seen."}
	if diff := cmp.Diff(want, e); diff != "" {
		t.Error(diff)
	}
}

func TestTheCollectorNamesAllFields(t *testing.T) {
	var c Collector
	if c.Err() != nil {
		t.Fatal("nothing gathered is an error")
	}
	c.Check(true, "fine", "is not shown")
	c.Check(false, "amount", "write an amount")
	c.Addf("term_months", "between %d and %d", 1, 360)
	c.Merge("applicant", nil)
	c.Merge("applicant", Bad("email", "write an address"))
	c.Merge("", Bad("note", "shorter, please"))
	c.Merge("file", &Error{Kind: Invalid, Message: "Unreadable.", Fields: []Field{{Mend: "send a PDF", Reason: "type"}}})
	c.Merge("rule", New(Invalid, "x", "The rule is wrong."))
	err := c.Err()
	want := []Field{
		{Path: "amount", Mend: "write an amount"}, {Path: "term_months", Mend: "between 1 and 360"}, {Path: "applicant.email", Mend: "write an address"},
		{Path: "note", Mend: "shorter, please"}, {Path: "file", Mend: "send a PDF", Reason: "type"}, {Path: "rule", Mend: "The rule is wrong."},
	}
	if diff := cmp.Diff(want, As(err).Fields); diff != "" || !Is(err, Invalid) {
		t.Error(diff)
	}
	raw, jsonErr := json.Marshal(As(err).Fields[4])
	if jsonErr != nil || string(raw) != `{"field":"file","message":"send a PDF","reason":"type"}` {
		t.Errorf("%s %v", raw, jsonErr)
	}
	for _, f := range want {
		if !strings.Contains(err.Error(), f.Path+": "+f.Mend) {
			t.Errorf("%s is not in %q", f.Path, err)
		}
	}
}
