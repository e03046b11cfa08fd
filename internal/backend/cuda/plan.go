package cuda

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// A call is cut into passes of at most maxRows replies of at most maxPieces experts,
// which bounds the memory of a lane. With N at most twice the mean rows of an expert,
// or 8, the slots of a pass are fewer than
//
//	max(3 * maxRows, maxRows + 7 * maxPieces)
const (
	maxRows   = 1024
	maxPieces = 256
	maxSlots  = 3 * maxRows
	minTile   = 8
	maxTiles  = maxSlots / minTile
)

// piece is some rows of one expert.
type piece struct {
	image *image
	index []int32 // rows of the call
}

// pass is what is computed by one launch for each product.
type pass struct {
	format  tensor.DType
	tile    int      // slots of a row tile: N of the kernels
	rows    []int32  // rows of the call that the pass needs, each once
	images  []*image // of each row tile
	slots   []int32  // index into rows of each slot, or -1
	replies []int32  // slot of each reply
}

// passes cuts a call. Images are those of the groups.
func passes(groups []moe.Group, images []*image, maxTile func(tensor.DType) int) []pass {
	var all []pass
	var pieces []piece
	room := maxRows
	end := func() {
		if len(pieces) > 0 {
			all = append(all, newPass(pieces, maxTile))
		}
		pieces, room = nil, maxRows
	}
	for i, g := range groups {
		for index := g.Index; len(index) > 0; {
			if room == 0 || len(pieces) == maxPieces || len(pieces) > 0 && pieces[0].image.format != images[i].format {
				end()
			}
			n := min(room, len(index))
			pieces = append(pieces, piece{images[i], index[:n]})
			index, room = index[n:], room-n
		}
	}
	end()
	return all
}

// newPass lays out the slots of pieces.
func newPass(pieces []piece, maxTile func(tensor.DType) int) pass {
	rows := 0
	for _, p := range pieces {
		rows += len(p.index)
	}
	out := pass{format: pieces[0].image.format}
	out.tile = tileFor((rows+len(pieces)-1)/len(pieces), maxTile(out.format))
	at := map[int32]int32{} // position in out.rows
	for _, p := range pieces {
		for i, row := range p.index {
			position, ok := at[row]
			if !ok {
				position = int32(len(out.rows))
				at[row] = position
				out.rows = append(out.rows, row)
			}
			if i%out.tile == 0 {
				out.images = append(out.images, p.image)
			}
			out.replies = append(out.replies, int32(len(out.slots)))
			out.slots = append(out.slots, position)
		}
		for len(out.slots)%out.tile != 0 {
			out.slots = append(out.slots, -1)
		}
	}
	return out
}

// take makes the pass one whose rows are the first n of the call, in their order.
func (p *pass) take(n int) {
	for i, at := range p.slots {
		if at >= 0 {
			p.slots[i] = p.rows[at]
		}
	}
	p.rows = p.rows[:0]
	for row := range n {
		p.rows = append(p.rows, int32(row))
	}
}

// tileFor is the smallest tile that holds the mean rows of an expert, or the largest.
func tileFor(mean, largest int) int {
	n := minTile
	for n < mean && n < largest {
		n *= 2
	}
	return n
}
