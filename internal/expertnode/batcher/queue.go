package batcher

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// queue holds the tasks that wait, a line for each router. Lines take turns.
type queue struct {
	lines []line
	spare [][]*Task // storage of lines that ran empty
}

type line struct {
	from  moe.RouterID
	tasks []*Task
}

func (q *queue) empty() bool { return len(q.lines) == 0 }

// push adds a task at the end of its router's line.
func (q *queue) push(t *Task) {
	at := slices.IndexFunc(q.lines, func(l line) bool { return l.from == t.Call.Router })
	if at < 0 {
		at = len(q.lines)
		q.lines = append(q.lines, line{from: t.Call.Router, tasks: q.storage()})
	}
	q.lines[at].tasks = append(q.lines[at].tasks, t)
}

func (q *queue) storage() []*Task {
	if len(q.spare) == 0 {
		return nil
	}
	last := len(q.spare) - 1
	s := q.spare[last]
	q.spare = q.spare[:last]
	return s
}

// next takes the oldest task of the line whose turn it is, and with it the tasks
// of the same layer from all lines, up to a number of rows; a single task may
// have more. It appends to batch. The queue is not empty.
func (q *queue) next(batch []*Task, maxRows int) []*Task {
	turn, layer, rows := q.lines[0].from, q.lines[0].tasks[0].Call.Layer, 0
	q.take(func(t *Task) bool {
		if t.Call.Layer != layer || (rows > 0 && rows+t.rows > maxRows) {
			return false
		}
		rows += t.rows
		batch = append(batch, t)
		return true
	})
	if len(q.lines) > 1 && q.lines[0].from == turn {
		first := q.lines[0]
		copy(q.lines, q.lines[1:])
		q.lines[len(q.lines)-1] = first
	}
	return batch
}

// drop takes a task back and reports whether it waited.
func (q *queue) drop(t *Task) (waited bool) {
	q.take(func(other *Task) bool {
		waited = waited || other == t
		return other == t
	})
	return waited
}

// take removes every task that pick wants, and lines that ran empty.
func (q *queue) take(pick func(*Task) bool) {
	for i := range q.lines {
		q.lines[i].tasks = slices.DeleteFunc(q.lines[i].tasks, pick)
	}
	q.lines = slices.DeleteFunc(q.lines, func(l line) bool {
		if len(l.tasks) > 0 {
			return false
		}
		q.spare = append(q.spare, l.tasks)
		return true
	})
}
