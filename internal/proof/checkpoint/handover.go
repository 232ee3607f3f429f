package checkpoint

import (
	"slices"
	"strings"
)

// handoverLine begins the statement by which one key names the next.
const handoverLine = "lendkeep key handover 1"

// Handover is the statement that a key of a trail signs about the one after it.
func Handover(origin, next string) string {
	return handoverLine + "\n" + origin + "\n" + next + "\n"
}

// Trusted gives the keys that may be trusted: those given, and each that one of them
// named in a handover of the trail. What no trusted key has signed counts for nothing.
func Trusted(origin string, given, handovers []string) []string {
	trusted := given
	for range handovers { // however they are ordered
		grew := false
		for _, h := range handovers {
			text, _, err := OpenNote(h, trusted...)
			if err != nil {
				continue
			}
			next, is := strings.CutPrefix(text, handoverLine+"\n"+origin+"\n")
			next = strings.TrimSuffix(next, "\n")
			if !is || strings.Contains(next, "\n") || slices.Contains(trusted, next) {
				continue
			}
			trusted, grew = append(trusted[:len(trusted):len(trusted)], next), true
		}
		if !grew {
			break
		}
	}
	return trusted
}
