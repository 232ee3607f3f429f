package parts

import (
	"errors"
	"fmt"
	"math"
	"strconv"
)

// Brand is a lender's own look on the borrower's pages: the colour of buttons and
// links, of the ground, and of the text, each "#rrggbb".
type Brand struct {
	Accent, Ground, Text string
}

// Errors of BrandCSS.
var (
	ErrColour   = errors.New(`a colour is written as "#rrggbb"`)
	ErrContrast = errors.New("the colours are too close to each other to be read")
	ErrGround   = errors.New("the ground must be nearly white or nearly black, so that warnings on it can be read")
)

// minContrast is what WCAG 2.2 AA asks of text of ordinary size.
const minContrast = 4.5

type colour struct{ r, g, b float64 }

func parseColour(s string) (colour, error) {
	if len(s) != 7 || s[0] != '#' {
		return colour{}, ErrColour
	}
	n, err := strconv.ParseUint(s[1:], 16, 24)
	if err != nil {
		return colour{}, ErrColour
	}
	return colour{float64(n >> 16), float64(n >> 8 & 255), float64(n & 255)}, nil
}

func (c colour) String() string {
	return fmt.Sprintf("#%02x%02x%02x", int(math.Round(c.r)), int(math.Round(c.g)), int(math.Round(c.b)))
}

// luminance is WCAG's relative luminance, 0 for black to 1 for white.
func (c colour) luminance() float64 {
	linear := func(v float64) float64 {
		v /= 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*linear(c.r) + 0.7152*linear(c.g) + 0.0722*linear(c.b)
}

// contrast is WCAG's ratio, 1 to 21.
func contrast(a, b colour) float64 {
	la, lb := a.luminance(), b.luminance()
	return (math.Max(la, lb) + 0.05) / (math.Min(la, lb) + 0.05)
}

// mix gives share of a and the rest of b.
func mix(a, b colour, share float64) colour {
	at := func(x, y float64) float64 { return x*share + y*(1-share) }
	return colour{at(a.r, b.r), at(a.g, b.g), at(a.b, b.b)}
}

// BrandCSS gives the stylesheet for BorrowerPage.Brand, to be served by the front
// from an address of its own. It refuses what is not a colour, and colours whose
// text or links could not be read; error texts never repeat the input.
func BrandCSS(b Brand) (string, error) {
	accent, err1 := parseColour(b.Accent)
	ground, err2 := parseColour(b.Ground)
	text, err3 := parseColour(b.Text)
	if err := errors.Join(err1, err2, err3); err != nil {
		return "", ErrColour
	}
	if contrast(text, ground) < 7 || contrast(accent, ground) < minContrast {
		return "", ErrContrast
	}
	// Between these the reds, greens and yellows of the meanings fall below AA.
	if l := ground.luminance(); l > 0.03 && l < 0.75 {
		return "", ErrGround
	}
	white, black := colour{255, 255, 255}, colour{}
	scheme, onFill := "light", white
	if contrast(accent, black) > contrast(accent, white) {
		onFill = black
	}
	if ground.luminance() < 0.5 {
		scheme = "dark"
	}
	quiet := text
	for share := 0.7; share < 1; share += 0.05 {
		if quiet = mix(text, ground, share); contrast(quiet, ground) >= minContrast {
			break
		}
	}
	return fmt.Sprintf(`:root, :root[data-theme] {
  color-scheme: %s;
  --accent: %s; --fill: %s; --fill-hover: %s; --on-fill: %s;
  --ground: %s; --raised: %s; --text: %s; --quiet: %s; --line: %s; --edge: %s;
}
`, scheme, accent, accent, accent, onFill, ground, ground, text, quiet, mix(text, ground, 0.15), quiet), nil
}
