package api

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/operation"
	"github.com/lendkeep/lendkeep/platform/internal/api/strict"
	"github.com/lendkeep/lendkeep/platform/internal/gate/parcel"
)

// maxBody is the greatest body in bytes.
const maxBody = 1 << 20

// arrival is a body on its way in.
type arrival func() ([]byte, error)

// arriving says when a body is read: after the decision, but for a read that
// has one (a search, a preview) before it, because the gate binds a read's
// input with its snapshot open, and a slow sender must not hold that.
func (p *plan) arriving(r *http.Request) arrival {
	if p.parcel != nil {
		return nil
	}
	if p.meta.Kind != operation.Read || r.Method == http.MethodGet || r.Method == http.MethodHead {
		return func() ([]byte, error) { return readJSON(r, maxBody) }
	}
	raw, err := readJSON(r, maxBody)
	return func() ([]byte, error) { return raw, err }
}

// read binds what the permission had to be granted for: query and body.
func (p *plan) read(in any, r *http.Request, body arrival, dock *parcel.Dock) error {
	if err := p.readQuery(in, r.URL.RawQuery); err != nil {
		return err
	}
	if r.Method == http.MethodGet || r.Method == http.MethodHead {
		if hasBody(r) {
			return fault.New(fault.Malformed, "unexpected_body", "A request with this method has no body.")
		}
		return nil
	}
	if p.parcel != nil {
		return p.unpack(in, r, dock)
	}
	raw, err := body()
	if err != nil {
		return err
	}
	return p.bindBody(in, raw)
}

// unpack takes the file out of a multipart form that holds nothing else.
func (p *plan) unpack(in any, r *http.Request, dock *parcel.Dock) error {
	if !hasBody(r) {
		return nil // the desk asks for the file
	}
	file, others, err := dock.Take(r)
	if err != nil {
		return err
	}
	if len(others) > 0 {
		return fault.New(fault.Malformed, "malformed_form", "Send nothing in the form but the file.")
	}
	reflect.ValueOf(in).Elem().FieldByIndex(p.parcel).Set(reflect.ValueOf(file))
	return nil
}

func hasBody(r *http.Request) bool { return r.ContentLength != 0 || len(r.TransferEncoding) > 0 }

// readJSON reads a body whole, if it says that it is JSON and not compressed.
func readJSON(r *http.Request, most int64) ([]byte, error) {
	if !hasBody(r) {
		return nil, nil
	}
	kinds, codings := r.Header["Content-Type"], r.Header["Content-Encoding"]
	if len(kinds) > 1 || !isJSON(r.Header.Get("Content-Type")) {
		return nil, fault.New(fault.Malformed, unsupportedMedia, "Send the body as Content-Type: application/json.")
	}
	if len(codings) > 0 && !(len(codings) == 1 && strings.EqualFold(codings[0], "identity")) {
		return nil, fault.New(fault.Malformed, unsupportedMedia, "Send the body without Content-Encoding.")
	}
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	raw, err := io.ReadAll(io.LimitReader(r.Body, most+1))
	if err != nil {
		return nil, fault.Wrap(fault.Malformed, "unreadable_body", "The body did not arrive whole.", err)
	}
	if int64(len(raw)) > most {
		return nil, tooLarge(most)
	}
	return raw, nil
}

func tooLarge(most int64) error {
	return fault.New(fault.TooLarge, "body_too_large", "The body is larger than the limit of "+strconv.FormatInt(most>>20, 10)+" MB.")
}

// isJSON takes application/json, with UTF-8 named or not.
func isJSON(kind string) bool {
	media, params, err := mime.ParseMediaType(kind)
	if err != nil || media != "application/json" {
		return false
	}
	for name, value := range params {
		if name != "charset" || !strings.EqualFold(value, "utf-8") {
			return false
		}
	}
	return true
}

// bindBody reads the body's JSON strictly and puts it into the input.
func (p *plan) bindBody(in any, raw []byte) error {
	if len(raw) == 0 {
		if p.needsBody {
			return fault.New(fault.Malformed, "missing_body", "Send a JSON object as the body.")
		}
		return nil
	}
	tree, err := strict.Scan(raw)
	if err != nil {
		return err
	}
	var c fault.Collector
	p.body.Check(tree, "", &c)
	if err := c.Err(); err != nil {
		return shorten(err)
	}
	if p.bodySchema == nil {
		return nil // an empty object for an operation without a body
	}
	if err := json.Unmarshal(raw, in); err != nil {
		return misfit(err)
	}
	return nil
}

// misfit names the field whose text a type of ours refuses. Its error is not
// shown: it may hold the value.
func misfit(err error) error {
	var wrong *json.SemanticError
	if !errors.As(err, &wrong) {
		return fault.Wrap(fault.Malformed, "malformed_json", "The body is not the JSON that this route takes.", err)
	}
	where := ""
	for token := range wrong.JSONPointer.Tokens() {
		where = strict.Inside(where, token)
	}
	if where == "" {
		where = "body"
	}
	return fault.Bad(where, "This value does not fit the field.")
}

// maxFaults is how many faulty fields one answer names.
const maxFaults = 50

// shorten keeps an answer small however much is wrong.
func shorten(err error) error {
	if f := fault.As(err); len(f.Fields) > maxFaults {
		f.Fields = f.Fields[:maxFaults]
	}
	return err
}
