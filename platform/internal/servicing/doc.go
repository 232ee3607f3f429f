// Package servicing is the desk that runs loans: borrowers, loans, their ledger,
// portfolios, source companies, custom fields and notes, as operations of the
// gate's one list, one file each.
//
// Invariants: rows are reached through package book, under the call's scope;
// money moves only as ledger entries that the replay accepts; every change
// notes its fields for the audit entry; nothing here reads a clock.
//
// It must not know other desks (the roof wires them), HTTP, or screens.
package servicing
