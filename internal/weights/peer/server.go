package peer

import (
	"context"
	"errors"
	"time"

	"golang.org/x/time/rate"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	// piece is how much is sent in one message, in bytes.
	piece = 256 << 10
	// maxYield bounds how long a piece waits for expert calls: a node that computes all the
	// time sends piece / maxYield, 12.5 MiB/s, to each that asks.
	maxYield = 20 * time.Millisecond
	// yieldEvery is the time between looks at whether the node computes.
	yieldEvery = 500 * time.Microsecond
	// maxTransfers bounds the memory of pieces that are under way.
	maxTransfers = 256
)

// Holder has the files of a model. It is safe for concurrent use.
type Holder interface {
	// File describes a file, as checkpoint.Shelf does.
	File(name string) (size int64, version string, ok bool)
	// Read fills dst with the bytes of a file at an offset, which are inside it. The error
	// of bytes that are not on this machine is checkpoint.ErrNotHeld.
	Read(ctx context.Context, name string, dst []byte, at int64) error
}

// ServerConfig describes what a node gives to others.
type ServerConfig struct {
	Holder Holder
	// Rate bounds all transfers together, in bytes per second; 0 is no limit.
	Rate int64
	// Busy reports whether expert calls wait or are computed.
	Busy func() bool
}

// Server implements hachiv1.WeightsServiceServer.
type Server struct {
	hachiv1.UnimplementedWeightsServiceServer
	cfg       ServerConfig
	ration    *rate.Limiter
	transfers chan struct{} // one element for each transfer under way
}

// NewServer makes the weights service of a node.
func NewServer(cfg ServerConfig) *Server {
	limit := rate.Inf
	if cfg.Rate > 0 {
		limit = rate.Limit(cfg.Rate)
	}
	return &Server{cfg: cfg, ration: rate.NewLimiter(limit, piece), transfers: make(chan struct{}, maxTransfers)}
}

// StatFile implements the service.
func (s *Server) StatFile(_ context.Context, r *hachiv1.StatFileRequest) (*hachiv1.StatFileResponse, error) {
	size, version, ok := s.cfg.Holder.File(r.GetName())
	if !ok {
		return nil, absent(r.GetName())
	}
	return &hachiv1.StatFileResponse{Size: uint64(size), Version: version}, nil
}

func absent(name string) error { return status.Errorf(codes.NotFound, "no file %.80q", name) }

// ReadFile implements the service.
func (s *Server) ReadFile(r *hachiv1.ReadFileRequest, stream grpc.ServerStreamingServer[hachiv1.ReadFileResponse]) error {
	size, version, ok := s.cfg.Holder.File(r.GetName())
	switch {
	case !ok:
		return absent(r.GetName())
	case version != r.GetVersion():
		return status.Errorf(codes.FailedPrecondition, "%.80q: version %s, expected %.80s", r.GetName(), version, r.GetVersion())
	case r.GetOffset() > uint64(size) || r.GetSize() > uint64(size)-r.GetOffset():
		return status.Errorf(codes.InvalidArgument, "%d bytes at %d of a file of %d", r.GetSize(), r.GetOffset(), size)
	}
	select {
	case s.transfers <- struct{}{}:
		defer func() { <-s.transfers }()
	default:
		return status.Errorf(codes.ResourceExhausted, "%d transfers are under way", maxTransfers)
	}
	return s.send(stream, r.GetName(), int64(r.GetOffset()), int64(r.GetSize()))
}

// send sends a range, piece by piece.
func (s *Server) send(stream grpc.ServerStreamingServer[hachiv1.ReadFileResponse], name string, at, left int64) error {
	buffer := make([]byte, min(left, piece))
	for left > 0 {
		data := buffer[:min(left, piece)]
		if err := s.wait(stream.Context(), len(data)); err != nil {
			return err
		}
		switch err := s.cfg.Holder.Read(stream.Context(), name, data, at); {
		case errors.Is(err, checkpoint.ErrNotHeld):
			return status.Errorf(codes.NotFound, "%s: %v", name, err)
		case err != nil:
			return status.Errorf(codes.Unavailable, "%s cannot be read here: %v", name, err)
		}
		if err := stream.Send(&hachiv1.ReadFileResponse{Data: data}); err != nil {
			return err
		}
		at, left = at+int64(len(data)), left-int64(len(data))
	}
	return nil
}

// wait takes n bytes of the ration, and then lets expert calls go first: those that came
// while the piece waited for the ration too.
func (s *Server) wait(ctx context.Context, n int) error {
	if err := s.ration.WaitN(ctx, n); err != nil {
		return status.Error(codes.Canceled, err.Error())
	}
	for until := time.Now().Add(maxYield); s.cfg.Busy() && time.Now().Before(until); {
		select {
		case <-time.After(yieldEvery):
		case <-ctx.Done():
			return status.FromContextError(ctx.Err()).Err()
		}
	}
	return nil
}
