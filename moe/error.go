package moe

import (
	"errors"
	"fmt"
	"time"
)

// Kind is the closed list of ways an expert call or a placement can fail.
// The numbers are a wire contract: never reuse one.
type Kind int

const (
	// Internal is a broken invariant of ours.
	Internal Kind = 0
	// Busy means the node's queue or credits are full: wait or ask another.
	Busy Kind = 1
	// NotHosted means the node does not hold the expert (any more).
	NotHosted Kind = 2
	// Mismatch means the fingerprints differ: the rows must not be used.
	Mismatch Kind = 3
	// Unreachable means the node could not be asked, or did not answer.
	Unreachable Kind = 4
	// NoReplica means no replica of an expert is left at this epoch.
	NoReplica Kind = 5
	// Corrupt means a message's checksum or structure was wrong.
	Corrupt Kind = 6
	// Invalid means the request itself is wrong: it would fail anywhere.
	Invalid Kind = 7
	// Draining means the node takes no new calls.
	Draining Kind = 8
)

var kindNames = map[Kind]string{
	Internal: "internal", Busy: "busy", NotHosted: "not hosted", Mismatch: "mismatch",
	Unreachable: "unreachable", NoReplica: "no replica", Corrupt: "corrupt",
	Invalid: "invalid", Draining: "draining",
}

func (k Kind) String() string {
	if s, ok := kindNames[k]; ok {
		return s
	}
	return fmt.Sprintf("kind %d", int(k))
}

// Error is a failure of a known kind. It crosses the wire and comes back the
// same.
type Error struct {
	Op   string // what was being done, for example "expert call"
	Node NodeID // the node asked, if any
	Kind Kind
	Err  error // the cause, if any
	// Newer is the newest placement the failing node knew, if any.
	Newer *Placement
	// RetryAfter is a hint of a Busy node: by then it expects to have room. 0
	// is no hint.
	RetryAfter time.Duration
}

func (e *Error) Error() string {
	s := e.Op
	if e.Node != "" {
		s += " on " + string(e.Node)
	}
	s += ": " + e.Kind.String()
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

func (e *Error) Unwrap() error { return e.Err }

// KindOf finds the kind of the first Error in err's chain; Internal if none.
func KindOf(err error) Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Kind
	}
	return Internal
}
