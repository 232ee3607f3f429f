package checkpoint

import (
	"strconv"
	"strings"
)

// signature begins each line of a note's signatures.
const signature = "— "

// Split takes the signed notes of a text apart, one behind the other as a witness keeps
// them; what stands between them, like the words of a mail, is passed over.
func Split(text string) []string {
	out, _ := split(text)
	return out
}

// Whole gives the checkpoints of a text that are as a signer wrote them, whoever that
// was, and how many are not: cut off by a crash, or damaged, they say nothing.
func Whole(text string) (notes []string, torn int) {
	all, torn := split(text)
	for _, n := range all {
		_, err := Unchecked(n)
		if err == nil {
			err = whole(n)
		}
		if err != nil {
			torn++
			continue
		}
		notes = append(notes, n)
	}
	return notes, torn
}

// split also counts what is left of notes that have lost their beginning or their end.
func split(text string) (out []string, remains int) {
	var note []string
	body, signed := false, false
	flush := func() {
		if signed {
			out = append(out, strings.Join(note, "\n")+"\n")
		}
		note, body, signed = nil, false, false
	}
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i, l := range lines {
		switch {
		case strings.HasPrefix(l, signature) && body:
			note, signed = append(note, l), true
		case signed, !body && !begins(lines[i:]):
			flush()
			if begins(lines[i:]) {
				note, body = []string{l}, true
			}
			if strings.HasPrefix(l, signature+Origin("")) {
				remains++
			}
		case !body:
			note, body = []string{l}, true
		default:
			note = append(note, l)
		}
	}
	if body && !signed {
		remains++
	}
	flush()
	return out, remains
}

// begins reports whether a note's text may begin here: an origin of ours, then a size.
func begins(lines []string) bool {
	if len(lines) < 3 || !strings.HasPrefix(lines[0], Origin("")) {
		return false
	}
	_, err := strconv.ParseUint(lines[1], 10, 63)
	return err == nil
}
