package parts

import (
	"context"
	"io"
	"strings"

	"github.com/a-h/templ"
)

// Code is an identifier, an address, an operation's name; it may break behind its
// joints, though not inside an IP address or a number, so that a long one does not
// push the table. It is written by hand, as a template would put spaces between
// the pieces.
func Code(text string) templ.Component {
	return templ.ComponentFunc(func(_ context.Context, w io.Writer) error {
		var b strings.Builder
		b.WriteString("<code>")
		from := 0
		for i := range len(text) - 1 {
			next := text[i+1]
			if strings.IndexByte("./_@", text[i]) >= 0 && (next < '0' || next > '9') {
				b.WriteString(templ.EscapeString(text[from:i+1]) + "<wbr>")
				from = i + 1
			}
		}
		b.WriteString(templ.EscapeString(text[from:]) + "</code>")
		_, err := io.WriteString(w, b.String())
		return err
	})
}
