//go:build control_unwitnessed

package audit

// witnessed is false in the control build alone: it forgets to compare with what was
// kept elsewhere.
const witnessed = false
