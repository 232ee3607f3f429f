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

// largest is the side of the largest symbol, in modules.
const largest = 177

// drawQR asks the library for a picture and reads the modules back from it. The
// library tells neither their size nor the symbol's: the eye in the top left
// corner does, which is seven modules wide and dark along its edge.
func drawQR(uri string) (QR, error) {
	key, err := otp.NewKeyFromURL(uri)
	if err != nil {
		return QR{}, errors.New("the address of the secret cannot be read back") // the cause holds it whole
	}
	img, err := key.Image(largest, largest)
	if err != nil {
		return QR{}, errors.New("the names of issuer and account are too long for a QR code")
	}
	corner := 0
	for corner < largest && !dark(img, corner, corner) {
		corner++
	}
	edge := 0
	for corner+edge < largest && dark(img, corner+edge, corner) {
		edge++
	}
	module := edge / 7
	if module == 0 {
		return QR{}, errors.New("the QR code has no eye in its corner")
	}
	side := (largest - 2*corner) / module
	isDark := func(x, y int) bool { return dark(img, corner+x*module, corner+y*module) }
	return QR{Side: side + 2*quiet, Path: secret.NewText(path(isDark, side))}, nil
}

// path draws each run of dark modules in a row as one rectangle.
func path(dark func(x, y int) bool, side int) string {
	var b strings.Builder
	for y := range side {
		for x := 0; x < side; x++ {
			run := 0
			for x+run < side && dark(x+run, y) {
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
