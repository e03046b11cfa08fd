package lastshard

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/moe"
)

var shard = moe.Shard{{Layer: 0, Expert: 1}, {Layer: 0, Expert: 3}, {Layer: 2, Expert: 0}}

func file(path string) File {
	return File{Path: path, Node: "n", Fingerprint: "model", Topology: moe.Uniform(3, 4)}
}

func TestAShardIsRecalled(t *testing.T) {
	f := file(filepath.Join(t.TempDir(), "state", "n.json"))
	if got, err := f.Recall(); got != nil || err != nil {
		t.Errorf("%v, %v of no file", got, err)
	}
	for _, want := range []moe.Shard{shard, shard[:1], nil} {
		if err := f.Remember(want); err != nil {
			t.Fatal(err)
		}
		if got, err := f.Recall(); err != nil || !slices.Equal(got, want) {
			t.Errorf("%v, %v, want %v", got, err, want)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(f.Path)); err != nil || len(left) != 1 {
		t.Errorf("%v, %v: want one file", left, err)
	}
	if err := f.Remember(moe.Shard{{Layer: 9}}); err == nil {
		t.Error("an expert of another model is remembered")
	}
}

func TestAFileOfAnotherNodeOrModelRecallsNothing(t *testing.T) {
	f := file(filepath.Join(t.TempDir(), "n.json"))
	if err := f.Remember(shard); err != nil {
		t.Fatal(err)
	}
	for want, change := range map[string]func(*File){
		`node "n", expected "other"`:      func(f *File) { f.Node = "other" },
		`model "model", expected "other"`: func(f *File) { f.Fingerprint = "other" },
		"not of this model":               func(f *File) { f.Topology = moe.Uniform(2, 4) },
	} {
		other := f
		change(&other)
		if got, err := other.Recall(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, %v: want %s", got, err, want)
		}
	}
}

// TestADamagedFileRecallsNothing: every byte is changed, and the file is cut at every
// byte.
func TestADamagedFileRecallsNothing(t *testing.T) {
	f := file(filepath.Join(t.TempDir(), "n.json"))
	if err := f.Remember(shard); err != nil {
		t.Fatal(err)
	}
	sound, err := os.ReadFile(f.Path)
	if err != nil {
		t.Fatal(err)
	}
	sound = bytes.TrimSpace(sound)
	for i := range sound {
		damaged := bytes.Clone(sound)
		damaged[i] ^= 1
		for _, raw := range [][]byte{damaged, sound[:i]} {
			if got, err := f.parse(raw); err == nil {
				t.Errorf("%v of %s", got, raw)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	of := file("")
	f.Add([]byte(`{"node":"n","fingerprint":"model","experts":[[1]],"sha256":""}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := of.parse(raw)
		if err == nil && !slices.Equal(got, moe.NewShard(got)) {
			t.Errorf("%v is not a set", got)
		}
	})
}
