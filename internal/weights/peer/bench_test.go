package peer

import (
	"context"
	"crypto/sha256"
	"io"
	"net"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// endless is a file without an end of its own.
type endless struct{ content [piece]byte }

func (e *endless) File(string) (size int64, version string, ok bool) { return 1 << 40, "v", true }

func (e *endless) Read(_ context.Context, _ string, dst []byte, _ int64) error {
	copy(dst, e.content[:])
	return nil
}

// compute hashes a mebibyte on every processor, as the experts of a call are computed.
func compute(input []byte) {
	var all sync.WaitGroup
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() { sha256.Sum256(input) })
	}
	all.Wait()
}

// BenchmarkCallsBesideTransfers measures expert calls of a node, simulated by hashes of
// 1 MiB on every processor, while nothing is fetched from it, while four others fetch under the rules of the
// service, and while they fetch without these rules.
func BenchmarkCallsBesideTransfers(b *testing.B) {
	for _, bb := range []struct {
		name      string
		transfers int
		rate      int64
		yields    bool
	}{{"alone", 0, 0, true}, {"beside transfers", 4, 128 << 20, true}, {"beside transfers without rules", 4, 0, false}} {
		b.Run(bb.name, func(b *testing.B) {
			var computing atomic.Bool
			s := NewServer(ServerConfig{Holder: &endless{}, Rate: bb.rate, Busy: func() bool { return bb.yields && computing.Load() }})
			stop := fetchForever(b, s, bb.transfers)
			input, took := make([]byte, 1<<20), make([]time.Duration, 0, b.N)
			for b.Loop() {
				computing.Store(true)
				began := time.Now()
				compute(input)
				took = append(took, time.Since(began))
				computing.Store(false)
				time.Sleep(time.Millisecond) // the router's part of a layer
			}
			fetched := stop()
			slices.Sort(took)
			at := func(percent int) float64 { return took[(len(took)-1)*percent/100].Seconds() * 1e3 }
			b.ReportMetric(at(50), "p50-ms/call")
			b.ReportMetric(at(99), "p99-ms/call")
			b.ReportMetric(float64(fetched)/(1<<20)/b.Elapsed().Seconds(), "MiB/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// fetchForever lets transfers of a node run until stop, which returns the bytes fetched.
func fetchForever(b *testing.B, s *Server, transfers int) (stop func() int64) {
	b.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	server := grpc.NewServer()
	hachiv1.RegisterWeightsServiceServer(server, s)
	var all sync.WaitGroup
	all.Go(func() { _ = server.Serve(l) }) // until it is stopped
	conn, err := grpc.NewClient("passthrough:///"+l.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var fetched atomic.Int64
	for range transfers {
		stream, err := hachiv1.NewWeightsServiceClient(conn).ReadFile(ctx, &hachiv1.ReadFileRequest{Name: "f", Version: "v", Size: 1 << 40})
		if err != nil {
			b.Fatal(err)
		}
		all.Go(func() {
			for {
				m, err := stream.Recv()
				if err != nil {
					if err == io.EOF {
						b.Error("a transfer ended")
					}
					return
				}
				fetched.Add(int64(len(m.GetData())))
			}
		})
	}
	return func() int64 {
		cancel()
		if err := conn.Close(); err != nil {
			b.Error(err)
		}
		server.Stop()
		all.Wait()
		return fetched.Load()
	}
}
