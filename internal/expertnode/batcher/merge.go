package batcher

import (
	"slices"

	"github.com/hachi-serve/hachi/moe"
)

// merger makes one call of several calls of a layer. Its memory grows to the
// largest batch and stays.
type merger struct {
	memory  func(n int) (b []byte, release func())
	x, y    room // rows of all tasks, one task after the other; replies by expert
	groups  []moe.Group
	index   []int32
	first   []int // row of x, by task
	cursors []int // next group, by task
}

// room is lent memory that grows.
type room struct {
	bytes   []byte
	release func()
}

// resize makes r n bytes of undefined content.
func (r *room) resize(n int, memory func(n int) (b []byte, release func())) {
	if cap(r.bytes) < n {
		r.close()
		r.bytes, r.release = memory(n)
	}
	r.bytes = r.bytes[:n]
}

// close gives the memory back.
func (r *room) close() {
	if r.release != nil {
		r.release()
	}
	*r = room{}
}

// close gives the memory back.
func (m *merger) close() {
	m.x.close()
	m.y.close()
}

// gather lays the rows of all tasks end to end and lists per expert, ascending,
// the rows of all tasks. rowBytes is the size of a row.
func (m *merger) gather(batch []*Task, rowBytes int) {
	m.first, m.index, m.groups = m.first[:0], m.index[:0], m.groups[:0]
	rows, size := 0, 0
	for _, t := range batch {
		m.first = append(m.first, size/rowBytes)
		rows, size = rows+t.rows, size+len(t.Call.X)
	}
	m.x.resize(size, m.memory)
	m.y.resize(rows*rowBytes, m.memory)
	for i, t := range batch {
		copy(m.x.bytes[m.first[i]*rowBytes:], t.Call.X)
	}
	m.index = slices.Grow(m.index, rows)
	m.eachGroup(batch, func(i int, g moe.Group) {
		if n := len(m.groups); n == 0 || m.groups[n-1].Expert != g.Expert {
			m.groups = append(m.groups, moe.Group{Expert: g.Expert, Index: m.index[len(m.index):]})
		}
		for _, row := range g.Index {
			m.index = append(m.index, int32(m.first[i])+row)
		}
		last := &m.groups[len(m.groups)-1]
		last.Index = last.Index[:len(last.Index)+len(g.Index)]
	})
}

// scatter writes the replies to their tasks.
func (m *merger) scatter(batch []*Task, rowBytes int) {
	clear(m.first) // from here on the bytes of Y that are written, by task
	y := m.y.bytes
	m.eachGroup(batch, func(i int, g moe.Group) {
		n := len(g.Index) * rowBytes
		copy(batch[i].Y[m.first[i]:], y[:n])
		m.first[i] += n
		y = y[n:]
	})
}

// eachGroup calls f for the groups of all tasks, experts ascending, and for each
// expert in the order of tasks.
func (m *merger) eachGroup(batch []*Task, f func(task int, g moe.Group)) {
	m.cursors = append(m.cursors[:0], make([]int, len(batch))...)
	for {
		next, more := 0, false
		for i, t := range batch {
			if at := m.cursors[i]; at < len(t.Call.Groups) && (!more || t.Call.Groups[at].Expert < next) {
				next, more = t.Call.Groups[at].Expert, true
			}
		}
		if !more {
			return
		}
		for i, t := range batch {
			if at := m.cursors[i]; at < len(t.Call.Groups) && t.Call.Groups[at].Expert == next {
				f(i, t.Call.Groups[at])
				m.cursors[i]++
			}
		}
	}
}
