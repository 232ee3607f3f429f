package visit

import (
	"encoding"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/lendkeep/lendkeep/internal/civil"
	"github.com/lendkeep/lendkeep/internal/fault"
	"github.com/lendkeep/lendkeep/internal/money"
	"github.com/lendkeep/lendkeep/internal/secret"
)

// maxItems bounds the length of a list in a form.
const maxItems = 10_000

// Decode takes a form into an operation's input by json (or query) tags, and
// checks the input's own limits (minLength, maxLength, enum, minimum, maximum,
// minItems, maxItems). A field that the input does not have is refused.
func Decode(form url.Values, in any) error {
	d := decoder{form: form}
	d.run(in)
	if err := d.faults.Err(); err != nil {
		return err
	}
	for name := range form {
		if !strings.HasPrefix(name, "_") && !d.used[name] {
			return fault.New(fault.Malformed, "unknown_field", "The form holds a field that this act does not know. Open the page again.")
		}
	}
	return nil
}

// decoder takes values out of a form; lax ones come from an address, where a
// field that is left out is no mistake.
type decoder struct {
	form   url.Values
	used   map[string]bool
	faults fault.Collector
	lax    bool
}

func (d *decoder) run(in any) {
	d.used = map[string]bool{}
	d.structure(reflect.ValueOf(in).Elem(), "")
}

func (d *decoder) structure(v reflect.Value, prefix string) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() || f.Tag.Get("path") != "" {
			continue
		}
		name, ok := fieldName(f)
		switch {
		case !ok:
		case name == "" && f.Anonymous && f.Type.Kind() == reflect.Struct:
			d.structure(v.Field(i), prefix)
		case name != "":
			d.field(v.Field(i), f, prefix+name)
		}
	}
}

// fieldName is the caller's word for a field; false for one that no form sets.
func fieldName(f reflect.StructField) (string, bool) {
	for _, tag := range []string{"query", "json"} {
		name, _, _ := strings.Cut(f.Tag.Get(tag), ",")
		if name == "-" {
			return "", false
		}
		if name != "" {
			return name, true
		}
	}
	return "", f.Anonymous
}

// whole types are read from one text although they are structs or numbers.
func whole(t reflect.Type) bool {
	return reflect.PointerTo(t).Implements(reflect.TypeFor[encoding.TextUnmarshaler]()) || t == reflect.TypeFor[secret.Text]()
}

func (d *decoder) field(v reflect.Value, f reflect.StructField, name string) {
	t := v.Type()
	switch {
	case t.Kind() == reflect.Pointer && !whole(t):
		if !d.given(name) {
			return
		}
		if t.Elem().Kind() != reflect.String && t.Elem().Kind() != reflect.Bool && t.Elem().Kind() != reflect.Slice && d.form.Has(name) && strings.TrimSpace(d.form.Get(name)) == "" {
			d.used[name] = true
			return // an empty amount or date is none, not zero
		}
		v.Set(reflect.New(t.Elem()))
		d.field(v.Elem(), f, name)
	case whole(t):
		d.scalar(v, f, name)
	case t.Kind() == reflect.Struct:
		d.structure(v, name+".")
	case t.Kind() == reflect.Slice && t.Elem().Kind() == reflect.Struct && !whole(t.Elem()):
		d.rows(v, name)
		d.checkItems(v, f, name)
	case t.Kind() == reflect.Slice:
		d.list(v, f, name)
	default:
		d.scalar(v, f, name)
	}
}

// given reports whether the form says anything about a field, or names it as a
// box that was not ticked.
func (d *decoder) given(name string) bool {
	if d.form.Has(name) || slices.Contains(d.form[boxesName], name) {
		return true
	}
	for key := range d.form {
		if strings.HasPrefix(key, name+".") || strings.HasPrefix(key, name+"[") {
			return true
		}
	}
	return false
}

// rows reads "rules[0].action" or "rules.0.action" into a list of structs.
func (d *decoder) rows(v reflect.Value, name string) {
	at := map[int]string{}
	for key := range d.form {
		rest, ok := strings.CutPrefix(key, name)
		if !ok || rest == "" {
			continue
		}
		var number, mark string
		if rest[0] == '[' {
			number, _, ok = strings.Cut(rest[1:], "].")
			mark = name + "[" + number + "]."
		} else if rest[0] == '.' {
			number, _, ok = strings.Cut(rest[1:], ".")
			mark = name + "." + number + "."
		}
		if n, err := strconv.Atoi(number); ok && err == nil && n >= 0 && n < maxItems {
			at[n] = mark
		}
	}
	order := make([]int, 0, len(at))
	for n := range at {
		order = append(order, n)
	}
	slices.Sort(order)
	v.Set(reflect.MakeSlice(v.Type(), len(order), len(order)))
	for i, n := range order {
		d.structure(v.Index(i), at[n])
	}
}

