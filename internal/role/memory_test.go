package role

import (
	"errors"
	"math"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

func TestHeapLimit(t *testing.T) {
	for _, tt := range []struct {
		container uint64
		reserved  int64
		want      int64 // 0: refused
	}{
		{1 << 30, 0, (1 << 30) / 10 * 9},
		{5 << 29, 2 << 30, (1 << 29) / 10 * 9},
		{2 << 30, 2<<30 - minHeap, minHeap / 10 * 9},
		{2 << 30, 2<<30 - minHeap + 1, 0},
		{1 << 30, 16 << 30, 0},
		{math.MaxUint64, 1 << 30, (1<<62 - 1<<30) / 10 * 9},
	} {
		got, err := heapLimit(tt.container, tt.reserved)
		var field *FieldError
		if got != tt.want || (tt.want == 0) != errors.As(err, &field) {
			t.Errorf("a container of %d with %d reserved: %d, %v, want %d", tt.container, tt.reserved, got, err, tt.want)
		}
	}
}

// TestWeightsInMemoryLowerTheBoundOfTheHeap: quantized experts count for the container as
// the heap does.
func TestWeightsInMemoryLowerTheBoundOfTheHeap(t *testing.T) {
	for _, tt := range []struct {
		quantize tensor.DType
		counted  bool
	}{{tensor.Int8, true}, {tensor.Invalid, false}} {
		w, experts := openExperts(t, tinyCheckpoint(t), tt.quantize)
		l := newExpertLoader(w, experts, 1)
		var limits []int64
		l.heap = &heapBound{container: 1 << 30, set: func(limit int64) int64 { limits = append(limits, limit); return 0 }}
		ids := []moe.ExpertID{{Layer: 1}, {Layer: 1, Expert: 1}}
		for _, id := range ids {
			if err := l.Load(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		}
		for _, id := range ids {
			if err := l.Unload(id); err != nil {
				t.Fatal(err)
			}
		}
		if !tt.counted {
			if limits != nil {
				t.Errorf("mapped weights set the limits %v", limits)
			}
			continue
		}
		whole := int64(1<<30) / 10 * 9
		if len(limits) != 4 || limits[0] >= whole || limits[1] >= limits[0] || limits[2] != limits[0] || limits[3] != whole {
			t.Errorf("limits %v, expected lower ones with each expert, and %d in the end", limits, whole)
		}
	}
}

// TestTheHeapKeepsItsMinimum, whatever a node loads.
func TestTheHeapKeepsItsMinimum(t *testing.T) {
	var limit int64
	h := &heapBound{container: 1 << 30, set: func(l int64) int64 { limit = l; return 0 }}
	if h.hold(2 << 30); limit != minHeap {
		t.Errorf("%d, expected %d", limit, minHeap)
	}
	(*heapBound)(nil).hold(1)
}

// TestFetchedDenseWeightsLowerTheBoundOfTheHeap: those of a directory are mapped, and the
// kernel drops their pages first.
func TestFetchedDenseWeightsLowerTheBoundOfTheHeap(t *testing.T) {
	dir := tinyCheckpoint(t)
	files := httptest.NewServer(http.FileServer(http.Dir(dir)))
	defer files.Close()
	reserved := func(model string) int64 {
		c := testRouter(model)
		c.Source.WeightsCache = t.TempDir()
		core, err := OpenCore(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer core.Close()
		return core.reserved()
	}
	mapped, fetched := reserved(dir), reserved(files.URL)
	if mapped <= 0 || mapped > int64(Mi) || fetched-mapped < int64(Mi)/16 {
		t.Errorf("%d bytes with a directory, %d with a URL", mapped, fetched)
	}
}
