// Package revocation proves the promise about revocation: once it is
// acknowledged, no call under the old right begins or commits, on any node.
//
// Three nodes share one PostgreSQL. A person works on all of them at once; an
// administrator takes a right away on one of them; whatever the person began
// after the answer must be refused, and nothing of theirs may be committed after
// it. A build without the version check (tag control_stale) must be caught by the
// same harness. It holds tests only and knows every floor.
package revocation
