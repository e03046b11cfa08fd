package rpc

import (
	"context"
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/moe"
)

const (
	// minRetry is the time to the first try to open a kept stream again; each further
	// one takes twice as long, up to maxRetry.
	minRetry = 50 * time.Millisecond
	maxRetry = time.Second
)

// keepers hold streams open to the nodes that Keep was called with last.
type keepers struct {
	steady time.Duration // how long a stream is open when the fault before it has ended
	faults *episode.Log

	of map[moe.Replica]*keeper // guarded by Pool.mu
}

func newKeepers(logger *slog.Logger) keepers {
	return keepers{
		steady: episode.Flapping, of: map[moe.Replica]*keeper{},
		faults: episode.New(logger, slog.LevelWarn, "expert node cannot be reached, trying again", "expert node is reached again, or not needed any more", "node", episode.State),
	}
}

// keeper holds the stream of one peer open, from a goroutine of its own.
//
//	opening --welcome--> open --error--> lost --welcome--> open
//	opening --error--> lost
//	open --drain, error--> opening, and no error is a loss until the next welcome
//	any --end--> ended; what was lost is found
type keeper struct {
	pool *Pool
	peer *peer
	end  context.CancelFunc
	done chan struct{} // closed when the goroutine has ended

	lost bool // the goroutine's
	left bool // the node asked for no new calls on its last stream; the goroutine's
}

// Keep holds a stream open to each of these replicas, so that the end of a node is
// noticed at once, also while nothing is asked of it. Streams to other replicas are
// closed when they have been idle for a while. It does not wait for a stream.
func (p *Pool) Keep(replicas []moe.Replica) {
	wanted := map[moe.Replica]bool{}
	for _, to := range replicas {
		wanted[to] = true
	}
	p.mu.Lock()
	var ended []*keeper
	for to, k := range p.keepers.of {
		if !wanted[to] {
			delete(p.keepers.of, to)
			k.end()
			ended = append(ended, k)
		}
	}
	p.mu.Unlock()
	// A node that has moved is found at its old address before it is lost at the new one.
	for _, k := range ended {
		<-k.done
	}
	for to := range wanted {
		p.keep(to)
	}
}

// keep starts the keeper of a replica, unless there is one.
func (p *Pool) keep(to moe.Replica) {
	peer, err := p.acquire(to)
	if err != nil {
		return // the pool is closed, or the address is none: calls say so
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.keepers.of[to] != nil {
		peer.users--
		return
	}
	ctx, end := context.WithCancel(peer.ctx)
	k := &keeper{pool: p, peer: peer, end: end, done: make(chan struct{})}
	p.keepers.of[to] = k
	p.closing.Go(func() { k.run(ctx) })
}

// run opens the stream again and again until ctx ends. It is a user of its peer.
func (k *keeper) run(ctx context.Context) {
	defer close(k.done)
	defer k.pool.release(k.peer)
	defer k.find()
	defer k.works()
	for wait := minRetry; ; wait = min(2*wait, maxRetry) {
		held, err := k.hold(ctx)
		if ctx.Err() != nil {
			return
		}
		k.lose(err)
		if held {
			wait = minRetry
		}
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
	}
}

// hold opens a stream and returns why it could not, or why it ended. held means that it
// was open for long.
func (k *keeper) hold(ctx context.Context) (held bool, err error) {
	opening, cancel := context.WithTimeout(ctx, openWithin)
	s, err := k.peer.session(opening)
	cancel()
	if err != nil {
		return false, err
	}
	k.find()
	steady := time.NewTimer(k.pool.keepers.steady)
	defer steady.Stop()
	for {
		select {
		case <-steady.C:
			held = true
			k.works()
		case <-s.done:
			k.left = s.drained.Load()
			return held, s.err
		case <-ctx.Done():
			return held, ctx.Err()
		}
	}
}

// lose reports that there is no stream, unless the node has said that it leaves.
func (k *keeper) lose(err error) {
	if k.left {
		return
	}
	node := k.peer.to.Node
	k.pool.keepers.faults.Failed(string(node), "addr", k.peer.to.Addr, "err", err)
	if !k.lost {
		k.lost = true
		k.pool.cfg.Lost(node)
	}
}

// find takes a loss back.
func (k *keeper) find() {
	k.left = false
	if k.lost {
		k.lost = false
		k.pool.cfg.Found(k.peer.to.Node)
	}
}

// works ends the fault in the log.
func (k *keeper) works() { k.pool.keepers.faults.Worked(string(k.peer.to.Node)) }
