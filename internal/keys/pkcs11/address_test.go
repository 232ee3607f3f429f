package pkcs11

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAnAddressIsRead(t *testing.T) {
	c, err := Parse("pkcs11:token=Lend%20Keep;object=rings;id=%01%ff;type=secret-key?module-path=/usr/lib/hsm.so&pin-source=file:/run/pin")
	want := Config{Module: "/usr/lib/hsm.so", Token: "Lend Keep", Object: "rings", ID: "\x01\xff", PIN: "/run/pin"}
	if err != nil || c != want {
		t.Errorf("%+v %v", c, err)
	}
	if c.name() != "pkcs11/Lend%20Keep/rings" {
		t.Error(c.name())
	}
	if c, err := Parse("pkcs11:serial=42;object=rings?pin-source=/run/pin&module-path=/hsm.so"); err != nil || c.name() != "pkcs11/42/rings" || c.PIN != "/run/pin" {
		t.Errorf("%+v %v", c, err)
	}
	for mend, address := range map[string]string{
		"module-path": "pkcs11:token=a;object=b?pin-source=/p",
		"token":       "pkcs11:object=b?module-path=/m&pin-source=/p",
		"object":      "pkcs11:token=a?module-path=/m&pin-source=/p",
		"pin-source":  "pkcs11:token=a;object=b?module-path=/m",
		"pin-value":   "pkcs11:token=a;object=b?module-path=/m&pin-value=12345678",
		"not known":   "pkcs11:token=a;object=b;slot-id=1?module-path=/m&pin-source=/p",
		"twice":       "pkcs11:token=a;token=b;object=b?module-path=/m&pin-source=/p",
		"escaped":     "pkcs11:token=%zz;object=b?module-path=/m&pin-source=/p",
		"begins with": "https://example.com",
	} {
		if _, err := Parse(address); err == nil || !strings.Contains(err.Error(), mend) || strings.Contains(err.Error(), "12345678") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

func TestThePINIsItsOwnersAlone(t *testing.T) {
	file := filepath.Join(t.TempDir(), "pin")
	c := Config{PIN: file}
	if _, err := c.pin(); err == nil {
		t.Error("a file that is not there has a PIN")
	}
	if err := os.WriteFile(file, []byte("12 34\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if pin, err := c.pin(); err != nil || pin != "12 34" {
		t.Errorf("%q %v", pin, err)
	}
	if err := os.Chmod(file, 0o640); err != nil {
		t.Fatal(err)
	}
	if _, err := c.pin(); err == nil || strings.Contains(err.Error(), "12 34") {
		t.Errorf("others can read it: %v", err)
	}
}
