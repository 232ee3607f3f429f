package parts

import "github.com/lendkeep/lendkeep/internal/fault"

// Problems gives the lines of the error summary for a failed form: one for each
// field at fault, or the message alone. A nil error gives none.
func Problems(err error) []Problem {
	f := fault.As(err)
	if f == nil {
		return nil
	}
	if len(f.Fields) == 0 {
		return []Problem{{Text: f.Message}}
	}
	list := make([]Problem, 0, len(f.Fields))
	for _, field := range f.Fields {
		list = append(list, Problem{Field: field.Path, Text: field.Mend})
	}
	return list
}

// ErrorAt gives the mend for the field with that name, or nothing.
func ErrorAt(err error, name string) string {
	f := fault.As(err)
	if f == nil {
		return ""
	}
	for _, field := range f.Fields {
		if field.Path == name {
			return field.Mend
		}
	}
	return ""
}
