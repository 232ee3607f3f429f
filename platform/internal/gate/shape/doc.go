// Package shape knows what the inputs and outputs of operations are made of: it
// visits every text that enters and every sealed field that leaves.
//
// Plans are made once, when the list of operations is made, and cost nothing for
// types without texts or sealed fields. An output leaf that nobody classified is
// refused then: what nobody classified is secret. The package knows no calls, no
// people and no database.
package shape
