//go:build !control_stale

package revocation

// policyIsChecked: the build under test holds every policy to its version.
const policyIsChecked = true
