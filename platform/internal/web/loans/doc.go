// Package loans is the room of the loan book: the list of loans, a loan with
// its schedule, ledger, payoff, borrower, notes and history, the forms that move
// money or change a loan, and the borrowers.
//
// Invariants. The address holds filter, order, page and tab, so that Back and a
// copied link work. What a page shows comes from one batch of reads. A button
// stands on a page only if the person could press it now; the gate decides again
// when it is pressed. Each act has a page of its own that names its object and
// says what will happen, keeps what was typed after an error, and is posted once
// however often it is pressed. Personal data stays masked; one field at a time
// is shown in full, for a reason, on the answer to that very form.
//
// The room knows the desks' inputs and outputs, not their rows or rules: it
// computes no money and no date of a loan.
package loans
