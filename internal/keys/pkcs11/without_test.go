//go:build !cgo

package pkcs11

import (
	"strings"
	"testing"
)

func TestABuildWithoutCgoSaysHowToBuildOne(t *testing.T) {
	_, err := Open(Config{})
	if err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=1 make build") {
		t.Error(err)
	}
	if err := Make(t.Context(), Config{}); err == nil || !strings.Contains(err.Error(), "CGO_ENABLED=1 make build") {
		t.Error(err)
	}
}
