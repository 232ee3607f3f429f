//go:build !control_unwitnessed

package audit

// witnessed: what was kept elsewhere is compared. Only the control build, which the
// harness of mutations must catch, leaves it out.
const witnessed = true
