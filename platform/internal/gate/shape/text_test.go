package shape_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/platform/internal/gate/shape"
)

type person struct {
	First  string            `json:"first_name"`
	Last   string            `json:"last_name"`
	Phone  string            `json:"phone"`
	Postal string            `json:"postal_code"`
	Note   *string           `json:"note"`
	Boxes  []string          `json:"boxes"`
	Custom map[string]string `json:"custom"`
	Told   []fact            `json:"told"`
	Table  string            `json:"table" guard:"cells"`
}

type fact struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// checked gives the fields that are refused for a card number, and what the trail
// is told of it.
func checked(t *testing.T, in person) (fields []string, told map[string]string) {
	t.Helper()
	texts, err := shape.PlanTexts(reflect.TypeFor[person]())
	if err != nil {
		t.Fatal(err)
	}
	err = texts.Check(&in)
	if err == nil {
		return nil, nil
	}
	f := fault.As(err)
	if f.Kind != fault.Invalid || f.Reason != shape.CardNumber || strings.Contains(f.Error(), "1111") {
		t.Fatalf("%+v", f)
	}
	for _, field := range f.Fields {
		fields = append(fields, field.Path)
	}
	told = map[string]string{}
	shape.Incident(err, func(key, value string) { told[key] = value })
	return fields, told
}

func TestCardNumbersOverFieldsAreRefused(t *testing.T) {
	note := "4111 1111"
	for _, c := range []struct {
		in     person
		fields string
		sign   string
	}{
		{person{First: "Ann", Last: "4111-1111-1111-1111"}, "last_name", "**** 1111"},
		{person{First: "41111111", Last: "11111111"}, "first_name last_name", "****, ****"},
		{person{First: "4111111111", Last: "111111", Phone: "+1 212 555 0123"}, "first_name last_name", "****, ****"},
		{person{First: "Ann", Note: &note, Boxes: []string{"1111", "1111"}}, "note boxes[0] boxes[1]", "****, ****, ****"},
		{person{Boxes: strings.Split("4111111111111111", "")}, "", ""},
		{person{Custom: map[string]string{"a": "4111 1111", "b": "1111 1111"}}, "custom custom", "****, ****"},
		{person{Told: []fact{{"vip", "4111 1111"}, {"branch", "1111 1111"}}}, "told[0].value told[1].value", "****, ****"},
		{person{Note: ptr("%34%31%31%31%31%31%31%31%31%31%31%31%31%31%31%31")}, "note", "****"},
	} {
		fields, told := checked(t, c.in)
		if c.fields == "" && len(fields) == 16 {
			continue
		}
		if !slices.Equal(fields, strings.Fields(c.fields)) || told["card_number"] != c.sign || told["card_number_in"] != strings.Join(fields, ", ") {
			t.Errorf("%+v: refused in %q, told %q", c.in, fields, told)
		}
	}
}

func ptr(s string) *string { return &s }

// A telephone number beside a postal code is none, whatever their digits give
// together; a table is left to the desk that reads its cells.
func TestFieldsThatHoldWhatTheySayAreNoCard(t *testing.T) {
	for _, in := range []person{
		{First: "Ann", Last: "Lee", Phone: "4111111111", Postal: "111111"},
		{First: "4111111111", Phone: "2125550123", Postal: "10001"},
		{Table: "a,b\n4111111111111111,1\n"},
	} {
		if fields, _ := checked(t, in); fields != nil {
			t.Errorf("%+v: refused in %q", in, fields)
		}
	}
}
