// Package origination is the desk of applications for credit: they come in from
// hosted forms, from lenders' servers and by the hand of officers; the network
// they came from is checked; rules decide, with reasons; an underwriter approves,
// rejects or sends them for reprocessing.
//
//	submit ──▶ manual_review (check pending) ──check──▶ waiting_for_approval
//	              │                                   ▶ manual_review
//	              │                                   ▶ rejected
//	              └──▶ approve ──▶ approved (a loan)    reject ──▶ rejected
//
// Invariants: nothing is approved by itself; a submission never waits for a
// provider, and if the check never comes the application lies with an
// underwriter from the start; an answer that failed or is not known neither
// passes nor rejects anybody; a late or repeated check adds a record and changes
// the outcome only while no person has acted; looking or deciding again uses the
// pinned facts and asks nobody; no provider is asked about an address that is
// not public.
//
// The desk knows no loan, no HTTP and no other desk: approval hands the terms to
// a function wired at the roof.
package origination
