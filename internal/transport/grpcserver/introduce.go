package grpcserver

import (
	"context"
	"strconv"
	"time"

	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/metadata"

	"github.com/hachi-serve/hachi/internal/version"
)

// Headers of the answer to a question for health: the build of the program, and the time
// of its machine in nanoseconds since 1970.
const (
	VersionHeader = "hachi-version"
	ClockHeader   = "hachi-clock"
)

// introduce says what program answers, to callers that may ask for its health.
func introduce(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	if info.FullMethod == healthpb.Health_Check_FullMethodName {
		_ = grpc.SetHeader(ctx, metadata.Pairs(VersionHeader, version.Line(), ClockHeader, strconv.FormatInt(time.Now().UnixNano(), 10))) // fails only where the call has ended
	}
	return handle(ctx, in)
}
