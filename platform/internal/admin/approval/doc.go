// Package approval is the desk of four eyes: what waits for a second person, who
// may approve it, and for which operations a tenant asks for one.
//
// Invariants:
//   - Nobody approves or rejects what they proposed; administrators are no
//     exception, and there is no way around it.
//   - An approval runs the gate again for both persons, on the version of the
//     object that the proposal was made on.
//   - A rejection or withdrawal is an event and never a deletion.
//   - Asking for a second person is an access change; ceasing to ask needs a
//     second person itself.
//
// A proposal is seen by whoever made it and by those who hold its operation, see
// its object and are kept from it by no limit. A proposer who may not see the object
// any more sees that they proposed, and nothing of what would change. The desk does not know what the operations do: the gate carries
// them out.
package approval
