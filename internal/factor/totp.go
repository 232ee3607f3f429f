package factor

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/pquerna/otp"
	"github.com/pquerna/otp/hotp"

	"github.com/lendkeep/lendkeep/internal/secret"
)

// What every authenticator app understands. Several ignore the parameters of
// the address and assume these, so there is nothing to choose.
const (
	totpPeriod = 30 // seconds
	totpDigits = otp.DigitsSix
	totpSkew   = 1  // steps of disagreement between the clocks, each way
	totpBytes  = 20 // of a secret: the length of the hash (RFC 4226, section 4)
)

const second = int64(1_000_000) // in microseconds

var base32Plain = base32.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567").WithPadding(base32.NoPadding)

// Enrolment is what a person needs to put a secret into an authenticator app.
// Every part of it is the secret in another dress: show it once, log nothing.
type Enrolment struct {
	Typed secret.Text // the secret in groups of four, for typing in
	URI   secret.Text // the otpauth:// address, for a link on the phone itself
	QR    QR          // the address as a picture, for the phone's camera
}

// NewTOTPSecret draws a secret of 160 random bits, in base32. The caller seals
// it, shows it with ShowTOTP, and counts it as a factor only after the first
// code was right.
func NewTOTPSecret() secret.Text {
	b := make([]byte, totpBytes)
	rand.Read(b)
	return secret.NewText(base32Plain.EncodeToString(b))
}

// ShowTOTP gives the ways to carry a secret into an app, where it will be
// listed under the issuer's and the account's name. Neither may be empty.
func ShowTOTP(s secret.Text, issuer, account string) (Enrolment, error) {
	raw, err := base32Plain.DecodeString(s.Reveal())
	if err != nil || len(raw) != totpBytes {
		return Enrolment{}, errors.New("this is no secret of ours for one-time codes")
	}
	issuer, account = label(issuer), label(account)
	if issuer == "" || account == "" {
		return Enrolment{}, errors.New("one-time codes need the name of an issuer and of an account")
	}
	// Written here and not by the library, which leaves "&" as it is: the name
	// "Smith & Sons" would end behind Smith.
	uri := fmt.Sprintf("otpauth://totp/%s:%s?secret=%s&issuer=%s&algorithm=SHA1&digits=%d&period=%d",
		escape(issuer), escape(account), s.Reveal(), escape(issuer), totpDigits, totpPeriod)
	qr, err := drawQR(uri)
	if err != nil {
		return Enrolment{}, err
	}
	return Enrolment{Typed: secret.NewText(fours(s.Reveal(), " ")), URI: secret.NewText(uri), QR: qr}, nil
}

// label keeps the colon, which parts issuer and account, out of either.
func label(s string) string {
	return strings.Join(strings.Fields(strings.ReplaceAll(s, ":", " ")), " ")
}

// escape writes a space as %20: some apps show a plus as a plus.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// fours puts sep after every fourth character but the last.
func fours(s, sep string) string {
	var b strings.Builder
	for i := range len(s) {
		if i > 0 && i%4 == 0 {
			b.WriteString(sep)
		}
		b.WriteByte(s[i])
	}
	return b.String()
}

// VerifyTOTP reports whether code is right at an instant and later than the
// step last, and the step that it belongs to. The caller stores the step as the
// new last in the transaction that lets the person in, if last is still what it
// was: that is what makes a code good once. Spaces and hyphens in the code are
// fine. Three codes in a million are right at any instant, so the caller must
// lock after a few wrong ones.
func VerifyTOTP(s, code secret.Text, at, last int64) (step int64, ok bool) {
	typed := []byte(digits(code.Reveal()))
	now := at / (totpPeriod * second)
	for c := now - totpSkew; c <= now+totpSkew; c++ {
		want, err := hotp.GenerateCodeCustom(s.Reveal(), uint64(c), hotp.ValidateOpts{Digits: totpDigits, Algorithm: otp.AlgorithmSHA1})
		if err != nil {
			return 0, false // a secret that is not base32; the text may hold it, so it goes nowhere
		}
		// All steps are computed, right or not. Where two steps share a code the
		// later one counts, or the same digits would be good a second time.
		if subtle.ConstantTimeCompare(typed, []byte(want)) == 1 {
			step, ok = c, true
		}
	}
	if !ok || step <= last {
		return 0, false
	}
	return step, true
}

// digits takes the spaces and hyphens out of a typed code.
func digits(s string) string {
	if len(s) > 32 {
		return ""
	}
	return strings.NewReplacer(" ", "", "-", "", "\u00a0", "", "\t", "").Replace(s)
}
