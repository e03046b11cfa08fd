package coordinator

import (
	"math"
	"testing"

	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestOneProcessDoesNotDecideTheEpoch: the highest that is reported counts, unless it is
// that of a single process and far from all others, or leaves no epoch for the next placement.
func TestOneProcessDoesNotDecideTheEpoch(t *testing.T) {
	for _, tt := range []struct {
		name    string
		floor   moe.Epoch
		reports []uint64
		want    moe.Epoch
	}{
		{"nothing", 0, nil, 0},
		{"the floor", 7, []uint64{3}, 7},
		{"one, after etcd has lost everything", 0, []uint64{5_000_000}, 5_000_000},
		{"one beside processes that have just begun", 0, []uint64{0, 5_000_000, 0}, 5_000_000},
		{"one that is ahead", 7, []uint64{7, 9, 8}, 9},
		{"all that are ahead", 7, []uint64{3_000_000, 3_000_001}, 3_000_001},
		{"a lie, beside the floor", 7, []uint64{1 << 60}, 7},
		{"a lie, beside another process", 0, []uint64{8, 1 << 60}, 8},
		{"a lie that comes first", 0, []uint64{1 << 60, 8, 9}, 9},
		{"a lie of what is the last one", 0, []uint64{uint64(moe.MaxEpoch)}, 0},
		{"a lie of what is the last but one", 0, []uint64{uint64(moe.MaxEpoch) - 1, 4}, 4},
		{"a lie beyond all", 0, []uint64{math.MaxUint64, 4}, 4},
	} {
		s := &state{floor: tt.floor}
		for _, e := range tt.reports {
			s.routers = append(s.routers, &hachiv1.RouterRecord{AckedEpoch: e})
		}
		if got := s.reported(); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
		if next := s.next(); next > moe.MaxEpoch {
			t.Errorf("%s: the next epoch is %d", tt.name, next)
		}
	}
}
