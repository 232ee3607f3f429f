// Package documents keeps the files that people put with a loan, a borrower or
// an application: pay slips, proofs of address, letters.
//
// Invariants:
//   - A file is kept byte for byte, sealed under the key of the person whom it is
//     about, name and all: with that key it goes, in every backup. Each part is
//     bound to its place in its document, and the document to its subject, so that
//     neither can be swapped, cut or put with somebody else.
//   - PDF, PNG, JPEG, CSV and text are taken, by what they begin with and by what
//     they are called, which must agree. Nothing is parsed, drawn or converted; text
//     and CSV, being text that enters, go through the card-number guard.
//   - Whoever reaches a document sees its subject: the subject is looked for first,
//     in the caller's scope, and hidden is missing. The limits of the area
//     "documents" hold on it.
//   - Removing hides. The content stays, sealed, until the person is erased: what a
//     lender was given belongs to the records that the law has it keep.
//
// It must not know other desks (the roof tells whose key seals a subject), HTTP,
// or screens.
package documents
