package batcher

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// job is the share of one expert in a task.
type job struct {
	task  *Task
	group int // of task.Call.Groups
	first int // row of task.Y its rows begin at
}

func (j job) id() moe.ExpertID {
	return moe.ExpertID{Layer: j.task.Call.Layer, Expert: j.task.Call.Groups[j.group].Expert}
}

func (j job) index() []int32 { return j.task.Call.Groups[j.group].Index }

// queue holds the jobs that wait, a line for each router. Lines take turns.
type queue struct {
	lines []line
	spare [][]job // storage of lines that ran empty
}

type line struct {
	from moe.RouterID
	jobs []job
}

func (q *queue) empty() bool { return len(q.lines) == 0 }

// push adds the jobs of a task at the end of its router's line.
func (q *queue) push(t *Task) {
	at := slices.IndexFunc(q.lines, func(l line) bool { return l.from == t.Call.Router })
	if at < 0 {
		at = len(q.lines)
		q.lines = append(q.lines, line{from: t.Call.Router, jobs: q.storage()})
	}
	first := 0
	for i, g := range t.Call.Groups {
		q.lines[at].jobs = append(q.lines[at].jobs, job{t, i, first})
		first += len(g.Index)
	}
}

func (q *queue) storage() []job {
	if len(q.spare) == 0 {
		return nil
	}
	last := len(q.spare) - 1
	s := q.spare[last]
	q.spare = q.spare[:last]
	return s
}

// next takes the oldest job of the line whose turn it is, and with it the jobs
// of the same expert from all lines, up to a number of rows; a single job may
// have more. It appends to batch. The queue is not empty.
func (q *queue) next(batch []job, maxRows int) []job {
	turn, id, rows := q.lines[0].from, q.lines[0].jobs[0].id(), 0
	q.take(func(j job) bool {
		if j.id() != id || (rows > 0 && rows+len(j.index()) > maxRows) {
			return false
		}
		rows += len(j.index())
		batch = append(batch, j)
		return true
	})
	if len(q.lines) > 1 && q.lines[0].from == turn {
		first := q.lines[0]
		copy(q.lines, q.lines[1:])
		q.lines[len(q.lines)-1] = first
	}
	return batch
}

// drop takes back the jobs of a task and counts their rows.
func (q *queue) drop(t *Task) (jobs, rows int) {
	q.take(func(j job) bool {
		if j.task != t {
			return false
		}
		jobs, rows = jobs+1, rows+len(j.index())
		return true
	})
	return jobs, rows
}

// take removes every job that pick wants, and lines that ran empty.
func (q *queue) take(pick func(job) bool) {
	for i := range q.lines {
		q.lines[i].jobs = slices.DeleteFunc(q.lines[i].jobs, pick)
	}
	q.lines = slices.DeleteFunc(q.lines, func(l line) bool {
		if len(l.jobs) > 0 {
			return false
		}
		q.spare = append(q.spare, l.jobs)
		return true
	})
}
