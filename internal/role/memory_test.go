package role

import (
	"errors"
	"math"
	"testing"
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
