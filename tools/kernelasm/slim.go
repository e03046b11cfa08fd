package main

import "fmt"

// slimCols is the maximum number of rows of x of a slim tile, slimSplitCols that
// of f32 rows: with more, arithmetic is the limit.
const (
	slimCols      = 12
	slimSplitCols = 3
)

// slim512 is groups of tiles of AVX-512 for few rows of x: one or two rows of w at a
// time. So weights are read once for all rows of x, as few streams of memory, and
// are prefetched at the rate at which they are used. A step takes x bytes of
// every row of x at SI and 64 of every row of w; Z0 on are lanes.
func slim512(a *asm, c, rows, x int, fetch slimFetch, step func(w []string)) {
	a.args("lanes", "DI", "x", "R8", "w", "R10", "wStride", "R11", "steps", "R9", "groups", "BX", "ahead", "R13", "carry", "AX")
	a.ops(fetch.begin)
	a.line("group:")
	for first := 0; first < tileRows; first += rows {
		each := func(f func(reg, at int)) {
			for col := range c {
				for r := range rows {
					f(col*rows+r, 64*(col*tileRows+first+r))
				}
			}
		}
		a.ops("MOVQ R10, DX", "MOVQ R8, SI", "MOVQ R9, CX")
		startLanes512(a, fmt.Sprint(first), each)
		a.ops(fetch.step[:rows]...)
		if fetch.eighth != "" {
			a.ops("TESTQ $7, CX", fmt.Sprintf("JNZ step%d", first), fetch.eighth)
			a.line("step%d:", first)
		}
		if step([]string{"(DX)", "(DX)(R11*1)"}[:rows]); fetch.inOrder {
			a.op("ADDQ $%d, R13", 64*rows)
		}
		a.ops(fmt.Sprintf("ADDQ $%d, SI", x*c), "ADDQ $64, DX", "DECQ CX", fmt.Sprintf("JNZ loop%d", first))
		each(func(reg, at int) { a.op("VMOVUPS Z%d, %d(DI)", reg, at) })
		for range rows {
			a.op("ADDQ R11, R10")
		}
	}
	a.ops(fmt.Sprintf("ADDQ $%d, DI", 64*tileRows*c), "DECQ BX", "JNZ group")
}

// slimFetch is what a slim tile prefetches: instructions before its loops, in every
// step for each row of w, and in every eighth step. In order, R13 goes on to the next
// lines.
type slimFetch struct {
	begin   string
	step    [2]string
	eighth  string
	inOrder bool
}

var (
	// fetchRows follows the rows of w, ahead bytes from them.
	fetchRows = slimFetch{"LEAQ (R11)(R13*1), R12", [2]string{"PREFETCHT1 (DX)(R13*1)", "PREFETCHT1 (DX)(R12*1)"}, "", false}
	// leadRows is fetchRows that leads the processor's own prefetching into the next
	// page of memory, where it does not go by itself.
	leadRows = slimFetch{fetchRows.begin, fetchRows.step, "PREFETCHT1 4096(DX)(R13*1)", false}
	// fetchInOrder takes lines in the order of memory, from ahead bytes behind w on.
	fetchInOrder = slimFetch{"ADDQ R10, R13", [2]string{"PREFETCHT1 (R13)", "PREFETCHT1 64(R13)"}, "", true}
	// leadInOrder is fetchInOrder that leads as leadRows does.
	leadInOrder = slimFetch{fetchInOrder.begin, fetchInOrder.step, "PREFETCHT1 4096(R13)", true}
)

const (
	// slimAlone is the maximum number of rows of x of a slim tile of bf16 that takes
	// one row of w at a time: one stream of memory is read faster. With more rows of x
	// a cycle has more loads than it can start.
	slimAlone = 4
	// slimInOrder is the fewest rows of x for which it prefetches lines in the order of
	// memory.
	slimInOrder = 3
)

// slimTile512 is pairTile512 for few rows of x.
func slimTile512(a *asm, c int) {
	rows, fetch := 1, leadRows
	switch {
	case c > slimAlone:
		rows, fetch = 2, fetchInOrder
	case c >= slimInOrder:
		fetch = leadInOrder
	}
	a.text(fmt.Sprintf("SlimTilex%d", c), 64)
	slim512(a, c, rows, 64, fetch, func(w []string) { pairStep512(a, c, w) })
	a.ops("VZEROUPPER", "RET")
}

// slimSplit512 is splitTile512 for few rows of x.
func slimSplit512(a *asm, c int) {
	a.frame(fmt.Sprintf("SlimSplitx%d", c), 8, 64)
	subnormals(a)
	a.op("VPBROADCASTD high<>(SB), Z31")
	slim512(a, c, 2, 128, fetchRows, func(w []string) { splitStep512(a, c, w) })
	restore(a)
	a.ops("VZEROUPPER", "RET")
}