// list reads repeated fields, or the lines of a text area.
func (d *decoder) list(v reflect.Value, f reflect.StructField, name string) {
	d.used[name] = true
	var texts []string
	for _, one := range d.form[name] {
		for line := range strings.Lines(newlines(one)) {
			if line = strings.TrimSpace(line); line != "" {
				texts = append(texts, line)
			}
		}
	}
	if len(texts) > maxItems {
		d.faults.Add(name, "Name at most 10,000.")
		return
	}
	v.Set(reflect.MakeSlice(v.Type(), len(texts), len(texts)))
	for i, text := range texts {
		if mend := set(v.Index(i), text); mend != "" {
			d.faults.Addf(name+"["+strconv.Itoa(i)+"]", "%s", mend)
		}
	}
	d.checkItems(v, f, name)
}

func (d *decoder) scalar(v reflect.Value, f reflect.StructField, name string) {
	d.used[name] = true
	values := d.form[name]
	if len(values) > 1 {
		d.faults.Add(name, "Send this field once.")
		return
	}
	text := ""
	if len(values) == 1 {
		text = newlines(values[0])
	}
	if v.Kind() != reflect.String && v.Type() != reflect.TypeFor[secret.Text]() {
		text = strings.TrimSpace(text)
	}
	if text == "" && v.Kind() != reflect.Bool {
		if !d.lax && needed(f) {
			d.faults.Add(name, "Fill this in.")
		}
		return
	}
	mend := set(v, text)
	if mend == "" {
		mend = checkLimits(v, f, text)
	}
	if mend != "" {
		d.faults.Add(name, mend)
	}
}

// set puts a text into a value; the answer says how to mend it, if it does not fit.
func set(v reflect.Value, text string) string {
	switch to := v.Addr().Interface().(type) {
	case *secret.Text:
		*to = secret.NewText(text)
		return ""
	case *money.Amount:
		a, err := money.Parse(ungrouped(text))
		*to = a
		if errors.Is(err, money.ErrRange) {
			return "This amount is beyond 1,000,000,000,000.00."
		}
		return when(err != nil, "Enter an amount such as 250.00.")
	case *civil.Date:
		d, err := civil.Parse(text)
		*to = d
		return when(err != nil, dateMend(text))
	case encoding.TextUnmarshaler:
		return when(to.UnmarshalText([]byte(text)) != nil, "This does not fit the field.")
	}
	return setKind(v, text)
}

func setKind(v reflect.Value, text string) string {
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		switch text {
		case "on", "true", "yes", "1":
			v.SetBool(true)
		case "", "off", "false", "no", "0":
			v.SetBool(false)
		default:
			return "Choose yes or no."
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		n, err := strconv.ParseInt(text, 10, v.Type().Bits())
		if err != nil {
			return "Enter a whole number."
		}
		v.SetInt(n)
	case reflect.Float32, reflect.Float64:
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n || n-n != 0 {
			return "Enter a number such as 12.5."
		}
		v.SetFloat(n)
	default:
		return "This field cannot be set from a form."
	}
	return ""
}

// ungrouped takes the separators out of "1,250,000.00"; what is not grouped in
// threes is left as it is, so that "1,25" is never read as 125.
func ungrouped(text string) string {
	units, _, _ := strings.Cut(text, ".")
	groups := strings.Split(strings.TrimPrefix(units, "-"), ",")
	for i, g := range groups {
		if (i == 0 && (len(g) == 0 || len(g) > 3)) || (i > 0 && len(g) != 3) {
			return text
		}
	}
	return strings.Replace(text, units, strings.ReplaceAll(units, ",", ""), 1)
}

func dateMend(text string) string {
	if len(text) == 10 && text[4] == '-' && text[7] == '-' && strings.Trim(text, "0123456789-") == "" {
		return "This day does not exist. Enter the date as YYYY-MM-DD, from 1900 to 2299."
	}
	return "Enter the date as YYYY-MM-DD."
}

func newlines(s string) string { return strings.ReplaceAll(s, "\r\n", "\n") }

// bindPath puts the path's values into the fields with path tags.
func bindPath(r *http.Request, in any) error {
	var c fault.Collector
	pathInto(reflect.ValueOf(in).Elem(), r, &c)
	return c.Err()
}

func pathInto(v reflect.Value, r *http.Request, c *fault.Collector) {
	t := v.Type()
	for i := range t.NumField() {
		f := t.Field(i)
		if f.Anonymous && f.Type.Kind() == reflect.Struct {
			pathInto(v.Field(i), r, c)
		}
		name := f.Tag.Get("path")
		if name == "" || !f.IsExported() || r.PathValue(name) == "" {
			continue
		}
		if mend := set(v.Field(i), r.PathValue(name)); mend != "" {
			c.Add(name, mend)
		}
	}
}
