package visit

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/lendkeep/lendkeep/internal/secret"
)

func when(cond bool, text string) string {
	if cond {
		return text
	}
	return ""
}

// needed reports a field that must not be left empty: a text with a least
// length, and whatever else is not marked as optional.
func needed(f reflect.StructField) bool {
	least, _ := strconv.Atoi(f.Tag.Get("minLength"))
	if f.Type.Kind() == reflect.Pointer {
		return least > 0 // it was given, and empty
	}
	optional := f.Tag.Get("required") == "false" || strings.Contains(f.Tag.Get("json"), ",omit") || f.Tag.Get("query") != ""
	if f.Type.Kind() == reflect.String {
		return least > 0 && !optional || (f.Tag.Get("enum") != "" && !optional && !slices.Contains(strings.Split(f.Tag.Get("enum"), ","), ""))
	}
	return !optional
}

// checkLimits holds a value against the limits of its tags.
func checkLimits(v reflect.Value, f reflect.StructField, text string) string {
	number := func(tag string) (int64, bool) {
		n, err := strconv.ParseInt(f.Tag.Get(tag), 10, 64)
		return n, err == nil
	}
	switch {
	case v.Kind() == reflect.String || v.Type() == reflect.TypeFor[secret.Text]():
		length := int64(utf8.RuneCountInString(text))
		if n, ok := number("minLength"); ok && length < n {
			return "Use at least " + strconv.FormatInt(n, 10) + " characters."
		}
		if n, ok := number("maxLength"); ok && length > n {
			return "Use at most " + strconv.FormatInt(n, 10) + " characters."
		}
		if e := f.Tag.Get("enum"); e != "" && !slices.Contains(strings.Split(e, ","), text) {
			return "Choose one of the listed values."
		}
	case v.CanInt() && !whole(v.Type()):
		if n, ok := number("minimum"); ok && v.Int() < n {
			return "Enter " + strconv.FormatInt(n, 10) + " or more."
		}
		if n, ok := number("maximum"); ok && v.Int() > n {
			return "Enter " + strconv.FormatInt(n, 10) + " or less."
		}
	}
	return ""
}

func (d *decoder) checkItems(v reflect.Value, f reflect.StructField, name string) {
	if d.lax {
		return
	}
	if n, err := strconv.Atoi(f.Tag.Get("minItems")); err == nil && v.Len() < n {
		d.faults.Add(name, when(n == 1, "Name at least one.")+when(n != 1, "Name at least "+strconv.Itoa(n)+"."))
	}
	if n, err := strconv.Atoi(f.Tag.Get("maxItems")); err == nil && v.Len() > n {
		d.faults.Add(name, "Name at most "+strconv.Itoa(n)+".")
	}
}
