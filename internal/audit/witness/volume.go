package witness

import (
	"fmt"
	"os"
	"syscall"
)

// Apart reports whether two folders lie on different volumes, as far as the system
// tells.
func Apart(one, other string) (bool, error) {
	var devices [2]uint64
	for i, path := range []string{one, other} {
		info, err := os.Stat(path)
		if err != nil {
			return false, fmt.Errorf("witness folder: %w", err)
		}
		s, known := info.Sys().(*syscall.Stat_t)
		if !known {
			return false, nil
		}
		devices[i] = uint64(s.Dev)
	}
	return devices[0] != devices[1], nil
}
