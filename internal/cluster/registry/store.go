package registry

import (
	"context"
	"errors"
	"time"
)

// Store keeps the keys of a registry: etcd, or memory of this process.
//
// A store has one revision, which every write raises. A method fails when the
// store cannot be reached; the registry asks again.
type Store interface {
	// Get reads the entries under prefixes at one revision, in order of key.
	Get(ctx context.Context, prefixes ...string) ([]Entry, error)
	// Put writes a key; lease 0 is none. A lease that ended is ErrLeaseEnded.
	Put(ctx context.Context, key string, value []byte, lease LeaseID) error
	// Delete removes a key; Clear removes the keys under a prefix.
	Delete(ctx context.Context, key string) error
	Clear(ctx context.Context, prefix string) error
	// Commit writes a key if every guard holds, and returns the revision of the
	// write; otherwise ErrFenced. Lease 0 is none. A lease that ended is
	// ErrLeaseEnded.
	Commit(ctx context.Context, guards []Guard, key string, value []byte, lease LeaseID) (int64, error)

	// Grant makes a lease that ends a TTL after its last renewal. The keys under
	// a lease end with the lease.
	Grant(ctx context.Context, ttl time.Duration) (LeaseID, error)
	// Renew fails with ErrLeaseEnded when the lease has ended.
	Renew(ctx context.Context, lease LeaseID) error
	// Remaining is the time until a lease ends, in whole seconds if the store
	// counts in seconds. A lease that ended is ErrLeaseEnded.
	Remaining(ctx context.Context, lease LeaseID) (time.Duration, error)
	// Revoke ends a lease now.
	Revoke(ctx context.Context, lease LeaseID) error

	// Watch calls changed with the values under a prefix, first as they are and
	// then at every change. Watch returns when ctx ends, when the store cannot
	// be reached, or when what answers may be another store than before; the
	// result reports whether changed was called at all.
	Watch(ctx context.Context, prefix string, changed func(values map[string][]byte)) bool
	// Campaign waits to win the election of a prefix, with a lease that is
	// renewed until ctx ends.
	Campaign(ctx context.Context, prefix string, value []byte, ttl time.Duration) (*Term, error)
}

// LeaseID names a lease; 0 is no lease.
type LeaseID int64

// Entry is a key as a store has it.
type Entry struct {
	Key      string
	Value    []byte
	Lease    LeaseID
	Created  int64 // revision
	Modified int64 // revision
	// Stale asks to write the value again as it is: its signature will end with the
	// trust in an authority that has a successor.
	Stale bool
}

// Guard is a revision that a key must have for a write; 0 is a key that does
// not exist.
type Guard struct {
	Key      string
	Created  bool // the revision of the key's creation; otherwise of its last write
	Revision int64
}

// Term is a won election.
type Term struct {
	Leadership
	// Lost is closed when the lease has ended.
	Lost <-chan struct{}
	// Resign gives leadership back at once.
	Resign func(ctx context.Context) error
}

var (
	// ErrFenced means that this coordinator no longer leads, or that another
	// process wrote in between.
	ErrFenced = errors.New("the write was fenced: another coordinator leads")
	// ErrLeaseEnded means that a lease was not renewed in time.
	ErrLeaseEnded = errors.New("the lease has ended")
)
