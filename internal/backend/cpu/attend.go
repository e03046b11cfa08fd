package cpu

import (
	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// piece is rows of one sequence within one block. They read the same tiles.
type piece struct {
	row, n    int // of queries
	position  int // of the first row
	firstTile int // the first that any of them sees
	blocks    []int32
	before    int // cost of the pieces before this one
}

func (p piece) lastTile() int { return p.position / model.BlockSize }

// chooseQueries lists the rows of a call that attend: all of them, and in the last
// layer those whose logits are wanted. Of the others nothing but K and V is read again.
func (d *Dense) chooseQueries(layer, first, n int) {
	s := &d.s
	s.queries = s.queries[:0]
	for i, at := range s.rows[first : first+n] {
		if at.wanted || layer < d.cfg.Layers-1 {
			s.queries = append(s.queries, int32(i))
		}
	}
}

// queryInputs are the normed rows that queries are made of, one after the other.
func (d *Dense) queryInputs() tensor.Matrix {
	s := &d.s
	if len(s.queries) == s.h.Rows {
		return s.h
	}
	s.picked = s.picked.Resize(len(s.queries), s.h.Cols)
	for i, row := range s.queries {
		copy(s.picked.Row(i), s.h.Row(int(row)))
	}
	return s.picked
}

// cutPieces cuts the rows that attend into pieces and returns what they cost for
// one key head: a tile is widened, then every row takes it.
func (d *Dense) cutPieces(first int) (cost int) {
	s := &d.s
	s.pieces = s.pieces[:0]
	for i, query := range s.queries {
		row := first + int(query)
		at := s.rows[row]
		if i > 0 && s.queries[i-1] == query-1 && at.span == s.rows[row-1].span && at.position%model.BlockSize != 0 {
			s.pieces[len(s.pieces)-1].n++
			continue
		}
		s.pieces = append(s.pieces, piece{row: i, n: 1, position: at.position, blocks: at.blocks, firstTile: d.oldest(at.position) / model.BlockSize})
	}
	for i := range s.pieces {
		p := &s.pieces[i]
		p.before = cost
		cost += (p.lastTile() - p.firstTile + 1) * (p.n + 1)
	}
	return cost
}

// oldest is the first position that a row sees.
func (d *Dense) oldest(position int) int {
	if w := d.cfg.SlidingWindow; w > 0 {
		return max(0, position-w+1)
	}
	return 0
}

// attend computes what begins at costs lo..hi-1.
func (d *Dense) attend(w *worker, lo, hi int) {
	d.eachPiece(lo, hi, func(p piece, head int) { d.attendPiece(w, p, head) })
}

// eachPiece finds the pairs of piece and key head that begin at costs lo..hi-1,
// heads one after the other. Costs are split, not pairs, since a prompt's pairs
// are more work than those of a row.
func (d *Dense) eachPiece(lo, hi int, f func(p piece, head int)) {
	total := d.step.cost
	for head := lo / total; head*total < hi; head++ {
		for _, p := range d.s.pieces {
			if begin := head*total + p.before; begin >= lo && begin < hi {
				f(p, head)
			}
		}
	}
}

// attendPiece computes the query heads of one key head for the rows of a piece.
// Every tile is read once.
func (d *Dense) attendPiece(w *worker, p piece, head int) {
	c, group := d.cfg, d.cfg.Heads/d.cfg.KVHeads
	a, dim := &w.attention, c.HeadDim
	query := func(i int) (lo, hi int) { lo = (head*group + i%group) * dim; return lo, lo + dim }
	a.Reset(p.n*group, dim)
	for i := range p.n * group {
		lo, hi := query(i)
		a.Query(i, d.s.q.Row(p.row + i/group)[lo:hi])
	}
	kv := &d.kv[d.step.layer]
	for tile := p.firstTile; tile <= p.lastTile(); tile++ {
		w.k.Load(a, kv.tile(p.blocks[tile], head))
		if tile < p.lastTile() {
			w.k.Prefetch(kv.tile(p.blocks[tile+1], head))
		}
		d.attendTile(w, p, tile, group)
	}
	for i := range p.n * group {
		lo, hi := query(i)
		out := d.s.attn.Row(p.row + i/group)[lo:hi]
		a.Finish(i, out)
		w.k.Round(out, d.opts.Numerics.DenseActivation)
	}
}

// attendTile takes the loaded tile for the rows of a piece, together where they
// see the same of it.
func (d *Dense) attendTile(w *worker, p piece, tile, group int) {
	start := tile * model.BlockSize
	seen := func(row int) (first, last int) {
		at := p.position + row
		return max(0, d.oldest(at)-start), min(kernel.Tile-1, at-start)
	}
	for row := 0; row < p.n; {
		first, last := seen(row)
		end := row + 1
		for ; end < p.n; end++ {
			if f, l := seen(end); f != first || l != last {
				break
			}
		}
		if first <= last {
			w.k.Attend(&w.attention, row*group, end*group, first, last, d.scale)
		}
		row = end
	}
}
