package api

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"context"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
)

func clock() time.Time       { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
func quietLog() *slog.Logger { return slog.New(slog.DiscardHandler) }

func documentOf(t *testing.T) (map[string]any, []byte) {
	t.Helper()
	g, err := gate.New(gate.Config{Now: clock, Log: quietLog()}, operations()...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Document(g.Catalogue(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	return doc, raw
}

// at follows names and indices into a document.
func at(t *testing.T, v any, path ...string) any {
	t.Helper()
	for i, name := range path {
		m, ok := v.(map[string]any)
		if !ok || m[name] == nil {
			t.Fatalf("the document has no %s", strings.Join(path[:i+1], " > "))
		}
		v = m[name]
	}
	return v
}

func TestDocumentSaysWhatTheAPITakes(t *testing.T) {
	doc, _ := documentOf(t)
	if at(t, doc, "openapi") != "3.1.0" || at(t, doc, "info", "version") != "1.2.3" {
		t.Errorf("%v", doc["info"])
	}
	pay := at(t, doc, "paths", "/loans/{id}/payments", "post")
	for name, want := range map[string]string{"operationId": "loan.payment.log", "x-kind": "write", "x-audit": "moved", "x-permission": "by_role", "x-sensitivity": "money"} {
		if at(t, pay, name) != want {
			t.Errorf("%s: %v", name, at(t, pay, name))
		}
	}
	responses := at(t, pay, "responses").(map[string]any)
	for _, status := range []string{"201", "400", "401", "403", "404", "409", "413", "415", "422", "429", "500", "503"} {
		if responses[status] == nil {
			t.Errorf("no answer %s", status)
		}
	}
	in := at(t, doc, "components", "schemas", "api.PaymentIn", "properties").(map[string]any)
	if in["id"] != nil || in["Loan"] != nil {
		t.Error("the path parameter stands in the body")
	}
	if at(t, in, "amount", "format") != "decimal" || at(t, in, "amount", "pattern") == "" || at(t, in, "on", "format") != "date" {
		t.Errorf("%v", in)
	}
	out := at(t, doc, "components", "schemas", "api.LoanViewOut", "properties")
	if at(t, out, "ssn", "type") != "string" || at(t, out, "notes", "type") != "array" || len(at(t, out, "due", "type").([]any)) != 2 {
		t.Errorf("%v", out)
	}
	if at(t, doc, "components", "schemas", "api.ApplyIn", "properties", "word", "writeOnly") != true {
		t.Error("a secret is not marked as one")
	}
	headers := 0
	for _, p := range at(t, pay, "parameters").([]any) {
		if at(t, p, "in") == "header" && at(t, p, "name") == "Idempotency-Key" {
			headers++
		}
	}
	if headers != 1 {
		t.Errorf("%d Idempotency-Key", headers)
	}
	apply := at(t, doc, "paths", "/applications", "post", "security").([]any)
	if len(apply) != 2 {
		t.Errorf("%v", apply)
	}
	if raw, _ := json.Marshal(at(t, doc, "paths")); bytes.Contains(raw, []byte("night.sweep")) || bytes.Contains(raw, []byte(unknownRoute)) {
		t.Error("operations without a route are in the document")
	}
}

// An operation that may wait for a second person says so, and one that sends a
// file does not promise JSON.
func TestDocumentSaysWhatWaitsAndWhatIsAFile(t *testing.T) {
	paired := refused[NoHoleIn, Nothing]("POST", "/odd").(*gate.Op[NoHoleIn, Nothing])
	paired.Pairing = gate.MayPair
	file := refused[NoHoleIn, gate.Chunk]("GET", "/odd/list").(*gate.Op[NoHoleIn, gate.Chunk])
	file.Name, file.Kind, file.Audit = "odd.list", operation.Read, operation.Looked
	g, err := gate.New(gate.Config{Now: clock, Log: quietLog()}, append(operations(), paired, file)...)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Document(g.Catalogue(), "1.2.3")
	if err != nil {
		t.Fatal(err)
	}
	var doc map[string]any
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	waits := at(t, doc, "paths", "/odd", "post", "responses", "202")
	if at(t, waits, "content", "application/json", "schema", "$ref") != "#/components/schemas/Waiting" || at(t, waits, "headers", "Location") == nil {
		t.Errorf("%v", waits)
	}
	if at(t, doc, "components", "schemas", "Waiting", "properties", "proposal", "type") != "string" {
		t.Error("what waits is not named")
	}
	alone := at(t, doc, "paths", "/loans/{id}/payments", "post", "responses").(map[string]any)
	if alone["202"] != nil {
		t.Error("an operation that one person does cannot wait for a second one")
	}
	sent := at(t, doc, "paths", "/odd/list", "get", "responses", "200", "content").(map[string]any)
	if sent["*/*"] == nil || sent["application/json"] != nil {
		t.Errorf("%v", sent)
	}
}

// Every reference must lead somewhere, and every placeholder be a parameter.
func TestDocumentIsWhole(t *testing.T) {
	doc, _ := documentOf(t)
	refs := 0
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case []any:
			for _, item := range v {
				walk(item)
			}
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				refs++
				at(t, doc, strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
			}
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	if refs < 10 {
		t.Errorf("only %d references", refs)
	}
	ids := map[string]bool{}
	for path, item := range at(t, doc, "paths").(map[string]any) {
		for method, op := range item.(map[string]any) {
			id := at(t, op, "operationId").(string)
			if ids[id] {
				t.Errorf("%s twice", id)
			}
			ids[id] = true
			var holes, params []string
			for part := range strings.SplitSeq(path, "/") {
				if strings.HasPrefix(part, "{") {
					holes = append(holes, strings.Trim(part, "{}"))
				}
			}
			if list, ok := op.(map[string]any)["parameters"].([]any); ok {
				for _, p := range list {
					if at(t, p, "in") == "path" {
						params = append(params, at(t, p, "name").(string))
					}
				}
			}
			if !slices.Equal(holes, params) {
				t.Errorf("%s %s: %v, %v", method, path, holes, params)
			}
		}
	}
}

func TestDocumentIsStable(t *testing.T) {
	_, one := documentOf(t)
	for range 5 {
		if _, two := documentOf(t); !bytes.Equal(one, two) {
			t.Fatal("two documents of one list differ")
		}
	}
	f := newFront(t)
	w := f.ask("GET", "/api/v1/openapi.json", "", "")
	if w.Code != 200 || !bytes.Equal(w.Body.Bytes(), one) {
		t.Errorf("served: %d, %d bytes", w.Code, w.Body.Len())
	}
}

type (
	NoHoleIn struct{}
	StrayIn  struct {
		ID string `path:"other"`
	}
	BodyOnGet struct {
		Name string `json:"name"`
	}
	BadQuery struct {
		When map[string]string `query:"when"`
	}
	BadTag struct {
		Name string `json:"name" maxLength:"many"`
	}
	ChannelOut struct {
		C chan int `json:"c" class:"public"`
	}
)

func refusedIn[In any](method, path string) gate.Entry {
	return refused[In, Nothing](method, path)
}

func refused[In, Out any](method, path string) gate.Entry {
	return &gate.Op[In, Out]{Name: "odd.one", Title: "Odd", Area: "Odd", Method: method, Path: path, Kind: operation.Write, Audit: operation.Changed, Permit: gate.ByRole,
		Do: func(context.Context, *gate.Call, *In) (*Out, error) { return new(Out), nil }}
}

func TestOddOperationsDoNotStart(t *testing.T) {
	for name, e := range map[string]gate.Entry{
		"placeholder without a parameter": refusedIn[NoHoleIn]("POST", "/odd/{id}"),
		"parameter without a placeholder": refusedIn[StrayIn]("POST", "/odd"),
		"another parameter":               refusedIn[StrayIn]("POST", "/odd/{id}"),
		"body on GET":                     refusedIn[BodyOnGet]("GET", "/odd"),
		"a map in the query":              refusedIn[BadQuery]("GET", "/odd"),
		"a tag that is none":              refusedIn[BadTag]("POST", "/odd"),
		"a strange method":                refusedIn[NoHoleIn]("TRACE", "/odd"),
		"a path without a slash":          refusedIn[NoHoleIn]("GET", "odd"),
		"an answer that cannot be sent":   refused[NoHoleIn, ChannelOut]("GET", "/odd"),
	} {
		g, err := gate.New(gate.Config{Now: clock, Log: quietLog()}, append(Operations(), e)...)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := newBook(g.Catalogue()); err == nil || !strings.Contains(err.Error(), "odd.one") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
