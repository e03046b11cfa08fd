package balance

// memoryBlocks bounds each generation of a memory: about 4 MiB.
const memoryBlocks = 1 << 16

// memory remembers which router got the blocks of prompts. It forgets the oldest half
// when it is full.
type memory struct{ young, old map[uint64]string }

// add remembers that a router got the blocks of a prefix.
func (m *memory) add(p Prefix, router string) {
	for _, key := range p.blocks {
		if len(m.young) >= memoryBlocks || m.young == nil {
			m.young, m.old = map[uint64]string{}, m.young
		}
		m.young[key] = router
	}
}

// longest is the router that got the longest prefix among the routers that fit; "" is
// none.
func (m *memory) longest(p Prefix, fits func(router string) bool) string {
	for i := len(p.blocks) - 1; i >= 0; i-- {
		router, ok := m.young[p.blocks[i]]
		if !ok {
			router, ok = m.old[p.blocks[i]]
		}
		if ok && fits(router) {
			return router
		}
	}
	return ""
}
