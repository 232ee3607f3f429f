// Package bench measures the house against its targets: `make bench` prints
// every figure beside its peer on the same work, and docs/performance.md keeps
// them. Nothing here runs without the build tag bench, and nothing is asserted
// about time: a busy machine must not fail a build.
//
// The two sides of a ratio take turns within one run, so that whatever else the
// machine does falls on both. It knows every floor, and no floor knows it.
package bench
