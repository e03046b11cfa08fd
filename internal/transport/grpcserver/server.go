package grpcserver

import (
	"context"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/moe"
)

const (
	// MaxStreams is the maximum number of calls of a connection at once.
	MaxStreams = 1024
	// MinPing is the minimum time between a client's keepalive pings.
	MinPing = 5 * time.Second
	// HelloWithin is the time that a peer has for the handshakes of TLS and HTTP/2.
	HelloWithin = 10 * time.Second
	// MaxHeader is the maximum size of the metadata of a call, bytes: what is read before
	// anything asks who calls.
	MaxHeader = 64 << 10

	pingEvery  = 30 * time.Second
	pingWithin = 20 * time.Second
)

// New makes a server with the limits above; options come after its own and win.
// A nil logger is silent.
func New(l *slog.Logger, options ...grpc.ServerOption) *grpc.Server {
	own := []grpc.ServerOption{
		grpc.MaxConcurrentStreams(MaxStreams), grpc.MaxHeaderListSize(MaxHeader),
		grpc.ConnectionTimeout(HelloWithin),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingWithin}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: MinPing, PermitWithoutStream: true}),
	}
	return grpc.NewServer(append(append(append(own, Recovery(l)...), options...), grpc.ChainUnaryInterceptor(introduce))...)
}

// Recovery makes a panic of a handler the call's error. A nil logger is silent.
func Recovery(l *slog.Logger) []grpc.ServerOption {
	if l == nil {
		l = slog.New(slog.DiscardHandler)
	}
	return []grpc.ServerOption{
		grpc.ChainUnaryInterceptor(func(ctx context.Context, in any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (out any, err error) {
			defer catch(l, info.FullMethod, &err)
			return handle(ctx, in)
		}),
		grpc.ChainStreamInterceptor(func(srv any, stream grpc.ServerStream, info *grpc.StreamServerInfo, handle grpc.StreamHandler) (err error) {
			defer catch(l, info.FullMethod, &err)
			return handle(srv, stream)
		}),
	}
}

// catch logs a panic of a handler and makes it the handler's error. It must be
// deferred directly.
func catch(l *slog.Logger, method string, err *error) {
	value := recover()
	if value == nil {
		return
	}
	l.Error("panic in a gRPC handler", "method", method, "panic", value, "stack", string(debug.Stack()))
	cause := &moe.Error{Op: method, Kind: moe.Internal, Err: fmt.Errorf("panic: %v", value)}
	*err = status.Error(codes.Internal, cause.Error())
}
