//go:build control_stale

package revocation

// policyIsChecked is false in the control build, which the harness must catch.
const policyIsChecked = false
