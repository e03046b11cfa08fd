package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// encodings are instructions with low and high registers, and what objdump says
// of them in Intel's syntax.
var encodings = []struct {
	is   instruction
	want string
}{
	{prefetchw("DI"), "rex prefetchw BYTE PTR [rdi]"},
	{prefetchw("R9"), "prefetchw BYTE PTR [r9]"},
	{ldtilecfg("AX"), "ldtilecfg [rax]"},
	{ldtilecfg("R9"), "ldtilecfg [r9]"},
	{tilerelease(), "tilerelease"},
	{tilezero(0), "tilezero tmm0"},
	{tilezero(7), "tilezero tmm7"},
	{tileload(0, "SI", "AX", 4), "tileloadd tmm4,[rsi+rax*1+0x0]"},
	{tileload(640, "R8", "R15", 5), "tileloadd tmm5,[r8+r15*1+0x280]"},
	{tileload(-64, "BP", "DX", 6), "tileloadd tmm6,[rbp+rdx*1-0x40]"},
	{tileload1(1024, "R13", "R12", 3), "tileloaddt1 tmm3,[r13+r12*1+0x400]"},
	{tileload1(0, "SP", "CX", 7), "tileloaddt1 tmm7,[rsp+rcx*1+0x0]"},
	{tilestore(64, "DI", "R8", 0), "tilestored [rdi+r8*1+0x40],tmm0"},
	{tilestore(0, "R11", "BX", 7), "tilestored [r11+rbx*1+0x0],tmm7"},
	{tdpbssd(6, 4, 0), "tdpbssd tmm0,tmm4,tmm6"},
	{tdpbssd(1, 7, 2), "tdpbssd tmm2,tmm7,tmm1"},
	{tdpbsud(3, 5, 1), "tdpbsud tmm1,tmm5,tmm3"},
	{tdpbusd(7, 6, 5), "tdpbusd tmm5,tmm6,tmm7"},
	{tdpbf16ps(6, 4, 0), "tdpbf16ps tmm0,tmm4,tmm6"},
	{tdpbf16ps(0, 1, 7), "tdpbf16ps tmm7,tmm1,tmm0"},
}

// disassembled is what objdump of GNU binutils says of each instruction.
func disassembled(t *testing.T, code []byte) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "code")
	if err := os.WriteFile(file, code, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "objdump", "-D", "-b", "binary", "-m", "i386:x86-64", "-M", "intel", "--no-show-raw-insn", file).Output()
	if err != nil {
		t.Fatalf("objdump of binutils 2.35 or later is needed: %v", err)
	}
	var lines []string
	for _, m := range regexp.MustCompile(`(?m)^\s*[0-9a-f]+:\s+(.*?)\s*$`).FindAllStringSubmatch(string(out), -1) {
		lines = append(lines, strings.Join(strings.Fields(m[1]), " "))
	}
	return lines
}

func TestObjdumpReadsWhatTheAssemblerLacks(t *testing.T) {
	var code []byte
	for _, e := range encodings {
		for _, b := range e.is.bytes {
			code = append(code, byte(b))
		}
	}
	got := disassembled(t, code)
	if len(got) != len(encodings) {
		t.Fatalf("objdump reads %d instructions of %d:\n%s", len(got), len(encodings), strings.Join(got, "\n"))
	}
	for i, e := range encodings {
		if got[i] != e.want {
			t.Errorf("%s: objdump reads %s, want %s", e.is, got[i], e.want)
		}
	}
}
