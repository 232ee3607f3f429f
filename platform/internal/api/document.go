package api

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"reflect"
	"slices"
	"strconv"

	"github.com/danielgtaylor/huma/v2"

	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/gate"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// Document writes the OpenAPI 3.1 document of a list of operations, indented,
// the same bytes for the same list.
func Document(list []*gate.Meta, version string) ([]byte, error) {
	b, err := newBook(list)
	if err != nil {
		return nil, err
	}
	doc := &huma.OpenAPI{
		OpenAPI: "3.1.0",
		Info: &huma.Info{Title: "Lendkeep", Version: version,
			Description: "The same operations, permissions and audit trail as the screens. Money is a text of decimal units, dates are ISO 8601, lists are pages with a cursor, and errors are problem documents with a reason and, for denials, a decision_id."},
		Servers:  []*huma.Server{{URL: prefix}},
		Security: []map[string][]string{{"apiKey": {}}},
		Paths:    map[string]*huma.PathItem{},
		Components: &huma.Components{
			Schemas:   b.registry,
			Responses: b.responses(),
			SecuritySchemes: map[string]*huma.SecurityScheme{
				"apiKey":  {Type: "http", Scheme: "bearer", BearerFormat: "lk_…", Description: "A key of a user or of a server; it acts with the API permissions of its user's role."},
				"siteKey": {Type: "apiKey", In: "header", Name: siteKeyHeader, Description: "The public key of a hosted form, from its registered origin."},
			},
		},
	}
	areas := map[string]bool{}
	for _, m := range list {
		if m.Path == "" {
			continue
		}
		areas[m.Area] = true
		if doc.Paths[m.Path] == nil {
			doc.Paths[m.Path] = &huma.PathItem{}
		}
		*slot(doc.Paths[m.Path], m.Method) = b.operation(m)
	}
	for _, area := range slices.Sorted(maps.Keys(areas)) {
		doc.Tags = append(doc.Tags, &huma.Tag{Name: area})
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return nil, fmt.Errorf("api: writing the document: %w", err)
	}
	var out bytes.Buffer
	if err := json.Indent(&out, raw, "", "  "); err != nil {
		return nil, fmt.Errorf("api: writing the document: %w", err)
	}
	out.WriteByte('\n')
	return out.Bytes(), nil
}

// slot is where an operation of a method stands; describe knows no others.
func slot(item *huma.PathItem, method string) **huma.Operation {
	switch method {
	case http.MethodPost:
		return &item.Post
	case http.MethodPut:
		return &item.Put
	case http.MethodPatch:
		return &item.Patch
	case http.MethodDelete:
		return &item.Delete
	}
	return &item.Get
}

func (b *book) operation(m *gate.Meta) *huma.Operation {
	p := b.plans[m.Name]
	op := &huma.Operation{
		OperationID: m.Name, Summary: m.Title, Tags: []string{m.Area}, Security: security(m),
		Responses: map[string]*huma.Response{strconv.Itoa(m.Status): p.success()},
		Extensions: map[string]any{
			"x-kind": m.Kind.String(), "x-audit": m.Audit.String(), "x-sensitivity": m.Sensitivity.String(), "x-permission": permission(m),
		},
	}
	if m.Permit == gate.ByRole {
		op.Extensions["x-roles"] = roles(m)
	}
	if m.Pairing != gate.Alone {
		op.Responses[strconv.Itoa(http.StatusAccepted)] = b.waiting(m)
	}
	for _, q := range p.path {
		op.Parameters = append(op.Parameters, &huma.Param{Name: q.name, In: "path", Required: true, Description: q.schema.Description, Schema: bare(q.schema)})
	}
	for _, q := range p.query {
		param := &huma.Param{Name: q.name, In: "query", Required: q.required, Description: q.schema.Description, Schema: bare(q.schema)}
		if q.schema.Type == huma.TypeArray {
			param.Style, param.Explode = "form", new(bool) // separated by commas
		}
		op.Parameters = append(op.Parameters, param)
	}
	if m.Idempotent {
		op.Parameters = append(op.Parameters, &huma.Param{Name: "Idempotency-Key", In: "header",
			Description: "Names this request, so that it is done once however often it is sent: for seven days the first answer is given again.",
			Schema:      &huma.Schema{Type: huma.TypeString, Pattern: "^[!-~]{1,200}$"}})
	}
	if p.bodySchema != nil {
		op.RequestBody = &huma.RequestBody{Required: p.needsBody, Content: map[string]*huma.MediaType{"application/json": {Schema: p.bodySchema}}}
	}
	if p.parcel != nil {
		op.RequestBody = fileBody()
	}
	for _, status := range p.troubles() {
		op.Responses[strconv.Itoa(status)] = &huma.Response{Ref: "#/components/responses/" + troubleName(status)}
	}
	return op
}

// bare is a parameter's schema without the description, which stands beside it.
func bare(s *huma.Schema) *huma.Schema {
	c := *s
	c.Description = ""
	return &c
}

func permission(m *gate.Meta) string {
	switch m.Permit {
	case gate.SignedIn:
		return "signed_in"
	case gate.Public:
		return "public"
	case gate.House:
		return "house"
	}
	return "by_role"
}

