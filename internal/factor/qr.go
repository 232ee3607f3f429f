package factor

import (
	"errors"
	"fmt"
	"image"
	"strings"

	"github.com/pquerna/otp"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// QR is a QR code as a page draws it, without inline style:
//
//	<svg viewBox="0 0 {Side} {Side}"><path d="{Path}"/></svg>
//
// on a white ground in both themes, because cameras read dark on light.
type QR struct {
	Side int         // of the square, in modules, with the quiet zone
	Path secret.Text // the dark modules; whoever has it can read the secret
}

// quiet is the white margin that the standard asks for, in modules.
const quiet = 4

// drawQR asks the library for a picture with one pixel a module. It does not
// tell the size of the symbol beforehand and refuses what is too small, so the
// smallest of the forty sizes that it accepts is the symbol's own.
func drawQR(key *otp.Key) (QR, error) {
	const smallest, largest, growth = 21, 177, 4
	for side := smallest; side <= largest; side += growth {
		if img, err := key.Image(side, side); err == nil {
			return QR{Side: side + 2*quiet, Path: secret.NewText(path(img, side))}, nil
		}
	}
	return QR{}, errors.New("the names of issuer and account are too long for a QR code")
}

// path draws each run of dark modules in a row as one rectangle.
func path(img image.Image, side int) string {
	var b strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			run := 0
			for x+run < side && dark(img, x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&b, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return b.String()
}

func dark(img image.Image, x, y int) bool {
	r, _, _, _ := img.At(x, y).RGBA()
	return r < 0x8000
}
