package dispatch

import (
	"slices"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

// attempt is one call: some tasks, asked of one replica. Its memory is used
// again.
type attempt struct {
	to    moe.Replica
	tasks []*task
	rows  int

	call    moe.Call
	index   []int32 // of all groups of the call
	pending moe.PendingCall
	reply   *moe.Reply // how it ended
	err     error
	busy    time.Duration // what the node said it needed

	started time.Time
	waits   waits
	stage   stage
	late    bool // it was overdue for a hedge
	hedge   bool // it was sent in case another is late
}

// stage is how much of an attempt's patience is used up.
type stage int

const (
	fresh stage = iota
	hedged
	suspected
	given
)

// attempt is one with nothing in it.
func (l *layerRun) attempt(to moe.Replica) *attempt {
	var a *attempt
	if n := len(l.spare); n > 0 {
		a, l.spare = l.spare[n-1], l.spare[:n-1]
	} else {
		a = &attempt{}
		a.pending.Done = func(reply *moe.Reply, err error) {
			a.reply, a.err = reply, err
			l.ended.put(a)
		}
	}
	a.to, a.tasks, a.rows = to, a.tasks[:0], 0
	a.reply, a.err, a.stage, a.late, a.hedge = nil, nil, fresh, false, false
	return a
}

// share finds the attempt of this plan that goes to a replica, or begins one.
func (l *layerRun) share(to moe.Replica) *attempt {
	for _, a := range l.planned {
		if a.to == to {
			return a
		}
	}
	a := l.attempt(to)
	l.planned = append(l.planned, a)
	return a
}

// message writes the call of an attempt: each row once, groups ascending.
func (l *layerRun) message(a *attempt) *moe.Call {
	rows := l.number(a.tasks)
	size := l.rowBytes()
	c := &a.call
	c.Fingerprint, c.Epoch, c.Layer, c.Rows, c.Groups = l.d.cfg.Fingerprint, l.placement.Epoch(), l.layer, rows, c.Groups[:0]
	c.X, c.Release = l.d.memory.Get(rows * size)
	for row, i := range l.at {
		if i >= 0 {
			copy(c.X[int(i)*size:(int(i)+1)*size], l.wire[row*size:(row+1)*size])
		}
	}
	a.index = slices.Grow(a.index[:0], a.rows)
	for _, t := range a.tasks {
		from := len(a.index)
		for _, slot := range t.slots {
			a.index = append(a.index, l.at[int(slot)/l.k])
		}
		c.Groups = append(c.Groups, moe.Group{Expert: t.expert, Index: a.index[from:len(a.index):len(a.index)]})
	}
	return c
}

// number gives the rows that some tasks need ascending places, in l.at; -1 for
// the others. It returns how many there are.
func (l *layerRun) number(tasks []*task) int {
	for i := range l.at {
		l.at[i] = -1
	}
	for _, t := range tasks {
		for _, slot := range t.slots {
			l.at[int(slot)/l.k] = 0
		}
	}
	rows := int32(0)
	for row, used := range l.at {
		if used == 0 {
			l.at[row] = rows
			rows++
		}
	}
	return int(rows)
}
