//go:build !cgo

package pkcs11

import (
	"context"
	"errors"

	"github.com/lendkeep/lendkeep/internal/keys"
)

var errBuild = errors.New("this program was built without PKCS#11, whose modules are C libraries: build it with CGO_ENABLED=1 make build")

// Open says how to build a program that speaks PKCS#11.
func Open(Config) (keys.KMS, error) { return nil, errBuild }

// Make says the same.
func Make(context.Context, Config) error { return errBuild }
