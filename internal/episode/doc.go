// Package episode logs faults that last: one line when a fault of a subject begins,
// and one when it has ended, however often it is seen in between. A fault whose reason
// changes has a line for each reason.
//
// What it owns: the rule. A fault has ended when its subject works, and has not failed
// for a time before, which is quiet: one that comes and goes within it is one fault.
//
// Invariants: a subject has at most two lines in that time, and one more for each
// change of the reason. At most maxSubjects are
// remembered; of others no line is written.
//
// Concurrency: a Log is safe for concurrent use. Worked costs one atomic load while no
// fault lasts.
package episode
