// Package parts is the design system of the web front.
package parts
