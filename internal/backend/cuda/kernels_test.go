package cuda

import (
	"encoding/binary"
	"maps"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"unsafe"

	sources "github.com/hachi-serve/hachi/internal/backend/cuda/kernels"
)

func TestCompiledKernelsAreThoseOfTheSources(t *testing.T) {
	want, err := sources.Hash()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("image/sources.sha256")
	if err != nil {
		t.Fatal(err)
	}
	if strings.TrimSpace(string(got)) != want {
		t.Errorf("image/sources.sha256 is %s, the sources have %s: run `make cubin`", strings.TrimSpace(string(got)), want)
	}
}

// parameter finds the size of a kernel's parameter in PTX.
var parameter = regexp.MustCompile(`\.b8 (\w+)_param_0\[(\d+)\]`)

// TestParametersHaveTheSizeOfTheKernels: PTX names the bytes of each kernel's
// parameter, a cubin has them in the attribute 0x1704 of the kernel.
func TestParametersHaveTheSizeOfTheKernels(t *testing.T) {
	want := map[string]uintptr{"tile": unsafe.Sizeof(tileParams{}), "gather": unsafe.Sizeof(gatherParams{}),
		"gather_fragments": unsafe.Sizeof(gatherParams{}), "sweep": unsafe.Sizeof(sweepParams{})}
	dense := map[string]uintptr{"norm": unsafe.Sizeof(normParams{}), "gate": unsafe.Sizeof(gateParams{}), "combine": unsafe.Sizeof(combineParams{}),
		"attend": unsafe.Sizeof(attendParams{}), "place": unsafe.Sizeof(placeParams{})}
	for _, name := range denseNames() {
		kind, _, _ := strings.Cut(name, "_")
		want[name] = dense[kind]
	}
	for _, format := range portableFormats {
		for n := minTile; n <= maxPortableTile; n *= 2 {
			for _, product := range productsOf(format) {
				want[portableName(product, format, n)] = unsafe.Sizeof(portableParams{})
			}
		}
	}
	found := map[string]uintptr{}
	for _, m := range parameter.FindAllStringSubmatch(string(supportPTX)+string(portablePTX)+string(densePTX), -1) {
		n, _ := strconv.Atoi(m[2])
		found[m[1]] = uintptr(n)
	}
	if !maps.Equal(found, want) {
		t.Errorf("the PTX has parameters of %v bytes, Go passes %v", found, want)
	}
	for code, size := range map[string]uintptr{string(wgmmaCubin): unsafe.Sizeof(wgmmaParams{}), string(portableCubin): unsafe.Sizeof(portableParams{})} {
		seen := 0
		for at := strings.Index(code, "\x04\x17\x0c\x00"); at >= 0; at = strings.Index(code, "\x04\x17\x0c\x00") {
			code = code[at+4:]
			if got := binary.LittleEndian.Uint32([]byte(code[8:])) >> 18; uintptr(got) != size {
				t.Errorf("a kernel of a cubin takes %d bytes, Go passes %d", got, size)
			}
			seen++
		}
		if seen == 0 {
			t.Error("a cubin names the size of no parameter")
		}
	}
}

// TestEveryVariantFits: a ring of at least two stages, and whole tiles of any padded
// model.
func TestEveryVariantFits(t *testing.T) {
	const shared = 227 << 10 // of an H100
	for _, format := range portableFormats {
		for _, product := range productsOf(format) {
			for n := minTile; n <= (&kernels{name: wgmmaKernel}).maxTile(format); n *= 2 {
				for _, v := range variants(product, format, n) {
					stages := v.stages(format, shared)
					bytes := stages*v.stageBytes(format) + v.fixedBytes()
					if stages < 2 || (bytes+1024)*v.blocks > shared+1024 || pad%v.outputs(product) != 0 || pad%v.k != 0 || n%v.n != 0 {
						t.Errorf("%s: %d stages, %d bytes, %d outputs", v.kernel(product, format), stages, bytes, v.outputs(product))
					}
				}
			}
		}
	}
}
