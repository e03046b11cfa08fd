// Package planner decides which node should hold which expert.
//
// What it owns: nothing; Compute is a pure function.
//
// Invariants: the same input gives the same plan, and a plan fed back as the
// nodes' assignment gives itself. No node holds two copies of an expert. Every
// expert gets its first copy before any gets its second. A node never gets more
// than its capacity, counting what it still holds and will only drop later. A
// copy that has a place keeps it, unless its node leaves or the policy moves it.
//
// Policies: column puts expert e of every layer on node e mod N, the shape the
// model was trained in; what cannot be at home is spread over the others.
// balanced keeps what is placed, gives missing copies to the node that is done
// first with them, heaviest first (Graham's LPT rule), in a zone without a copy
// where it can, and moves placed copies only as far as Input.Moves allows. eplb
// places as DeepSeek's EPLB does, on equal nodes with counts that divide, and
// as balanced elsewhere. Type costs has the formula that plans are judged by.
//
// Concurrency: safe.
//
// References: Graham, "Bounds on multiprocessing timing anomalies" (1969);
// DeepSeek's EPLB; MegaScale-Infer, arXiv 2504.02263; Janus, arXiv 2512.13525.
package planner
