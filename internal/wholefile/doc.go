// Package wholefile replaces files at once.
//
// What it owns: the hidden file beside a target that is written first, and its rename.
//
// Invariants: a reader finds the file before or the file after, never a part of either. A
// process that is killed may leave a hidden file .new-*, which no reader takes for the
// target. Nothing is synced to the disk: what a power cut must not lose is not written here.
//
// Concurrency: of several writers of one file, the last one's content stays.
package wholefile
