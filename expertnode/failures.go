package expertnode

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/moe"
)

const (
	firstRetry = 5 * time.Second
	lastRetry  = time.Minute
	// listedFailures bounds the failures that are spelled out in the record.
	listedFailures = 4
)

// failures are the experts that could not be loaded. Each has a back-off of
// its own: a damaged expert must not delay a sound one.
type failures map[moe.ExpertID]failure

type failure struct {
	err   error
	wait  time.Duration
	until time.Time // not tried again before
}

// add records a failed load; the wait doubles each time.
func (f failures) add(id moe.ExpertID, err error, now time.Time) {
	wait := firstRetry
	if last, ok := f[id]; ok {
		wait = min(2*last.wait, lastRetry)
	}
	f[id] = failure{err, wait, now.Add(wait)}
}

// next picks the expert to load: the first that never failed, else the first
// whose wait is over.
func (f failures) next(ids moe.Shard, now time.Time) (moe.ExpertID, bool) {
	var again *moe.ExpertID
	for i, id := range ids {
		last, failed := f[id]
		if !failed {
			return id, true
		}
		if again == nil && !now.Before(last.until) {
			again = &ids[i]
		}
	}
	if again == nil {
		return moe.ExpertID{}, false
	}
	return *again, true
}

// keep forgets the experts that are not wanted any more.
func (f failures) keep(wanted moe.Shard) {
	maps.DeleteFunc(f, func(id moe.ExpertID, _ failure) bool { return !wanted.Has(id) })
}

// String tells people what failed and why, in order of expert.
func (f failures) String() string {
	var lines []string
	for _, id := range moe.NewShard(slices.Collect(maps.Keys(f))) {
		if len(lines) == listedFailures {
			lines = append(lines, fmt.Sprintf("and %d more", len(f)-listedFailures))
			break
		}
		lines = append(lines, fmt.Sprintf("%v: %v", id, f[id].err))
	}
	return strings.Join(lines, "; ")
}
