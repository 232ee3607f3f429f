package parts

import "strings"

// LineChange says what became of a line.
type LineChange uint8

// A line stays, is added or removed; a Gap stands for lines that are not shown.
const (
	Stays LineChange = iota
	Added
	Removed
	Gap
)

// Line is one line of a difference of texts. Before and After are its numbers,
// from 1, or 0 where it does not stand; a Gap carries how many it leaves out.
type Line struct {
	Change        LineChange
	Before, After int
	Text          string
	Left          int
}

// mostLines bounds the work of a comparison: beyond it the middle is shown as
// removed and added as a whole.
const mostLines = 2000

// Lines compares two texts line by line and keeps around lines of what stays
// beside each change. Equal texts give no lines.
func Lines(before, after string, around int) []Line {
	if before == after {
		return nil
	}
	a, b := split(before), split(after)
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	list := make([]Line, 0, len(a)+len(b)-head-tail)
	for i := range head {
		list = append(list, Line{Stays, i + 1, i + 1, a[i], 0})
	}
	list = append(list, compared(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := range tail {
		x, y := len(a)-tail+i, len(b)-tail+i
		list = append(list, Line{Stays, x + 1, y + 1, a[x], 0})
	}
	return shortened(list, around)
}

func split(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(strings.ReplaceAll(text, "\r\n", "\n"), "\n"), "\n")
}

// compared keeps the longest common sequence of lines; from is how many lines
// stand before both.
func compared(a, b []string, from int) []Line {
	common := sequence(a, b)
	var list []Line
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && a[i] == b[j] && common != nil:
			list = append(list, Line{Stays, from + i + 1, from + j + 1, a[i], 0})
			i, j = i+1, j+1
		case i < len(a) && (j == len(b) || common == nil || common[i+1][j] >= common[i][j+1]):
			list = append(list, Line{Removed, from + i + 1, 0, a[i], 0})
			i++
		default:
			list = append(list, Line{Added, 0, from + j + 1, b[j], 0})
			j++
		}
	}
	return list
}

// sequence gives, for each pair of places, how many lines the rests have in
// common; nil when the texts are too long to be compared so.
func sequence(a, b []string) [][]uint16 {
	if len(a) > mostLines || len(b) > mostLines {
		return nil
	}
	common := make([][]uint16, len(a)+1)
	for i := range common {
		common[i] = make([]uint16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	return common
}

// shortened puts a Gap in the place of lines that are far from every change.
func shortened(list []Line, around int) []Line {
	near := make([]bool, len(list))
	for i, l := range list {
		if l.Change == Stays {
			continue
		}
		for k := max(0, i-around); k <= min(len(list)-1, i+around); k++ {
			near[k] = true
		}
	}
	var out []Line
	for i, l := range list {
		switch last := len(out) - 1; {
		case near[i]:
			out = append(out, l)
		case last >= 0 && out[last].Change == Gap:
			out[last].Left++
		default:
			out = append(out, Line{Change: Gap, Left: 1})
		}
	}
	return out
}
