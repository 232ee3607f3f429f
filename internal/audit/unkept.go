//go:build bench

package audit

// Unkept makes a trail that keeps nothing, for measuring what a call costs
// without its entry. It exists under the build tag bench alone.
func Unkept(c Config) *Trail { return &Trail{c: c} }

// unkept reports a trail made by Unkept.
func (t *Trail) unkept() bool { return t.wake == nil }
