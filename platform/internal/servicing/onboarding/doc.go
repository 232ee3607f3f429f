// Package onboarding is the room where books of loans arrive as CSV files.
//
// Invariants:
//   - A file is taken whole or not at all, unless its owner asks for the good
//     rows alone; every bad row is reported with line, column and reason, never
//     with what stood there.
//   - Rows are written in short transactions under an import run and are seen by
//     nobody until one small transaction lands the run. Whoever dies before that
//     leaves nothing visible; Sweep clears it away.
//   - The file is read as a stream with bounds on every record; nothing in it is
//     trusted: encodings, quotes, formulas and card numbers are refused.
//
// It must not know HTTP or terminals; progress and problems go to functions
// that the caller hands in.
package onboarding
