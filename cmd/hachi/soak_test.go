//go:build soak

package main

import (
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/model/preset"
)

// TestANodeHoldsItsShareOfAMixtral writes and serves two layers at the true
// dimensions of Mixtral 8x7B: 6.3 GB of disk, and as much page cache.
func TestANodeHoldsItsShareOfAMixtral(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "slice")
	if err := preset.Write(dir, "8x7b-slice", 1, nil); err != nil {
		t.Fatal(err)
	}
	checkShares(t, dir, 4)
}
