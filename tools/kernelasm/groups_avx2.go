package main

import "fmt"

// groups256 writes the loops over groups of 32 numbers.
func groups256(a *asm) {
	a.text("AbsMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	absMax256(a)
	a.ops("VMOVSS X0, (DI)", "ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("SignedMax", 24)
	a.args("dst", "DI", "x", "SI", "groups", "CX")
	absMax256(a)
	a.ops("VPBROADCASTD X0, Y1", "VPCMPEQD (SI), Y1, Y2")
	for i := 1; i < 4; i++ {
		a.op("VPCMPEQD %d(SI), Y1, Y3", 32*i)
		a.op("VPOR Y3, Y2, Y2")
	}
	a.ops("VMOVD X0, DX", "MOVL DX, R8", "ORL $0x80000000, R8", "VPTEST Y2, Y2", "CMOVLEQ R8, DX", "MOVL DX, (DI)",
		"ADDQ $128, SI", "ADDQ $4, DI", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")

	a.text("Scales", 32)
	a.args("half", "DI", "inv", "SI", "d", "DX", "n", "CX")
	a.ops("VBROADCASTSS one<>(SB), Y3", "VXORPS Y4, Y4, Y4")
	a.line("loop:")
	a.ops("VMOVUPS (DX), Y0", "VCVTPS2PH $0, Y0, X1", "VMOVDQU X1, (DI)", "VCVTPH2PS X1, Y2", "VCMPPS $4, Y4, Y2, Y5",
		"VDIVPS Y2, Y3, Y2", "VANDPS Y5, Y2, Y2", "VMOVUPS Y2, (SI)", "ADDQ $32, DX", "ADDQ $16, DI", "ADDQ $32, SI", "SUBQ $8, CX", "JNZ loop", "VZEROUPPER", "RET")

	quant256(a, "Quant", 32, func() { packBytes256(a, 2, 0) })
	quant256(a, "QuantHalves", 64, func() {
		for i := range 4 { // upper = (v+8) >> 4, lower = v - 16*upper
			a.ops(fmt.Sprintf("VPADDD Y9, Y%d, Y%d", 2+i, 10+i), fmt.Sprintf("VPSRAD $4, Y%[1]d, Y%[1]d", 10+i),
				fmt.Sprintf("VPSLLD $4, Y%d, Y1", 10+i), fmt.Sprintf("VPSUBD Y1, Y%[1]d, Y%[1]d", 2+i))
		}
		packBytes256(a, 2, 0)
		packBytes256(a, 10, 32)
	})
}

// absMax256 begins the loop over groups: the largest absolute value of a group is in X0.
func absMax256(a *asm) {
	a.ops("VPCMPEQD Y5, Y5, Y5", "VPSRLD $1, Y5, Y5")
	a.line("loop:")
	a.op("VPAND (SI), Y5, Y0")
	for i := 1; i < 4; i++ {
		a.op("VPAND %d(SI), Y5, Y1", 32*i)
		a.op("VPMAXUD Y1, Y0, Y0")
	}
	fold256(a, "VPMAXUD")
}

// quant256 rounds groups to integers in Y2..Y5; pack writes them as size bytes.
// Y9 holds eights.
func quant256(a *asm, name string, size int, pack func()) {
	a.text(name, 40)
	a.args("q", "DI", "sums", "R8", "x", "SI", "inv", "DX", "groups", "CX")
	a.ops("MOVL $8, AX", "VMOVD AX, X9", "VPBROADCASTD X9, Y9", "MOVL $127, AX", "VMOVD AX, X6", "VPBROADCASTD X6, Y6", "MOVL $-127, AX", "VMOVD AX, X7", "VPBROADCASTD X7, Y7")
	a.line("loop:")
	a.ops("VBROADCASTSS (DX), Y8")
	for i := range 4 {
		a.op("VMULPS %d(SI), Y8, Y%d", 32*i, 2+i)
		a.op("VCVTPS2DQ Y%d, Y%d", 2+i, 2+i)
		a.op("VPMINSD Y6, Y%d, Y%d", 2+i, 2+i)
		a.op("VPMAXSD Y7, Y%d, Y%d", 2+i, 2+i)
	}
	a.ops("VPADDD Y2, Y3, Y0", "VPADDD Y4, Y0, Y0", "VPADDD Y5, Y0, Y0")
	fold256(a, "VPADDD")
	a.op("VMOVD X0, (R8)")
	pack()
	a.ops("ADDQ $128, SI", fmt.Sprintf("ADDQ $%d, DI", size), "ADDQ $4, R8", "ADDQ $4, DX", "DECQ CX", "JNZ loop", "VZEROUPPER", "RET")
}

// fold256 folds the 8 lanes of Y0 into the lowest.
func fold256(a *asm, op string) {
	a.ops("VEXTRACTF128 $1, Y0, X1", op+" X1, X0, X0", "VPSHUFD $0x4e, X0, X1", op+" X1, X0, X0", "VPSHUFD $0xb1, X0, X1", op+" X1, X0, X0")
}

// packBytes256 writes four registers of small integers from Y[r] on as 32 bytes.
// Packing works within halves: 8 bytes of each source go to each.
func packBytes256(a *asm, r, at int) {
	a.ops(fmt.Sprintf("VPACKSSDW Y%[2]d, Y%[1]d, Y%[1]d", r, r+1), fmt.Sprintf("VPACKSSDW Y%[2]d, Y%[1]d, Y%[1]d", r+2, r+3),
		fmt.Sprintf("VPERMQ $0xd8, Y%[1]d, Y%[1]d", r), fmt.Sprintf("VPERMQ $0xd8, Y%[1]d, Y%[1]d", r+2),
		fmt.Sprintf("VPACKSSWB Y%[2]d, Y%[1]d, Y%[1]d", r, r+2), fmt.Sprintf("VPERMQ $0xd8, Y%[1]d, Y%[1]d", r),
		fmt.Sprintf("VMOVDQU Y%d, %s", r, memory(at, "DI")))
}
