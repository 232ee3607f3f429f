package main_test

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"unicode/utf16"
)

// word is one value that was planted, to be found nowhere: or everywhere it was
// put, if it is a control.
type word struct{ kind, text string }

// spelling is a word as it may stand in bytes.
type spelling struct {
	bytes    []byte
	word     int
	encoding string
	alone    bool // digits: a longer number around it is another number
}

// encodings are the twelve ways in which a word is looked for. The last needs no
// spelling: streams are unpacked and looked through like everything else.
func encodings() []string {
	return []string{"as written", "digits alone", "UTF-16LE", "UTF-16BE", "base64", "base64url", "hexadecimal", "percent-encoded", "JSON escapes", "reversed", "character references", "deflated"}
}

// sweep looks for all spellings of all words at once: the eight bytes of each that
// tell most are looked up at every place of what it reads.
type sweep struct {
	spellings []spelling
	at        []int                        // where the eight bytes begin in a spelling
	anchors   map[uint64][]int32           // by the eight bytes
	bits      []uint64                     // which of them there may be
	found     map[string]map[string]string // by place, by word: the encoding
	around    map[string]string            // by place and word: what stands around it
	read      int64
	words     []word
}

const bitsOf = 24 // of the table that is asked first

func slot(v uint64) (int, uint64) {
	h := (v * 0x9e3779b97f4a7c15) >> (64 - bitsOf)
	return int(h >> 6), 1 << (h & 63)
}

func newSweep(words []word) *sweep {
	s := &sweep{words: words, anchors: map[uint64][]int32{}, bits: make([]uint64, 1<<(bitsOf-6)), found: map[string]map[string]string{}, around: map[string]string{}}
	for i, w := range words {
		seen := map[string]bool{}
		for _, base := range written(w) {
			spelt := spelt(base)
			for _, encoding := range encodings() {
				for _, b := range spelt[encoding] {
					if len(b) >= 8 && !seen[string(b)] {
						seen[string(b)] = true
						s.spellings = append(s.spellings, spelling{bytes: b, word: i, encoding: encoding, alone: digitsOnly(string(b))})
					}
				}
			}
		}
	}
	for i := range s.spellings {
		b := s.spellings[i].bytes
		from := (len(b) - 8) / 2 // the middle: beginnings and ends are alike
		s.at = append(s.at, from)
		v := binary.LittleEndian.Uint64(b[from:])
		s.anchors[v] = append(s.anchors[v], int32(i))
		k, bit := slot(v)
		s.bits[k] |= bit
	}
	return s
}

func digitsOnly(s string) bool { return strings.Trim(s, "0123456789") == "" }

// written gives the ways in which people and programs write a word.
func written(w word) []string {
	d := strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, w.text)
	cut := func(sep string, parts ...int) string {
		var out []string
		for rest, i := d, 0; i < len(parts); i++ {
			out, rest = append(out, rest[:parts[i]]), rest[parts[i]:]
		}
		return strings.Join(out, sep)
	}
	switch w.kind {
	case "ssn":
		return []string{d, cut("-", 3, 2, 4), cut(" ", 3, 2, 4)}
	case "card":
		return []string{d, cut("-", 4, 4, 4, 4), cut(" ", 4, 4, 4, 4)}
	case "birth":
		return []string{w.text, d, d[4:6] + "/" + d[6:] + "/" + d[:4], d[6:] + "." + d[4:6] + "." + d[:4]}
	case "phone":
		n := d[1:]
		return []string{d, n, n[:3] + "-" + n[3:6] + "-" + n[6:], "(" + n[:3] + ") " + n[3:6] + "-" + n[6:], n[:3] + "." + n[3:6] + "." + n[6:]}
	}
	return []string{w.text, strings.ToUpper(w.text)}
}

