package cuda

import "github.com/hachi-serve/hachi/internal/model"

// tilePositions is TILE of kernels/attention.cuh: the positions of which one warp takes
// the keys and values. Tiles begin at multiples of it.
const tilePositions = 128

// queries is how many queries of one key head a warp has.
const queries = 16

// place is where a row of a pass stands. It mirrors Row of kernels/attention.cuh.
type place struct {
	position int32 // in its sequence
	table    int32 // where the page numbers of its sequence begin in pages
	slot     int32 // of tile 0 in the partial results; tile t has slot + t
}

// unit is one tile of consecutive rows of a sequence. It mirrors Unit of
// kernels/attention.cuh.
type unit struct{ row, rows, tile int32 }

// densePass is consecutive rows of a step that the device takes at once.
type densePass struct {
	first, rows int // rows of the step
	places      []place
	pages       []int32 // page numbers of the sequences, one after the other
	units       []unit
	slots       int // of partial results
}

// stepRow is where a row of a step stands.
type stepRow struct {
	span     int
	position int
	blocks   []int32
}

// stepRows lists the rows of a batch.
func stepRows(b *model.Batch) []stepRow {
	rows := make([]stepRow, 0, len(b.Tokens))
	for i, s := range b.Spans {
		for j := range s.N {
			rows = append(rows, stepRow{i, s.Start + j, s.Blocks})
		}
	}
	return rows
}

// passLimits bound a pass, and so the memory for one. A pass has at least one row.
type passLimits struct {
	rows, slots, pages int
	window             int // 0 is none
	group              int // query heads of a key head
}

// firstTile is the first tile that a position sees.
func (l passLimits) firstTile(position int) int {
	if l.window > 0 && position >= l.window {
		return (position - l.window + 1) / tilePositions
	}
	return 0
}

// unitRows is how many rows of a sequence one warp takes.
func (l passLimits) unitRows() int { return queries / min(l.group, queries) }

// densePasses cuts rows first to first+n-1 of a step. A cut decides speed, never bits:
// a row's tiles depend on its position only.
func densePasses(rows []stepRow, first, n int, l passLimits) []densePass {
	var all []densePass
	for n > 0 {
		p := densePass{first: first}
		for p.rows < n && p.add(rows[first+p.rows], rows[:first+p.rows], l) {
		}
		p.cutUnits(rows, l)
		all = append(all, p)
		first, n = first+p.rows, n-p.rows
	}
	return all
}

// add takes the next row, whose sequence may be that of the row before, unless the pass
// is full.
func (p *densePass) add(row stepRow, before []stepRow, l passLimits) bool {
	tiles := row.position/tilePositions - l.firstTile(row.position) + 1
	pages := row.position/model.BlockSize + 1
	known := p.rows > 0 && before[len(before)-1].span == row.span
	table := len(p.pages)
	if known {
		table = int(p.places[p.rows-1].table)
	}
	if p.rows > 0 && (p.rows == l.rows || p.slots+tiles > l.slots || table+pages > l.pages) {
		return false
	}
	p.pages = append(p.pages[:table], row.blocks[:pages]...)
	p.places = append(p.places, place{int32(row.position), int32(table), int32(p.slots - l.firstTile(row.position))})
	p.slots += tiles
	p.rows++
	return true
}

// cutUnits makes units of as many consecutive rows of a sequence as a warp takes.
func (p *densePass) cutUnits(rows []stepRow, l passLimits) {
	for from := 0; from < p.rows; {
		end := from + 1
		for end < p.rows && end < from+l.unitRows() && rows[p.first+end].span == rows[p.first+from].span {
			end++
		}
		for tile := l.firstTile(int(p.places[from].position)); tile <= int(p.places[end-1].position)/tilePositions; tile++ {
			p.units = append(p.units, unit{int32(from), int32(end - from), int32(tile)})
		}
		from = end
	}
}
