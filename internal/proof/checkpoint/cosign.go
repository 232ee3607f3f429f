package checkpoint

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrCosigner is the error of a witness's key that cannot be read.
var ErrCosigner = errors.New("not the key of a witness: name+hash+key, as its keeper publishes it")

// cosigner is the key type of a witness's signature, C2SP tlog-cosignature.
const cosigner = 0x04

// cosigned is a witness's key.
type cosigned struct {
	name   string
	hash   []byte
	public ed25519.PublicKey
}

func readCosigner(key string) (c cosigned, err error) {
	part := strings.SplitN(key, "+", 3)
	if len(part) != 3 || part[0] == "" {
		return c, ErrCosigner
	}
	raw, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(raw) != 1+ed25519.PublicKeySize || raw[0] != cosigner {
		return c, ErrCosigner
	}
	sum := sha256.Sum256(append([]byte(part[0]+"\n"), raw...))
	if hex.EncodeToString(sum[:4]) != part[1] {
		return c, ErrCosigner
	}
	return cosigned{part[0], sum[:4], raw[1:]}, nil
}

// IsCosigner checks a witness's key; ErrCosigner if it is none.
func IsCosigner(key string) error {
	_, err := readCosigner(key)
	return err
}

// CosignerKey gives a witness's key in the words in which it is published.
func CosignerKey(name string, public []byte) string {
	raw := append([]byte{cosigner}, public...)
	sum := sha256.Sum256(append([]byte(name+"\n"), raw...))
	return name + "+" + hex.EncodeToString(sum[:4]) + "+" + base64.StdEncoding.EncodeToString(raw)
}

// cosignedText is what a witness signs: when it saw which text.
func cosignedText(text string, at uint64) []byte {
	return []byte("cosignature/v1\ntime " + strconv.FormatUint(at, 10) + "\n" + text)
}

// Cosign gives the signature line of a witness that saw a text at an instant, in Unix
// seconds.
func Cosign(name string, private ed25519.PrivateKey, text string, at uint64) string {
	c, err := readCosigner(CosignerKey(name, private.Public().(ed25519.PublicKey)))
	if err != nil {
		panic(err) // it was written by the line before
	}
	sig := binary.BigEndian.AppendUint64(bytes.Clone(c.hash), at)
	sig = append(sig, ed25519.Sign(private, cosignedText(text, at))...)
	return signature + name + " " + base64.StdEncoding.EncodeToString(sig) + "\n"
}

// Cosigned checks that a signed note carries a signature of the witness with that key.
func Cosigned(signed, key string) error {
	c, err := readCosigner(key)
	if err != nil {
		return err
	}
	text, lines, found := strings.Cut(signed, "\n\n")
	if !found {
		return ErrForm
	}
	for _, l := range strings.Split(lines, "\n") {
		name, sig, _ := strings.Cut(strings.TrimPrefix(l, signature), " ")
		raw, err := base64.StdEncoding.DecodeString(sig)
		if name != c.name || err != nil || len(raw) != 4+8+ed25519.SignatureSize || !bytes.Equal(raw[:4], c.hash) {
			continue
		}
		if !ed25519.Verify(c.public, cosignedText(text+"\n", binary.BigEndian.Uint64(raw[4:])), raw[12:]) {
			return fmt.Errorf("%w: the signature of %s does not hold", ErrUnsigned, name)
		}
		return nil
	}
	return ErrUnsigned
}
