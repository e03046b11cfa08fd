package gguf

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

const splitFiles = 3

func partOf(dir string, n int) string {
	return filepath.Join(dir, fmt.Sprintf("chat-%05d-of-%05d.gguf", n, splitFiles))
}

func TestEveryPartOpensTheModel(t *testing.T) {
	whole := openFile(t, chatFile)
	for n := 1; n <= splitFiles; n++ {
		f := openFile(t, partOf("testdata", n))
		if !reflect.DeepEqual(f.Config(), whole.Config()) {
			t.Errorf("part %d: config %+v, want %+v", n, f.Config(), whole.Config())
		}
		for _, s := range checkpoint.Layout(whole.Config()) {
			got, _, errGot := f.Tensor(s)
			want, _, errWant := whole.Tensor(s)
			if errGot != nil || errWant != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("part %d: tensor %s differs (%v, %v)", n, s.Name, errGot, errWant)
			}
		}
	}
}

// copyParts copies the parts into a directory, each edited.
func copyParts(t *testing.T, edit func(n int, h *header)) string {
	t.Helper()
	dir := t.TempDir()
	for n := 1; n <= splitFiles; n++ {
		raw, err := os.ReadFile(partOf("testdata", n))
		if err != nil {
			t.Fatal(err)
		}
		h, err := parse(raw)
		if err != nil {
			t.Fatal(err)
		}
		if edit != nil {
			edit(n, h)
		}
		h.write(t, partOf(dir, n))
	}
	return dir
}

func openPart(path string) error {
	f, err := Open(path, Options{Kernels: kernel.Best()})
	if err == nil {
		f.Close()
	}
	return err
}

func TestMissingPartsAreNamed(t *testing.T) {
	dir := copyParts(t, nil)
	for _, n := range []int{3, 2} {
		if err := os.Remove(partOf(dir, n)); err != nil {
			t.Fatal(err)
		}
		err := openPart(partOf(dir, 1))
		if err == nil || !strings.Contains(err.Error(), fmt.Sprintf("%d of the 3 parts of the model are missing", 4-n)) || !strings.Contains(err.Error(), partOf(dir, n)) {
			t.Errorf("without part %d: error %v", n, err)
		}
	}
	if err := openPart(partOf(dir, 2)); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a part that is not there: error %v", err)
	}
}

func TestPartsThatDoNotBelongTogetherAreRefused(t *testing.T) {
	if err := openPart(partOf(copyParts(t, nil), 1)); err != nil {
		t.Fatalf("unchanged parts: %v", err)
	}
	for _, tt := range []struct {
		name string
		part int
		edit func(h *header)
		says string
	}{
		{"another number", 2, func(h *header) { h.meta["split.no"] = uint64(2) }, "part 2 of 3: split.no is 2"},
		{"another count", 3, func(h *header) { h.meta["split.count"] = uint64(4) }, "part 3 of 3: split.no is 2 and split.count 4"},
		{"no number", 2, func(h *header) { delete(h.meta, "split.no") }, "part 2 of 3: split.no: missing"},
		{"a tensor twice", 2, func(h *header) { h.set("token_embd.weight", kindF32, 8, 300) }, `part 2 of 3: tensor "token_embd.weight" is in another part too`},
		{"a tensor less", 3, func(h *header) { delete(h.tensors, "output.weight") }, "split.tensors.count is 23, the 3 parts have 22 tensors"},
		{"a tensor more", 3, func(h *header) { h.set("output.bias", kindF32, 300) }, "the 3 parts have 24 tensors"},
		{"another model", 2, func(h *header) { h.meta["general.architecture"] = "phi3" }, "part 2 of 3: general.architecture"},
		{"a key of its own", 2, func(h *header) { h.meta["llama.logit_scale"] = 2.0 }, "llama.logit_scale: found 2"},
	} {
		dir := copyParts(t, func(n int, h *header) {
			if n == tt.part {
				tt.edit(h)
			}
		})
		if err := openPart(partOf(dir, 1)); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.says)
		}
	}
}

func TestNamesOfParts(t *testing.T) {
	dir := copyParts(t, nil)
	rename := func(from, to string) string {
		to = filepath.Join(dir, to)
		if err := os.Rename(from, to); err != nil {
			t.Fatal(err)
		}
		return to
	}
	for name, says := range map[string]string{
		"m-00004-of-00003.gguf": "part 4 of 3, expected 1 to 3", "m-00000-of-00003.gguf": "part 0 of 3",
		"m.gguf-split-a": "join the pieces first, as in: cat", "m.gguf.part1of2": "join the pieces first",
	} {
		if err := openPart(filepath.Join(dir, name)); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: error %v, want %q", name, err, says)
		}
	}
	if err := openPart(rename(partOf(dir, 1), "renamed.gguf")); err == nil || !strings.Contains(err.Error(), "split.count is 3: the file is one of 3, whose names must end with -00001-of-00003.gguf") {
		t.Errorf("a part with another name: error %v", err)
	}
}
