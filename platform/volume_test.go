package main

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// TestAnEncryptedVolumeIsToldFromAPlainOne, also below a logical volume, from a made-up
// list of the system's devices.
func TestAnEncryptedVolumeIsToldFromAPlainOne(t *testing.T) {
	folder := t.TempDir()
	info, err := os.Stat(folder)
	if err != nil {
		t.Fatal(err)
	}
	dev := info.Sys().(*syscall.Stat_t).Dev
	number := fmt.Sprintf("%d:%d", (dev>>8)&0xfff|(dev>>32)&^0xfff, dev&0xff|(dev>>12)&^0xff)
	for story, c := range map[string]struct {
		files map[string]string // under the device
		want  sealing
	}{
		"a plain disk":                        {map[string]string{"size": "1"}, open},
		"an encrypted volume":                 {map[string]string{"dm/uuid": "CRYPT-LUKS2-1-x"}, sealed},
		"a logical volume over an encrypted":  {map[string]string{"dm/uuid": "LVM-1", "slaves/dm-0/dm/uuid": "CRYPT-LUKS2-1-x"}, sealed},
		"a logical volume over a plain disk":  {map[string]string{"dm/uuid": "LVM-1", "slaves/sda1/size": "1"}, open},
		"a logical volume over one and a not": {map[string]string{"dm/uuid": "LVM-1", "slaves/a/dm/uuid": "CRYPT-LUKS2-1-x", "slaves/b/size": "1"}, open},
		"no device of this machine":           {nil, unknown},
	} {
		devices := t.TempDir()
		for name, text := range c.files {
			at := filepath.Join(devices, number, name)
			if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(at, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := volumeOf(folder, devices); err != nil || got != c.want {
			t.Errorf("%s: %v, %v", story, got, err)
		}
	}
	if _, err := volumeOf(filepath.Join(folder, "not there"), folder); err == nil {
		t.Error("a folder that is not there has a volume")
	}
}
