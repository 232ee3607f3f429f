package hcvault

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/lendkeep/lendkeep/internal/keys"
)

// maxToken bounds what is read from a file with a token or a secret id.
const maxToken = 16 << 10

// signedIn gives a token other than the refused one. A token of ours is used
// until two thirds of its time are over.
func (k *KMS) signedIn(ctx context.Context, refused string) (string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.token != "" && k.token != refused && (k.until.IsZero() || k.c.Now().Before(k.until)) {
		return k.token, nil
	}
	switch {
	case k.c.RoleID != "":
		err := k.enter(ctx)
		return k.token, err
	case k.c.TokenFile != "":
		token, err := secretIn(k.c.TokenFile)
		if err != nil {
			return "", err
		}
		k.token = token
	default:
		k.token = k.c.Token
	}
	if k.token == refused { // the same again: nothing has changed
		return "", told(http.StatusForbidden, "", nil)
	}
	return k.token, nil
}

// enter signs in by AppRole. The caller holds the lock.
func (k *KMS) enter(ctx context.Context) error {
	secret, err := secretIn(k.c.SecretIDFile)
	if err != nil {
		return err
	}
	k.token = ""
	status, a, err := k.post(ctx, "auth/"+k.c.AuthMount+"/login", "", map[string]string{"role_id": k.c.RoleID, "secret_id": secret})
	switch {
	case err != nil:
		return err
	case status == http.StatusOK && a.Auth != nil && a.Auth.Token != "":
	case status == http.StatusBadRequest || status == http.StatusForbidden || status == http.StatusNotFound:
		return fmt.Errorf("the Vault server answers %d to AppRole: the role id or secret id is wrong or has ended, or the mount is another: %w", status, keys.ErrDenied)
	case status == http.StatusOK:
		return errUnread
	default:
		return told(status, "login", nil)
	}
	k.token, k.until = a.Auth.Token, time.Time{}
	if a.Auth.Lease > 0 {
		k.until = k.c.Now().Add(time.Duration(min(a.Auth.Lease, 1<<31)) * time.Second * 2 / 3)
	}
	return nil
}

// secretIn reads a token or a secret id from a file that others may not read.
func secretIn(path string) (string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return "", fmt.Errorf("sign in to Vault: %w", err)
	}
	if !info.Mode().IsRegular() || info.Mode().Perm()&0o077 != 0 || info.Size() > maxToken {
		return "", fmt.Errorf("sign in to Vault: %s can be read by others or holds no token: run chmod 600 on it", path)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("sign in to Vault: %w", err)
	}
	text := strings.TrimSpace(string(b))
	if text == "" || strings.ContainsAny(text, "\r\n\t ") {
		return "", errors.New("sign in to Vault: " + path + " holds no token")
	}
	return text, nil
}
