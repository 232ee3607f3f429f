// Package factor holds the mechanics of proving who somebody is beyond a
// password: one-time codes of an authenticator app (TOTP), recovery codes,
// passkeys (WebAuthn), and the check that a password is not one that every
// attacker tries first. Both programs share it.
//
// Invariants: a code, a recovery code and a ceremony is good once, provided
// the caller keeps what it is told to keep, in the transaction that lets the
// person in; comparisons take the same time whether right or wrong; secrets
// are secret.Text; errors never say what was expected or what was typed.
//
// It knows no database, no HTTP, no clock and no policy: instants arrive in
// unix microseconds, rows and locks after wrong tries are the caller's, and so
// is whether a factor is needed at all.
package factor
