//go:build !control_stale

package policy

// versionChecked says that a compiled policy serves only the version that it was
// compiled from. It is false in one build alone, which proves that the harness of
// revocations would notice (see version_control.go); no program is built so.
const versionChecked = true
