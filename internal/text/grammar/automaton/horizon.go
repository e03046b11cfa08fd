package automaton

import "encoding/binary"

// horizonWork bounds the work of horizon, in visits to states.
const horizonWork = 1 << 21

// horizon puts the states into classes, such that no text of at most n bytes
// tells two states of a class apart: it can be read from both, with a way to the
// end left, or from neither. It refines the classes n times, once for each byte
// (Moore, "Gedanken-experiments on sequential machines", 1956). If that exceeds
// horizonWork, every state is a class of its own. See Set.Kind for an example.
func (p *Program) horizon(n int) []int32 {
	class := make([]int32, len(p.states))
	if n*len(p.states) > horizonWork {
		for q := range class {
			class[q] = int32(q)
		}
		return class
	}
	for q := range class {
		class[q] = p.states[q].height
	}
	count := 0
	for range n {
		ids := make(map[string]int32, count)
		next := make([]int32, len(class))
		var key []byte
		for q := range class {
			key = p.signature(key[:0], int32(q), class)
			id, ok := ids[string(key)]
			if !ok {
				id = int32(len(ids))
				ids[string(key)] = id
			}
			next[q] = id
		}
		class = next
		if len(ids) == count {
			break
		}
		count = len(ids)
	}
	return class
}

// signature writes what the next byte can reveal about a state: whether its rule
// may end here, and where bytes and calls lead. A callee reads at least one byte,
// so what follows a call is at least one byte away.
func (p *Program) signature(key []byte, q int32, class []int32) []byte {
	put := func(n int32) { key = binary.LittleEndian.AppendUint32(key, uint32(n)) }
	put(class[q])
	if p.states[q].final {
		put(1)
	} else {
		put(0)
	}
	moves := p.movesOf(q)
	for i := 0; i < len(moves); i++ {
		lo, to := moves[i].lo, class[moves[i].to]
		for i+1 < len(moves) && moves[i].hi+1 == moves[i+1].lo && class[moves[i+1].to] == to {
			i++
		}
		key = append(key, 'b', lo, moves[i].hi)
		put(to)
	}
	for _, c := range p.callsOf(q) {
		key = append(key, 'c')
		put(c.rule)
		put(class[c.to])
	}
	return key
}
