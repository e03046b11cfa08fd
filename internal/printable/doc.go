// Package printable makes text from the network fit for a terminal: names, reasons,
// errors and answers could otherwise move its cursor, change its colors or its title,
// write to its clipboard, or show words in another order than they have.
//
// What it owns: the escape of one text, and a writer for output of lines.
//
// Invariants: what it returns is valid UTF-8 in which new lines and tabs are the only
// control characters; a Line has neither. Text without others is returned as it is.
//
// Concurrency: Text is pure; a Writer is used as the writer that it wraps.
//
// References: Unicode Standard Annex 9 (bidirectional controls); ECMA-48.
package printable
