package main

import "fmt"

// runTileParams are the parameters of a product of tiles of bf16.
const runTileParams = "(y, x, w, config unsafe.Pointer, yStride, xStride, wNext, runs int)"

// runTiles is the product of up to 16 rows of bf16 x, or 32, with one or two
// panels of 16 rows of w. The outputs stay in tiles 0 to 3. Tiles 4 and 5 are x, 6
// and 7 are w.
type runTiles struct{ rows, panels int }

func (p runTiles) write(a *asm) {
	a.text(fmt.Sprintf("RunTiles%dx%d", p.rows, p.panels), 64)
	a.args("y", "DI", "x", "SI", "w", "DX", "config", "BX", "yStride", "R8", "xStride", "R9", "wNext", "R10", "runs", "CX")
	a.amxOp(ldtilecfg("BX"))
	a.ops("MOVQ $64, R11", "ADDQ DX, R10", "MOVQ R8, R12", "SHLQ $4, R12", "ADDQ DI, R12", "MOVQ R9, R13", "SHLQ $4, R13", "ADDQ SI, R13")
	y, x, w := [2]string{"DI", "R12"}, [2]string{"SI", "R13"}, [2]string{"DX", "R10"}
	p.each(func(row, panel int, t tile) { a.amxOp(tileload(64*panel, y[row], "R8", t)) })
	a.line("loop:")
	for row := range p.rows {
		a.amxOp(tileload(0, x[row], "R9", tile(4+row)))
	}
	for panel := range p.panels {
		a.amxOp(tileload(0, w[panel], "R11", tile(6+panel)))
	}
	p.each(func(row, panel int, t tile) { a.amxOp(tdpbf16ps(tile(6+panel), tile(4+row), t)) })
	for _, r := range []string{"SI", "R13"} {
		a.op("ADDQ $64, %s", r)
	}
	for _, r := range w {
		a.op("ADDQ $%d, %s", runBytes, r)
	}
	a.ops("DECQ CX", "JNZ loop")
	p.each(func(row, panel int, t tile) { a.amxOp(tilestore(64*panel, y[row], "R8", t)) })
	a.amxOp(tilerelease())
	a.op("RET")
}

// each runs f for every tile of outputs.
func (p runTiles) each(f func(row, panel int, t tile)) {
	for row := range p.rows {
		for panel := range p.panels {
			f(row, panel, tile(2*row+panel))
		}
	}
}
