package registry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
)

// Roles of a cluster, each with its own names.
const (
	CoordinatorRole = "coordinator"
	ExpertNodeRole  = "expertnode"
	RouterRole      = "router"
	GatewayRole     = "gateway"
)

// Holder is the run of a process that holds a name.
type Holder struct {
	Run     string    `json:"run"` // random: no two runs share it
	Host    string    `json:"host"`
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	// Machine names the kernel and the PID namespace in which PID counts, and
	// Ticks the start of the process there, so that a later process with the same
	// PID is another process.
	Machine string `json:"machine"`
	Ticks   string `json:"ticks"`
	// Gossip is the address of its gossip listener; empty if it has none.
	Gossip string `json:"gossip,omitempty"`
	// Version names the build of its program; empty if the program does not know.
	Version string `json:"version,omitempty"`
}

// NameError means that another running process holds the name.
type NameError struct {
	Role, ID string
	Holder   Holder
}

func (e *NameError) Error() string {
	return fmt.Sprintf("the name %s is in use: %s %s runs as process %d on %s since %s",
		e.ID, e.Role, e.ID, e.Holder.PID, e.Holder.Host, e.Holder.Started.Format(time.DateTime))
}

// errNameLost means that this process does not hold its name at present.
var errNameLost = errors.New("another process may hold this process's name")

// Name is the claim of a process to its name: one key under a lease. Only the
// process that holds the name writes records.
type Name struct {
	r       *Registry
	key     string
	refusal NameError // without the holder
	value   []byte    // the Holder of this process
	ended   func(Holder) (ended, known bool)
	stop    context.CancelFunc
	done    chan struct{}
	decided chan struct{} // closed by the first success and by a refusal

	mu       sync.Mutex // guards the fields below
	lease    LeaseID
	revision int64 // of the key's write; 0 while the name is not held
	refused  error
}

// Claim claims a name for this process, and claims it again when its lease was
// lost. The name of a process that has ended is taken over: at once when ended
// knows of the end, otherwise when the lease of that process has ended. A holder
// that is known to run, or renews its lease, keeps the name, and Wait returns a
// *NameError.
//
// Sessions that are opened after Claim write their records only while the name is
// held.
func (r *Registry) Claim(ctx context.Context, role, id string, mine Holder, ended func(Holder) (ended, known bool)) (*Name, error) {
	value, err := json.Marshal(mine)
	if err != nil {
		return nil, fmt.Errorf("holder of a name: %w", err)
	}
	ctx, stop := context.WithCancel(ctx)
	n := &Name{
		r: r, key: r.nameKey(role, id), refusal: NameError{Role: role, ID: id}, value: value, ended: ended, stop: stop,
		done: make(chan struct{}), decided: make(chan struct{}),
	}
	r.mu.Lock()
	r.name = n
	r.mu.Unlock()
	r.start(ctx, n.keep)
	return n, nil
}

// claimed is the name of this process; nil if it claimed none.
func (r *Registry) claimed() *Name {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.name
}

