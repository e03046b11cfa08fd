package failover

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
)

// wholeWithin bounds the wait for a whole placement: leases, loading and
// publishing.
const wholeWithin = 2 * time.Minute

// Whole waits until every expert is served by all its replicas, each by the
// process that is registered now.
func Whole(ctx context.Context, cluster *local.Cluster, up local.UpConfig) error {
	return WholeAgain(ctx, cluster, up, "", time.Time{})
}

// WholeAgain waits as Whole does; reborn, when not empty, names a node whose process must
// have started after a time.
func WholeAgain(ctx context.Context, cluster *local.Cluster, up local.UpConfig, reborn string, after time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, wholeWithin)
	defer cancel()
	for {
		view, err := cluster.View(ctx)
		if err != nil {
			return err
		}
		if len(view.Nodes) == up.Nodes && started(view, reborn, after) && view.Served() >= up.Placement.Replicas {
			return nil
		}
		if err := measure.Pause(ctx, 50*time.Millisecond); err != nil {
			return fmt.Errorf("the placement did not become whole: %w", err)
		}
	}
}

func started(view status.View, node string, after time.Time) bool {
	for _, r := range view.Nodes {
		if r.GetNodeId() == node {
			return r.GetStartedUnixNano() > after.UnixNano()
		}
	}
	return node == ""
}