// spelt gives the bytes of a text in every encoding.
func spelt(text string) map[string][][]byte {
	name := "as written"
	if digitsOnly(text) {
		name = "digits alone"
	}
	var little, big []byte
	for _, u := range utf16.Encode([]rune(text)) {
		little, big = binary.LittleEndian.AppendUint16(little, u), binary.BigEndian.AppendUint16(big, u)
	}
	each := func(format string) []byte {
		var b []byte
		for _, c := range []byte(text) {
			b = fmt.Appendf(b, format, c)
		}
		return b
	}
	backwards := []byte(text)
	slices.Reverse(backwards)
	return map[string][][]byte{name: {[]byte(text)}, "UTF-16LE": {little}, "UTF-16BE": {big}, "reversed": {backwards},
		"base64": aligned(base64.StdEncoding, text), "base64url": aligned(base64.URLEncoding, text),
		"hexadecimal":          {[]byte(hex.EncodeToString([]byte(text))), []byte(strings.ToUpper(hex.EncodeToString([]byte(text))))},
		"percent-encoded":      {each("%%%02X"), each("%%%02x"), []byte(strings.NewReplacer("@", "%40", "+", "%2B", "/", "%2F", " ", "%20").Replace(text)), []byte(strings.ReplaceAll(text, " ", "+"))},
		"JSON escapes":         {each("\\u%04x"), each("\\u%04X")},
		"character references": {each("&#%d;"), each("&#x%x;"), each("=%02X")}}
}

// aligned gives what of a text's base64 does not depend on what stands around it,
// for each of the three ways in which it can lie.
func aligned(e *base64.Encoding, text string) [][]byte {
	var out [][]byte
	for before := range 3 {
		whole := e.WithPadding(base64.NoPadding).EncodeToString(append(make([]byte, before), text...))
		from, to := (before*8+5)/6, (before+len(text))*8/6
		out = append(out, []byte(whole[from:to]))
	}
	return out
}

// look looks through bytes of a place, and through what is packed in them.
func (s *sweep) look(place string, b []byte, depth int) {
	s.read += int64(len(b))
	for i := 0; i+8 <= len(b); i++ {
		v := binary.LittleEndian.Uint64(b[i:])
		if k, bit := slot(v); s.bits[k]&bit != 0 {
			for _, n := range s.anchors[v] {
				s.hit(place, b, i-s.at[n], &s.spellings[n], depth)
			}
		}
		if depth < 3 {
			s.packed(place, b[i:], depth)
		}
	}
}

func (s *sweep) hit(place string, b []byte, from int, p *spelling, depth int) {
	to := from + len(p.bytes)
	if from < 0 || to > len(b) || !bytes.Equal(b[from:to], p.bytes) {
		return
	}
	digit := func(i int) bool { return i >= 0 && i < len(b) && b[i] >= '0' && b[i] <= '9' }
	if p.alone && (digit(from-1) || digit(to)) {
		return
	}
	if s.found[place] == nil {
		s.found[place] = map[string]string{}
	}
	how := p.encoding
	if depth > 0 {
		how = "deflated"
	}
	text := s.words[p.word].text
	s.found[place][text] = how
	if len(s.around) < 5000 { // printable, so that a person sees whose it is
		s.around[place+text] = strings.Map(func(r rune) rune {
			if r < ' ' || r > '~' {
				return '·'
			}
			return r
		}, string(bytes.ToValidUTF8(b[max(0, from-70):min(len(b), to+30)], []byte("·"))))
	}
}

// most is how much of one stream is unpacked.
const most = 64 << 20

// packed unpacks what begins like a stream of gzip, zlib or zip.
func (s *sweep) packed(place string, b []byte, depth int) {
	var r io.Reader
	switch {
	case b[0] == 0x1f && b[1] == 0x8b && b[2] == 8:
		if z, err := gzip.NewReader(bytes.NewReader(b)); err == nil {
			r = z
		}
	case b[0] == 0x78 && (int(b[0])<<8|int(b[1]))%31 == 0:
		if z, err := zlib.NewReader(bytes.NewReader(b)); err == nil {
			r = z
		}
	case b[0] == 'P' && b[1] == 'K' && b[2] == 3 && b[3] == 4 && len(b) > 30:
		if n := 30 + int(binary.LittleEndian.Uint16(b[26:])) + int(binary.LittleEndian.Uint16(b[28:])); n < len(b) && b[8] == 8 {
			r = flate.NewReader(bytes.NewReader(b[n:]))
		}
	}
	if r == nil {
		return
	}
	plain, _ := io.ReadAll(io.LimitReader(r, most)) // what came before the end or a fault counts
	if len(plain) >= 8 {
		s.look(place, plain, depth+1)
	}
}

// folder looks through every file below a folder; a name is looked through too.
func (s *sweep) folder(place, dir string) error {
	return filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		s.look(place+"/"+name, b, 0)
		s.look(place+": the name of a file", []byte(name), 0)
		return err
	})
}
