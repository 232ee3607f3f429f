package factor

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base32"
	"strings"

	"github.com/lendkeep/lendkeep/internal/secret"
)

const (
	recoveryCodes   = 10
	recoveryBytes   = 10 // 80 random bits a code: 16 characters, four groups of four
	recoveryLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
)

// Letters that are easily misread are never printed; typed, they are read as
// the ones that they are taken for.
var (
	recoveryEncoding = base32.NewEncoding(recoveryLetters).WithPadding(base32.NoPadding)
	misread          = strings.NewReplacer("O", "0", "I", "1", "L", "1", "U", "V", "-", "", " ", "", "\u00a0", "", "\t", "", "\r", "", "\n", "", "\u2011", "", "\u2013", "")
)

// NewRecoveryCodes draws ten codes, to be shown once, and their hashes, to be
// kept. The person is the owner's id: a hash is good for this person only.
//
// One round of SHA-256 is enough here, where a password needs a slow hash: the
// codes are 80 random bits, so whoever steals the hashes has 2^80 guesses to
// make and no list of likely ones to begin with.
func NewRecoveryCodes(person string) (codes []secret.Text, hashes [][]byte) {
	for range recoveryCodes {
		b := make([]byte, recoveryBytes)
		rand.Read(b)
		plain := recoveryEncoding.EncodeToString(b)
		codes = append(codes, secret.NewText(fours(plain, "-")))
		hashes = append(hashes, recoveryHash(person, plain))
	}
	return codes, hashes
}

// MatchRecoveryCode finds the hash of a typed code among those of a person that
// are still good. The caller deletes that hash in the transaction that lets the
// person in, and lets nobody in if it was gone already.
func MatchRecoveryCode(person string, typed secret.Text, hashes [][]byte) (index int, ok bool) {
	plain, readable := readRecoveryCode(typed.Reveal())
	sum := recoveryHash(person, plain)
	for i, h := range hashes { // to the end, right or not
		if subtle.ConstantTimeCompare(sum, h) == 1 {
			index, ok = i, readable
		}
	}
	return index, ok
}

// readRecoveryCode brings a typed code to its one form: case, groups, and
// letters that were misread on paper do not matter.
func readRecoveryCode(s string) (plain string, ok bool) {
	if len(s) > 64 {
		return "", false
	}
	plain = misread.Replace(strings.ToUpper(s))
	b, err := recoveryEncoding.DecodeString(plain)
	if err != nil || len(b) != recoveryBytes {
		return "", false
	}
	return plain, true
}

// recoveryHash binds a code to its owner. The zero byte cannot be in an id.
func recoveryHash(person, plain string) []byte {
	h := sha256.New()
	h.Write([]byte("lendkeep recovery code\x00" + person + "\x00" + plain))
	return h.Sum(nil)
}