// roles names the shipped roles that hold an operation.
func roles(m *gate.Meta) []string {
	out := []string{"admin"}
	for _, r := range bytes.Fields([]byte(m.Roles)) {
		out = append(out, string(r))
	}
	return out
}

func security(m *gate.Meta) []map[string][]string {
	key := map[string][]string{"apiKey": {}}
	switch {
	case m.Permit == gate.Public:
		return []map[string][]string{{}}
	case m.Sites:
		return []map[string][]string{key, {"siteKey": {}}}
	}
	return []map[string][]string{key}
}

// success is the answer when all went well.
func (p *plan) success() *huma.Response {
	r := &huma.Response{Description: http.StatusText(p.meta.Status)}
	switch {
	case p.meta.Status == http.StatusNoContent:
	case p.outSchema == nil:
		r = p.document()
	default:
		r.Content = map[string]*huma.MediaType{"application/json": {Schema: p.outSchema}}
	}
	return r
}

// document is the answer of an operation that sends a file; its kind is known
// only when it is made.
func (p *plan) document() *huma.Response {
	r := &huma.Response{Description: "The document, as an attachment; Content-Type says of which kind.",
		Headers: map[string]*huma.Param{"Content-Disposition": {Description: "The name of the file.", Schema: &huma.Schema{Type: huma.TypeString}}},
		Content: map[string]*huma.MediaType{"*/*": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	if p.meta.Out == reflect.TypeFor[gate.Chunk]() {
		r.Description += " It is sent in pieces, and the right to it is asked for at each: an answer that is broken off is not the whole document."
	}
	return r
}

// fileBody is a form that holds one file.
func fileBody() *huma.RequestBody {
	return &huma.RequestBody{Required: true, Description: "A form with one file, with its name, of at most 20 MB.", Content: map[string]*huma.MediaType{"multipart/form-data": {
		Schema: &huma.Schema{Type: huma.TypeObject, Required: []string{parcel.Field}, AdditionalProperties: false,
			Properties: map[string]*huma.Schema{parcel.Field: {Type: huma.TypeString, Format: "binary"}}}}}}
}

// waiting is the answer of an operation that a second person must approve.
func (b *book) waiting(m *gate.Meta) *huma.Response {
	words := "Nothing has changed yet: it waits for a second person, as it always does."
	if m.Pairing == gate.MayPair {
		words = "Nothing has changed yet: it waits for a second person, where the lender asks for one."
	}
	return &huma.Response{Description: words,
		Headers: map[string]*huma.Param{"Location": {Description: "The proposal.", Schema: &huma.Schema{Type: huma.TypeString}}},
		Content: map[string]*huma.MediaType{"application/json": {Schema: b.proposal}}}
}

// troubles are the statuses of what may go wrong with an operation.
func (p *plan) troubles() []int {
	m := p.meta
	out := []int{http.StatusTooManyRequests, http.StatusInternalServerError, http.StatusServiceUnavailable, http.StatusBadRequest}
	if m.Permit != gate.Public {
		out = append(out, http.StatusUnauthorized, http.StatusForbidden)
	}
	if len(p.path) > 0 {
		out = append(out, http.StatusNotFound)
	}
	if m.Kind == operation.Write {
		out = append(out, http.StatusConflict)
	}
	takes := p.bodySchema != nil || p.parcel != nil
	if takes {
		out = append(out, http.StatusRequestEntityTooLarge, http.StatusUnsupportedMediaType)
	}
	if takes || len(p.query) > 0 {
		out = append(out, http.StatusUnprocessableEntity)
	}
	return out
}

// troubleWords says what each status means here.
var troubleWords = map[int]string{
	http.StatusBadRequest:            "The request cannot be read.",
	http.StatusUnauthorized:          "Who is calling is not known.",
	http.StatusForbidden:             "Not permitted; decision_id names the decision.",
	http.StatusNotFound:              "Not there, or not visible to the caller.",
	http.StatusConflict:              "The state does not allow it now.",
	http.StatusRequestEntityTooLarge: "The body is larger than the limit.",
	http.StatusUnsupportedMediaType:  "The body is not of the media type that this route takes, or is compressed.",
	http.StatusUnprocessableEntity:   "Some fields need mending; errors names them.",
	http.StatusTooManyRequests:       "Too many calls; Retry-After says for how long.",
	http.StatusInternalServerError:   "A defect of ours; request_id names it in our log.",
	http.StatusServiceUnavailable:    "Something that is needed cannot be reached; Retry-After says when to try again.",
}

func troubleName(status int) string { return "Problem" + strconv.Itoa(status) }

func (b *book) responses() map[string]*huma.Response {
	out := map[string]*huma.Response{}
	for status, words := range troubleWords {
		r := &huma.Response{Description: words, Content: map[string]*huma.MediaType{"application/problem+json": {Schema: b.problem}}}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			r.Headers = map[string]*huma.Param{"Retry-After": {Description: "Seconds to wait.", Schema: &huma.Schema{Type: huma.TypeInteger}}}
		}
		if status == http.StatusUnauthorized {
			r.Headers = map[string]*huma.Param{"WWW-Authenticate": {Schema: &huma.Schema{Type: huma.TypeString}}}
		}
		out[troubleName(status)] = r
	}
	return out
}