// Wait returns nil when the name is held for the first time, a *NameError when
// another process holds it, and the error of ctx when ctx ends. A nil Name needs
// no claim.
func (n *Name) Wait(ctx context.Context) error {
	if n == nil {
		return nil
	}
	select {
	case <-n.decided:
		n.mu.Lock()
		defer n.mu.Unlock()
		return n.refused
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Release gives the name back at once. A nil Name, or one that is not held, needs
// no store.
func (n *Name) Release(ctx context.Context) error {
	if n == nil {
		return nil
	}
	n.stop()
	<-n.done
	n.mu.Lock()
	lease := n.lease
	n.mu.Unlock()
	return n.r.revoke(ctx, lease)
}

// guard is the condition that the name is still held.
func (n *Name) guard() (Guard, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.revision == 0 {
		return Guard{}, errNameLost
	}
	return Guard{Key: n.key, Revision: n.revision}, nil
}

// keep claims the name and renews the lease until ctx ends or the claim is
// refused.
func (n *Name) keep(ctx context.Context) {
	defer close(n.done)
	rival := rival{patience: 2*n.r.opts.TTL + time.Second}
	serving, lost := false, false
	waits := episode.New(n.r.opts.Logger, slog.LevelWarn, "waiting for etcd", "etcd answers", "key", episode.State)
	for wait := firstBackoff; ctx.Err() == nil; {
		held, err := n.once(ctx, &rival)
		var refused *NameError
		switch {
		case held:
			if !serving {
				close(n.decided)
			}
			waits.Worked(n.key)
			serving, lost, wait = true, false, firstBackoff
			sleep(ctx, n.r.opts.TTL/3)
			continue
		case errors.Is(err, errMayEnd): // it was logged
		case !errors.As(err, &refused): // the store cannot be reached
			if !serving && ctx.Err() == nil { // later its records say so
				waits.Failed(n.key, "err", err)
			}
		case !serving:
			n.refuse(refused)
			return
		case !lost: // the process serves on, without a record
			n.r.opts.Logger.Error("another process is registered under this name", "key", n.key, "pid", refused.Holder.PID, "host", refused.Holder.Host)
			lost = true
		}
		sleep(ctx, wait)
		wait = min(2*wait, maxBackoff, n.r.opts.TTL/3)
	}
}

// refuse ends the claim.
func (n *Name) refuse(by *NameError) {
	n.mu.Lock()
	n.refused = by
	n.mu.Unlock()
	close(n.decided)
}

// once renews the lease of the name, or claims the name.
func (n *Name) once(ctx context.Context, rival *rival) (held bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	lease, err := n.renew(ctx)
	if err != nil {
		return false, err
	}
	entries, err := n.r.store.Get(ctx, n.key)
	if err != nil {
		return false, err
	}
	var seen Entry
	for _, e := range entries {
		if e.Key == n.key { // not a longer name
			seen = e
		}
	}
	switch {
	case seen.Key != "" && !seen.Stale && seen.Lease == lease && bytes.Equal(seen.Value, n.value):
		n.hold(seen.Modified)
		return true, nil
	case seen.Key != "" && !bytes.Equal(seen.Value, n.value):
		n.hold(0)
		if err := n.judge(ctx, seen, rival); err != nil {
			return false, err
		}
	}
	revision, err := n.r.store.Commit(ctx, []Guard{{Key: n.key, Revision: seen.Modified}}, n.key, n.value, lease)
	if err != nil {
		return false, err
	}
	n.hold(revision)
	return true, nil
}

// renew renews the lease, or grants one.
func (n *Name) renew(ctx context.Context) (lease LeaseID, err error) {
	n.mu.Lock()
	lease = n.lease
	n.mu.Unlock()
	if lease != 0 {
		if err := n.r.store.Renew(ctx, lease); !errors.Is(err, ErrLeaseEnded) {
			return lease, err
		}
		n.hold(0)
	}
	if lease, err = n.r.store.Grant(ctx, n.r.opts.TTL); err != nil {
		return 0, err
	}
	n.mu.Lock()
	n.lease = lease
	n.mu.Unlock()
	return lease, nil
}

func (n *Name) hold(revision int64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.revision = revision
}

// errMayEnd means that the holder may have ended: its lease will show it.
var errMayEnd = errors.New("the lease of the process that had this name has not ended")

// judge returns nil when the holder of the name has ended.
func (n *Name) judge(ctx context.Context, seen Entry, r *rival) error {
	refused := n.refusal
	if json.Unmarshal(seen.Value, &refused.Holder) != nil {
		return nil // a damaged value holds nothing
	}
	if ended, known := n.ended(refused.Holder); known {
		if ended {
			return nil
		}
		return &refused
	}
	left, err := n.r.store.Remaining(ctx, seen.Lease)
	switch {
	case errors.Is(err, ErrLeaseEnded):
		return nil
	case err != nil:
		return err
	case r.renews(seen.Lease, left, time.Now()):
		return &refused
	}
	if !r.reported {
		n.r.opts.Logger.Warn("waiting for the lease of a process that had this name", "key", n.key, "pid", refused.Holder.PID, "host", refused.Holder.Host)
		r.reported = true
	}
	return errMayEnd
}

// rival is what was seen of the lease of another holder.
type rival struct {
	patience time.Duration // a lease that lasts longer is renewed
	lease    LeaseID
	left     time.Duration
	since    time.Time
	reported bool
}

// renews reports whether a lease with some time left was renewed since the call
// before.
func (r *rival) renews(lease LeaseID, left time.Duration, now time.Time) bool {
	if lease != r.lease {
		r.lease, r.left, r.since = lease, left, now
		return false
	}
	longer := left > r.left
	r.left = left
	return longer || now.Sub(r.since) > r.patience
}
