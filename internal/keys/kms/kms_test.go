package kms_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
	"github.com/lendkeep/lendkeep/internal/keys/kms"
)

const secret = "hvs.a-token-that-nobody-may-see"

func TestAnAddressChoosesTheKMS(t *testing.T) {
	file := filepath.Join(t.TempDir(), "kms.key")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	env := func(name string) string {
		return map[string]string{"VAULT_TOKEN": secret, "VAULT_NAMESPACE": "lending"}[name]
	}
	c := kms.Config{Env: env, Now: time.Now, Make: true}
	for address, name := range map[string]string{
		"file:" + file: "file/",
		"awskms:arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab":                                     "aws-kms/arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab",
		"awskms:arn:aws:kms:us-east-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab?endpoint=https://vpce-1.kms.example": "aws-kms/arn",
		"vault:https://vault.example:8200/transit/keys/lendkeep":                                                                 "vault/vault.example:8200/lending/transit/keys/lendkeep",
		"vault:https://vault.example:8200/v1/lend/transit/keys/lendkeep?namespace=prod":                                          "vault/vault.example:8200/prod/lend/transit/keys/lendkeep",
	} {
		k, err := kms.Open(t.Context(), address, c)
		if err != nil || !strings.HasPrefix(k.Name(), name) {
			t.Errorf("%s: %v", address, err)
		}
	}
	k, err := kms.Open(t.Context(), "file://"+file, kms.Config{})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Probe(t.Context(), k); err != nil {
		t.Error(err)
	}
}

func TestAWrongAddressIsRefusedWithItsMend(t *testing.T) {
	none := filepath.Join(t.TempDir(), "none")
	for address, mend := range map[string]string{
		"":                      "awskms:",
		"gcp:projects/x":        "awskms:",
		"file:":                 "file:PATH",
		"file:" + none:          "none",
		"awskms:alias/lendkeep": "ARN",
		"vault:vault.example":   "https://",
		"vault:http://vault.example/transit/keys/x":                                "https://",
		"vault:https://" + secret + "@vault.example/transit/keys/x":                "https://",
		"vault:https://vault.example/transit/x":                                    "MOUNT/keys/NAME",
		"vault:https://vault.example/transit/keys/x":                               "token-file",
		"vault:https://vault.example/transit/keys/x?token=" + secret:               "not known",
		"vault:https://vault.example/transit/keys/x?token-file=/a&token-file=/b":   "twice",
		"vault:https://vault.example/transit/keys/x?%zz":                           "cannot be read",
		"awskms:arn:aws:kms:us-east-2:111122223333:key/1?endpoint=http://10.1.1.1": "https://",
		"pkcs11:token=a;object=b?module-path=/m&pin-value=" + secret:               "pin-source",
	} {
		k, err := kms.Open(t.Context(), address, kms.Config{Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), mend) || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: %v, %v", address, k, err)
		}
	}
}

func TestAKeyIsMadeOnce(t *testing.T) {
	address := "file:" + filepath.Join(t.TempDir(), "kms.key")
	if err := kms.Make(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	if err := kms.Make(t.Context(), address); err == nil {
		t.Error("a key was made over another")
	}
	for _, elsewhere := range []string{"awskms:arn:aws:kms:us-east-2:111122223333:key/1", "vault:https://vault.example/transit/keys/x", "file:"} {
		if err := kms.Make(t.Context(), elsewhere); err == nil {
			t.Errorf("%s was made", elsewhere)
		}
	}
}
