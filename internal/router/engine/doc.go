// Package engine runs the step loop: it admits requests, asks the scheduler
// for a batch, carries it through the model, samples, and commits.
//
// What it owns: all sequence state. Commit is the only place where a sequence
// changes.
//
// # A request
//
//	          first rows             known tokens         last event
//	                                 computed
//	+---------+ -------> +---------+ -------------> +--------+ -------> +------+
//	| waiting |          | prefill |                | decode |          | done |
//	+---------+ <------- +---------+                +--------+          +------+
//	     ^      preempted                                | preempted
//	     +-----------------------------------------------+
//
//	state     where                                  holds
//	waiting   the inbox, then the scheduler's        no block
//	          waiting queue
//	prefill   the scheduler's running queue          the blocks of its known tokens
//	decode    the same                               the same, and those of its draft
//	done      only the client refers to the stream   nothing
//
//	event            from              action
//	step committed   prefill, decode   Computed moves on; at the end of the known tokens,
//	                                   add a token and one for each accepted draft token
//	step abandoned   prefill, decode   nothing: a later step computes its positions again;
//	                                   done, with the error, if the cause is final (abandon)
//	preempted        prefill, decode   free the blocks, Computed = 0; keep the tokens, the
//	                                   sampler and what was reported
//	context ended    any before done   done, with context.Cause, when Run collects next
//	draw failed      prefill, decode   done, with the error; other requests go on
//	Run's ctx ended  any before done   done, with ErrStopped
//
// Invariants: the tokens and log probabilities of a request depend only on the
// model and the request: not on what else runs, on chunks, on what is cached, on
// preemption, on drafts. A step that fails is abandoned before commit, so
// nothing it did is visible and its sequences run again with the same bits. A
// step without a replica for some expert waits for a newer placement or for the
// requests' deadlines; it never answers with less than the model. A request
// whose context ends is forgotten within one step. What a client does not read
// never holds up the loop.
//
// Several answers to one prompt are requests of their own that differ in Choice.
// Submitted together they share the prefill: see package kvcache.
//
// A request may come with the beginning of its answer, which another engine has
// drawn. It goes on with the events that the other engine would have sent: what a
// draw depends on is computed again from the tokens (answer.go).
//
// Concurrency: Run is the one goroutine that touches sequences; Submit and the
// methods of Stream may be called from any goroutine. Within a step the draws
// of different requests run at the same time, each on its own request's state;
// between steps the next mask of a grammar is worked out in a goroutine that Run
// joins.
//
// References: Yu et al., Orca (OSDI 2022), for iteration-level scheduling;
// Saxena, "Prompt lookup decoding" (2023), for drafts.
package engine
