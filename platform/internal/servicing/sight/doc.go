// Package sight keeps, as rows, the loans that a set of search restrictions
// shows, once in every order of a list, so that a restricted page and its exact
// total cost what an unrestricted one costs.
//
// Invariants:
//   - Places (visible_place) and tally (visible_set) move in the transaction of
//     every change of a loan that a rule can read or a list sorts by; the places
//     are made in short pieces, and a set is used only when it is ready.
//   - A set is named by its rules as compiled. Rules that read the date have one
//     set for each day, under the condition of that day, and no other day's
//     serves.
//   - A loan that is in any set remembers the keys under which it lies
//     (placed_…); they are what moves it.
//   - Sets make lists quick and decide nothing: whoever shows a loan judges it by
//     the Scope's own condition.
//   - What an import has not landed is in no set; landing voids all sets.
//
// It must not know how loans are shown, or what else is kept about them.
package sight

import "github.com/lendkeep/lendkeep/platform/internal/gate"

// Landed is the condition, over a loan with alias l, that leaves out what an
// import has not landed yet.
const Landed = gate.Landed
