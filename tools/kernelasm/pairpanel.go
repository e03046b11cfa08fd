package main

import "fmt"

// panelGroups is how many groups of 4 rows of w a whole panel of pairs has.
const panelGroups = 16

// panelOfPairs512 is tileOfPairs512 for groups of 4 rows of w, one after the
// other, while c rows of x stay in the first level; the lanes of groups follow
// each other. Meanwhile it prefetches, evenly: every group two rows that lie nextW
// bytes ahead of w, all panelGroups together the steps of every row of x that lie
// nextX bytes ahead.
func panelOfPairs512(a *asm, c, x int, step func(w []string)) {
	outs, w := tileRows*c, rowsAt("DX", "R11", "R12", "")
	a.args("lanes", "DI", "x", "R8", "w", "DX", "wStride", "R11", "steps", "R9", "groups", "BX", "nextX", "R10", "nextW", "R13", "carry", "AX")
	a.ops("LEAQ (R11)(R11*2), R12", "ADDQ R8, R10", "ADDQ DX, R13")
	a.line("group:")
	a.ops("MOVQ R8, SI", "MOVQ R9, CX")
	startLanes512(a, "", inOrder(outs))
	a.ops("PREFETCHT1 (R13)", "PREFETCHT1 (R13)(R11*1)", "PREFETCHT1 (R10)")
	step(w[:tileRows])
	a.ops(fmt.Sprintf("ADDQ $%d, SI", x*c), fmt.Sprintf("ADDQ $%d, R10", x*c/panelGroups), "ADDQ $64, DX", "ADDQ $64, R13", "DECQ CX", "JNZ loop")
	for i := range outs {
		a.op("VMOVUPS Z%d, %d(DI)", i, 64*i)
	}
	a.ops(fmt.Sprintf("ADDQ $%d, DI", 64*outs), "MOVQ R9, CX", "SHLQ $6, CX", "SUBQ CX, DX", "SUBQ CX, R13",
		"LEAQ (DX)(R11*4), DX", "LEAQ (R13)(R11*2), R13", "DECQ BX", "JNZ group")
}

// splitPanel512 is the panel of f32 x.
func splitPanel512(a *asm, c int) {
	a.frame(fmt.Sprintf("SplitPanelx%d", c), 8, 72)
	subnormals(a)
	a.op("VPBROADCASTD high<>(SB), Z31")
	panelOfPairs512(a, c, 128, func(w []string) { splitStep512(a, c, w) })
	restore(a)
	a.ops("VZEROUPPER", "RET")
}

// pairPanel512 is the panel of bf16 x.
func pairPanel512(a *asm, c int) {
	a.text(fmt.Sprintf("PairPanelx%d", c), 72)
	panelOfPairs512(a, c, 64, func(w []string) { pairStep512(a, c, w) })
	a.ops("VZEROUPPER", "RET")
}
