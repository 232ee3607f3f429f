package httpserve

import (
	"bytes"
	"crypto/x509"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// made calls DevelopmentCA and gives the bytes of the two certificates.
func made(t *testing.T, dir string, now time.Time, hosts ...string) (ca, leaf []byte) {
	t.Helper()
	c, path, err := DevelopmentCA(dir, now, hosts...)
	if err != nil {
		t.Fatal(err)
	}
	ca, err = os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(ca) {
		t.Fatal("the authority is no certificate")
	}
	cert := c.Certificates[0].Leaf
	for _, h := range append(hosts, "localhost", "127.0.0.1", "[::1]") {
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: h, CurrentTime: now}); err != nil {
			t.Errorf("%s: %v", h, err)
		}
	}
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, DNSName: "bank.example", CurrentTime: now}); err == nil {
		t.Error("it is good for a bank")
	}
	return ca, cert.Raw
}

func TestDevelopmentCertificatesLast(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "tls")
	ca, leaf := made(t, dir, morning)
	again, leafAgain := made(t, dir, morning.Add(24*time.Hour))
	if !bytes.Equal(ca, again) || !bytes.Equal(leaf, leafAgain) {
		t.Error("made anew on the second start")
	}
	for _, name := range []string{"ca.key", "leaf.key"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info.Mode(), err)
		}
	}
	same, renewed := made(t, dir, morning.Add(61*24*time.Hour))
	if !bytes.Equal(ca, same) || bytes.Equal(leaf, renewed) {
		t.Error("near its end the leaf must be renewed, by the same authority")
	}
	other, _ := made(t, dir, morning.Add(caLife-20*24*time.Hour))
	if bytes.Equal(ca, other) {
		t.Error("near its end the authority must be renewed")
	}
}

func TestMoreHostsAreCovered(t *testing.T) {
	dir := t.TempDir()
	ca, _ := made(t, dir, morning)
	wider, _ := made(t, dir, morning, "lender.test", "192.0.2.7")
	if bytes.Equal(ca, wider) {
		t.Error("the authority was constrained to the first hosts, and is still the same")
	}
	again, _ := made(t, dir, morning)
	if !bytes.Equal(wider, again) {
		t.Error("fewer hosts made a new authority")
	}
}

func TestBrokenFilesAreMadeAnew(t *testing.T) {
	for _, name := range []string{"ca.pem", "ca.key", "leaf.pem", "leaf.key"} {
		dir := t.TempDir()
		made(t, dir, morning)
		if err := os.WriteFile(filepath.Join(dir, name), []byte("broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		made(t, dir, morning)
		made(t, dir, morning)
	}
}

func TestAnExposedKeyIsRefused(t *testing.T) {
	dir := t.TempDir()
	made(t, dir, morning)
	if err := os.Chmod(filepath.Join(dir, "ca.key"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, _, err := DevelopmentCA(dir, morning); !errors.Is(err, errExposed) {
		t.Errorf("got %v", err)
	}
}
