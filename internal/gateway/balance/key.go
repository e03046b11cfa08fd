package balance

import (
	"hash/fnv"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/kvcache"
)

// headBlocks is how many blocks the beginning of a prompt has: more, and the turns of
// a short conversation begin differently; fewer, and all that share a few words begin
// alike.
const headBlocks = 4

// Prefix is what of a prompt decides where it runs.
type Prefix struct {
	blocks []uint64 // keys of the full blocks, as the KV cache has them
	head   uint64   // of the beginning
}

// NewPrefix is the prefix of a prompt in the prefix cache of a salt.
func NewPrefix(salt uint64, prompt []int32) Prefix {
	p := Prefix{blocks: kvcache.Keys(nil, salt, prompt)}
	if n := min(len(p.blocks), headBlocks); n > 0 {
		p.head = p.blocks[n-1]
		return p
	}
	// A prompt that fills no block: its tokens, padded with what is no token.
	padded := make([]int32, model.BlockSize)
	for i := copy(padded, prompt); i < len(padded); i++ {
		padded[i] = -1
	}
	p.head = kvcache.Keys(nil, salt, padded)[0]
	return p
}

// weight is the rank of a router for a head: the highest of all routers is the
// first.
func weight(head uint64, router string) uint64 {
	h := fnv.New64a()
	var word [8]byte
	for i := range word {
		word[i] = byte(head >> (8 * i))
	}
	_, _ = h.Write([]byte(router)) // a hash never fails
	_, _ = h.Write(word[:])
	// The last bytes of FNV-1a reach the high bits weakly; fmix64 of MurmurHash3
	// spreads them.
	z := h.Sum64()
	z = (z ^ z>>33) * 0xff51afd7ed558ccd
	z = (z ^ z>>33) * 0xc4ceb9fe1a85ec53
	return z ^ z>>33
}
