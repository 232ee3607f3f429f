//go:build race

package rule

// The race detector makes everything slower; bounds of time are judged without it.
const slowdown = 20
