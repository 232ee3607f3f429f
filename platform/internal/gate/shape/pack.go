package shape

import (
	"encoding/json"
	"fmt"
	"reflect"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// Pack keeps an input whole, path parameters included: field by field, by the
// names of the Go struct, because the JSON of a body leaves the path out.
func Pack(in any) ([]byte, error) {
	v := reflect.ValueOf(in).Elem()
	fields := map[string]json.RawMessage{}
	for i := range v.NumField() {
		if !v.Type().Field(i).IsExported() {
			continue
		}
		if t, ok := v.Field(i).Interface().(secret.Text); ok && t.Empty() {
			continue // one that is given is refused below: a secret is not kept
		}
		b, err := json.Marshal(v.Field(i).Interface())
		if err != nil {
			return nil, fmt.Errorf("keeping an input: %w", err)
		}
		fields[v.Type().Field(i).Name] = b
	}
	return json.Marshal(fields)
}

// Unpack reads back what Pack has kept.
func Unpack(packed []byte, in any) error {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(packed, &fields); err != nil {
		return err
	}
	v := reflect.ValueOf(in).Elem()
	for name, b := range fields {
		f := v.FieldByName(name)
		if !f.IsValid() {
			return fmt.Errorf("reading a kept input: there is no field %s any more", name)
		}
		if err := json.Unmarshal(b, f.Addr().Interface()); err != nil {
			return fmt.Errorf("reading a kept input: %w", err)
		}
	}
	return nil
}
