//go:build !race

package rule

const slowdown = 1
