package main

import (
	"fmt"
	"strings"
)

// The assembler lacks the instructions of AMX. Each is VEX-encoded, has the map
// 0F38 and W 0, and differs in opcode and mandatory prefix: Intel 64 and IA-32
// Architectures Software Developer's Manual, volume 2.

// Mandatory prefixes, as the field pp of VEX.
const (
	none = iota
	p66
	pF3
	pF2
)

// tile is a tile register, TMM0 to TMM7.
type tile int

func (t tile) String() string { return fmt.Sprintf("TMM%d", int(t)) }

// register numbers the general registers as ModRM does.
func register(name string) int {
	for i, n := range []string{"AX", "CX", "DX", "BX", "SP", "BP", "SI", "DI", "R8", "R9", "R10", "R11", "R12", "R13", "R14", "R15"} {
		if n == name {
			return i
		}
	}
	panic("no register " + name)
}

// vex is the bytes of an instruction. r and b are the register numbers of which
// ModRM and SIB hold three bits, x that of the index.
func vex(prefix, opcode, r, x, b, v int, tail ...int) []int {
	inverted := func(n int) int { return ^n >> 3 & 1 }
	return append([]int{0xc4, inverted(r)<<7 | inverted(x)<<6 | inverted(b)<<5 | 2, ^v&15<<3 | prefix, opcode}, tail...)
}

// instruction is the encoding of an instruction and its name in Go's order of
// operands.
type instruction struct {
	bytes []int
	text  string
}

func (i instruction) String() string {
	var out strings.Builder
	for _, b := range i.bytes {
		fmt.Fprintf(&out, "BYTE $0x%02x; ", b)
	}
	return strings.TrimSuffix(out.String(), "; ") + " // " + i.text
}

// ldtilecfg reads the 64 bytes of a configuration at a register.
func ldtilecfg(at string) instruction {
	b := register(at)
	if b&7 == 4 || b&7 == 5 {
		panic("LDTILECFG (" + at + ") needs another form of address")
	}
	return instruction{vex(none, 0x49, 0, 0, b, 0, b&7), "LDTILECFG (" + at + ")"}
}

func tilerelease() instruction {
	return instruction{vex(none, 0x49, 0, 0, 0, 0, 0xc0), "TILERELEASE"}
}

func tilezero(t tile) instruction {
	return instruction{vex(pF2, 0x49, 0, 0, 0, 0, 0xc0|int(t)<<3), "TILEZERO " + t.String()}
}

// sibmem is a load or store of a tile: rows lie stride bytes apart from base +
// offset on.
func sibmem(name string, prefix, offset int, base, stride string, t tile, store bool) instruction {
	b, x := register(base), register(stride)
	if x == 4 {
		panic("the stack pointer is no stride")
	}
	tail := []int{0x84 | int(t)<<3, x&7<<3 | b&7}
	for i := range 4 {
		tail = append(tail, offset>>(8*i)&255)
	}
	address := memory(offset, base) + "(" + stride + "*1)"
	text := fmt.Sprintf("%s %s, %v", name, address, t)
	if store {
		text = fmt.Sprintf("%s %v, %s", name, t, address)
	}
	return instruction{vex(prefix, 0x4b, 0, x, b, 0, tail...), text}
}

func tileload(offset int, base, stride string, t tile) instruction {
	return sibmem("TILELOADD", pF2, offset, base, stride, t, false)
}

// tileload1 is tileload with the hint that the line is not read again soon.
func tileload1(offset int, base, stride string, t tile) instruction {
	return sibmem("TILELOADDT1", p66, offset, base, stride, t, false)
}

func tilestore(offset int, base, stride string, t tile) instruction {
	return sibmem("TILESTORED", pF3, offset, base, stride, t, true)
}

// product adds the product of tiles a and b to tile c.
func product(name string, prefix, opcode int, b, a, c tile) instruction {
	return instruction{vex(prefix, opcode, 0, 0, 0, int(b), 0xc0|int(c)<<3|int(a)), fmt.Sprintf("%s %v, %v, %v", name, b, a, c)}
}

// Products of bytes: the first letter of a pair of signs is that of a.
func tdpbssd(b, a, c tile) instruction { return product("TDPBSSD", pF2, 0x5e, b, a, c) }
func tdpbsud(b, a, c tile) instruction { return product("TDPBSUD", pF3, 0x5e, b, a, c) }
func tdpbusd(b, a, c tile) instruction { return product("TDPBUSD", p66, 0x5e, b, a, c) }

// tdpbf16ps is a product of pairs of bf16.
func tdpbf16ps(b, a, c tile) instruction { return product("TDPBF16PS", pF3, 0x5c, b, a, c) }

// amxOp writes an instruction of AMX.
func (a *asm) amxOp(all ...instruction) {
	for _, i := range all {
		a.op("%s", i)
	}
}

// tileShape is the shape of a tile in a configuration.
type tileShape struct{ rows, bytes int }

// tileConfig writes the 64 bytes of a configuration: palette 1, and bytes of a
// row and rows of each tile.
func (a *asm) tileConfig(name string, shapes [8]tileShape) {
	var config [64]byte
	config[0] = 1
	for i, s := range shapes {
		config[16+2*i], config[48+i] = byte(s.bytes), byte(s.rows)
	}
	for i, b := range config {
		a.line("DATA %s<>+%d(SB)/1, $%d", name, i, b)
	}
	a.line("GLOBL %s<>(SB), RODATA|NOPTR, $64", name)
}

// Parameters of the products of tiles. Package kernel says what they mean.
const (
	wideParams  = "(y, x, w, sums unsafe.Pointer, yStride, groups, carry int)"
	stripParams = "(dst, w unsafe.Pointer, groups int)"
)

// amxOnly are the families of AMX.
var amxOnly = []family{
	{"Enabled", 0, 0, "() uint32", "returns the states that the system saves, XCR0."},
	{"Unpack8", 0, 0, stripParams, "rewrites groups of 16 rows of 8 bits as tiles."},
	{"Unpack4", 0, 0, stripParams, "rewrites groups of 16 rows of 4 bits as tiles."},
	{"UnpackAffine", 0, 0, stripParams, "rewrites groups of 16 rows of 4 bits with minima as tiles."},
	{"Integers", 0, 0, wideParams, "multiplies 16 rows of integers with 16."},
	{"Affine", 0, 0, wideParams, "multiplies 16 rows of integers, with minima, with 16."},
	{"RunTiles1x", 1, 2, runTileParams, "multiplies up to 16 rows of bf16 with %d panels of 16."},
	{"RunTiles2x", 1, 2, runTileParams, "multiplies up to 32 rows of bf16 with %d panels of 16."},
}
