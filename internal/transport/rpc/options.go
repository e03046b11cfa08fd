package rpc

import (
	"crypto/tls"
	"math"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

// The bounds of a connection. A peer that exceeds one loses its stream or its
// connection, and never more memory than the bounds add up to.
const (
	// creditPayloads is how many of the largest payloads a stream's credits
	// allow in flight.
	creditPayloads = 2
	// bufferSize is that of gRPC's read and write buffers, one pair a connection.
	bufferSize = 256 << 10
	// pingEvery and pingWithin bound how long a dead host looks alive: no reset
	// comes from one that lost its power.
	pingEvery  = 10 * time.Second
	pingWithin = 5 * time.Second
	// maxStreams bounds the streams of one connection; a router needs one.
	maxStreams = 64
	// headRoom is added to a payload's size for the header of its message.
	headRoom = 1 << 20
)

// window is the flow-control window of a stream and of its connection, on both
// sides: all credits have room in it, so that gRPC never throttles below them.
// HTTP/2 allows no more than 31 bits.
//
//	window = min(creditPayloads x (maxPayload + headRoom), 2^31 - 1)
func window(maxPayload int) int32 {
	return int32(min(creditPayloads*(maxPayload+headRoom), math.MaxInt32))
}

// ServerOptions are the options a server of expert calls must be made with.
// maxPayload is the largest payload either way, in bytes. gRPC refuses a larger
// message before it allocates memory for it. The node accepts a ping
// every pingEvery / 2 and closes the connection if they come faster.
func ServerOptions(maxPayload int) []grpc.ServerOption {
	return []grpc.ServerOption{
		grpc.ForceServerCodecV2(newCodec()),
		grpc.MaxRecvMsgSize(maxPayload + headRoom), grpc.MaxConcurrentStreams(maxStreams),
		grpc.InitialWindowSize(window(maxPayload)), grpc.InitialConnWindowSize(window(maxPayload)),
		grpc.ReadBufferSize(bufferSize), grpc.WriteBufferSize(bufferSize),
		grpc.KeepaliveParams(keepalive.ServerParameters{Time: pingEvery, Timeout: pingWithin}),
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: pingEvery / 2, PermitWithoutStream: true}),
	}
}

// dialOptions are those of a router's connections. Nodes are reached directly,
// whatever proxy the environment names for the rest of the world. A nil secure is
// plaintext.
func dialOptions(maxPayload int, spin time.Duration, secure *tls.Config) []grpc.DialOption {
	by := insecure.NewCredentials()
	if secure != nil {
		by = NewTLS(secure)
	}
	options := []grpc.DialOption{
		grpc.WithTransportCredentials(by),
		grpc.WithDefaultCallOptions(grpc.ForceCodecV2(newCodec()), grpc.MaxCallRecvMsgSize(maxPayload+headRoom)),
		grpc.WithInitialWindowSize(window(maxPayload)), grpc.WithInitialConnWindowSize(window(maxPayload)),
		grpc.WithReadBufferSize(bufferSize), grpc.WithWriteBufferSize(bufferSize),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{Time: pingEvery, Timeout: pingWithin, PermitWithoutStream: true}),
		grpc.WithDisableRetry(), grpc.WithNoProxy(),
		// Below the lease's TTL: a node that comes back is found before its
		// experts would be placed elsewhere.
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff:           backoff.Config{BaseDelay: 50 * time.Millisecond, Multiplier: 1.6, Jitter: 0.2, MaxDelay: time.Second},
			MinConnectTimeout: 2 * time.Second,
		}),
	}
	if spin > 0 {
		options = append(options, grpc.WithContextDialer(spinDialer(spin)))
	}
	return options
}
