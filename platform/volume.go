package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
)

// sealing is what the system tells of a volume.
type sealing int

const (
	unknown sealing = iota // it is no device of this machine, or the system does not tell
	sealed                 // dm-crypt, below the file system or below what it lies on
	open
)

// volumeOf tells whether the volume under a folder is encrypted by the system (dm-crypt,
// LUKS). devices is /sys/dev/block. A disk that seals itself, or a provider's, cannot be
// told from one that does not.
func volumeOf(folder, devices string) (sealing, error) {
	info, err := os.Stat(folder)
	if err != nil {
		return unknown, err
	}
	s, is := info.Sys().(*syscall.Stat_t)
	if !is {
		return unknown, nil
	}
	major, minor := (s.Dev>>8)&0xfff|(s.Dev>>32)&^0xfff, s.Dev&0xff|(s.Dev>>12)&^0xff
	device := filepath.Join(devices, fmt.Sprintf("%d:%d", major, minor))
	if _, err := os.Stat(device); err != nil {
		return unknown, nil // no block device: a network's, an overlay
	}
	return below(device, 0)
}

// deepest bounds how far down volumes may lie on each other.
const deepest = 8

// below looks at a device and all that it lies on: a logical volume over an encrypted
// one is encrypted.
func below(device string, depth int) (sealing, error) {
	id, err := os.ReadFile(filepath.Join(device, "dm", "uuid"))
	if err == nil && strings.HasPrefix(string(id), "CRYPT-") {
		return sealed, nil
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return unknown, err
	}
	under, err := os.ReadDir(filepath.Join(device, "slaves"))
	if err != nil || len(under) == 0 || depth == deepest {
		return open, nil
	}
	for _, u := range under {
		found, err := below(filepath.Join(device, "slaves", u.Name()), depth+1)
		if err != nil || found != sealed {
			return found, err
		}
	}
	return sealed, nil
}
