// Package gate is the only way to reach a desk.
//
// Everything that a person or a program can do is one Op in one list. For
// every call the gate does, in this order: tenant → principal (session or key)
// → address rules and factors → permission for this channel → decode and
// validate input → card-number guard → row scope → the operation, in one
// transaction with one instant → field visibility over the output → audit
// entry → commit → answer. A 403 therefore comes before a 422, and no entry
// means no effect and no answer.
//
// Nothing is stale: credential and policy version are read in the same
// transaction as the data; compiled policies are cached by version. Writes
// decide, read the body outside any transaction, begin, read the version again
// and decide again only if it moved.
//
// The gate knows no desk and no HTTP. Only it can make a Scope, and the zero
// Scope shows nothing.
package gate
