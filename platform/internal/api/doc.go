// Package api is the REST front: it turns HTTP requests into calls of the gate
// and the gate's answers and faults into HTTP. It has no list of its own: one
// route for each operation of the gate that has a method and a path, and the
// OpenAPI document is made from the same list.
//
// What it holds:
//   - The credential decides the channel and nothing else does: a bearer key is
//     the API, a site key with its Origin the portal; a session cookie is not
//     looked at. Host and forwarded headers choose neither tenant nor channel.
//   - Path parameters are bound before the decision, query and body after it,
//     so that a 403 comes before a 422.
//   - Input is read strictly: a name that is unknown, doubled or written in
//     another case, text that is not UTF-8, a number that does not fit, deep
//     nesting and trailing data are refused, with the field named in the
//     caller's own words and never the value.
//   - Kinds of fault become statuses in one place (problem.go), and what a
//     fault was caused by goes to the log only.
//   - An unmapped route is an operation too (route.unknown): it goes through
//     tenant, credential, address rules and the audit trail like any other.
//
// It knows no desk, no database and no policy.
package api
