package status

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/peer"

	"github.com/hachi-serve/hachi/internal/transport/grpcserver"
)

// Health is what a process answers to a question for its health.
type Health struct {
	Serving bool
	Version string // of its build; "" if it does not say
	Clock   Clock
	From    peer.Peer
}

// Clock compares the clock of a process with this machine's. The difference is known to
// RoundTrip, the time of the question. The zero Clock is not known.
type Clock struct {
	Known             bool
	Offset, RoundTrip time.Duration // Offset is the process's less this machine's
}

// maxOffset is more than clocks of machines that keep time by NTP differ.
const maxOffset = time.Second

// Differs reports whether a clock is wrong, on either machine.
func (c Clock) Differs() bool { return c.Known && c.Offset.Abs() > maxOffset+c.RoundTrip }

// clockAt is the clock of a process that read it while it answered a question of a time.
func clockAt(read, asked time.Time, took time.Duration) Clock {
	return Clock{true, read.Sub(asked.Add(took / 2)), took}
}

// AskHealth asks a process for its health. The first call opens the connection; only
// the second one measures.
func AskHealth(ctx context.Context, conn *grpc.ClientConn) (out Health, err error) {
	client := healthpb.NewHealthClient(conn)
	if _, err := client.Check(ctx, &healthpb.HealthCheckRequest{}); err != nil {
		return out, err
	}
	var header metadata.MD
	asked := time.Now()
	answer, err := client.Check(ctx, &healthpb.HealthCheckRequest{}, grpc.Header(&header), grpc.Peer(&out.From))
	if err != nil {
		return out, err
	}
	took := time.Since(asked)
	out.Serving, out.Version = answer.GetStatus() == healthpb.HealthCheckResponse_SERVING, first(header.Get(grpcserver.VersionHeader))
	if nanos, err := strconv.ParseInt(first(header.Get(grpcserver.ClockHeader)), 10, 64); err == nil {
		out.Clock = clockAt(time.Unix(0, nanos), asked, took)
	}
	return out, nil
}

func first(values []string) string {
	if len(values) == 0 {
		return ""
	}
	return values[0]
}
