// Package docket is the register of applications and what belongs to them: the
// applicant, network checks, verdicts, moves of status, the rules they were
// decided by, and the connection to the provider of network facts.
//
// Invariants: whoever reads applications hands in a gate.Scope, whose condition
// comes first; checks, verdicts, moves and rule sets are only ever added; every
// personal field is sealed under the key that is named by the application's id
// and is found, if at all, by a blind index; an application is changed only
// after Lock, so that two callers never decide it at once.
//
// It must not know rules' meaning, providers, jobs or HTTP.
package docket
