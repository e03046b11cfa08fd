package rpc

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hachi-serve/hachi/moe"
	"github.com/hachi-serve/hachi/moe/rowbuf"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// The benchmarks compare a hop, one expert call over loopback to another
// process, with a raw TCP ping-pong and a default unary gRPC call of the same
// payload, both ways:
//
//	go test -run xxx -bench Hop -benchmem ./transport/rpc
//
// Allocations are those of the router alone. With both processes on one core:
// go test -c -o rpc.test ./transport/rpc && taskset -c 0 ./rpc.test -test.run xxx -test.bench Hop

// benchServer is the environment variable that makes the test binary a node.
const benchServer = "HACHI_BENCH_SERVER"

const benchPayload = 1 << 20

// startNode runs the test binary as a node and returns the addresses it prints.
func startNode(b *testing.B) (hop, raw, unary string) {
	b.Helper()
	node := exec.Command(os.Args[0])
	node.Env = append(os.Environ(), benchServer+"=1")
	node.Stderr = os.Stderr
	in, err := node.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := node.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := node.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { in.Close(); _ = node.Wait() })
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	addrs := strings.Fields(line)
	return addrs[0], addrs[1], addrs[2]
}

// mirror answers a call with its own rows.
type mirror struct{ memory rowbuf.Pool }

func (m *mirror) Serve(c *moe.Call, done func(*moe.Reply, error)) func() bool {
	reply := &moe.Reply{}
	reply.Y, reply.Release = m.memory.Get(len(c.X))
	copy(reply.Y, c.X)
	done(reply, nil)
	return nil
}

// runBenchServer serves until its standard input ends.
func runBenchServer() {
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(err)
		}
		return l
	}
	hop, raw, unary := listen(), listen(), listen()
	node := grpc.NewServer(ServerOptions(benchPayload)...)
	hachiv1.RegisterExpertServiceServer(node, NewServer(ServerConfig{
		Handler: &mirror{}, Node: "n", Fingerprint: "f", RowBytes: 8 << 10, MaxPayload: benchPayload,
	}))
	go func() { _ = node.Serve(hop) }()
	go func() {
		for {
			conn, err := raw.Accept()
			if err != nil {
				return
			}
			go func() {
				_, _ = io.CopyBuffer(struct{ io.Writer }{conn}, struct{ io.Reader }{conn}, make([]byte, benchPayload))
			}()
		}
	}()
	plain := grpc.NewServer(grpc.MaxRecvMsgSize(2 * benchPayload))
	plain.RegisterService(&grpc.ServiceDesc{ServiceName: "bench", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Echo",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in wrapperspb.BytesValue
			return &in, decode(&in)
		},
	}}}, nil)
	go func() { _ = plain.Serve(unary) }()
	fmt.Println(hop.Addr(), raw.Addr(), unary.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// timed runs a round trip b.N times and reports its median and 99th
// percentile beside the mean.
func timed(b *testing.B, trip func()) {
	trip() // the connection opens
	took := make([]time.Duration, 0, 1<<20)
	b.ReportAllocs()
	for b.Loop() {
		began := time.Now()
		trip()
		if len(took) < cap(took) {
			took = append(took, time.Since(began))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}

var benchSizes = []int{8 << 10, 64 << 10, 512 << 10}

func name(size int) string { return fmt.Sprintf("%dKiB", size>>10) }

func BenchmarkHop(b *testing.B) {
	addr, _, _ := startNode(b)
	for _, size := range benchSizes {
		b.Run(name(size), func(b *testing.B) {
			p := NewPool(PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: benchPayload})
			defer p.Close()
			to := moe.Replica{Node: "n", Addr: addr}
			rows := size >> 13
			c := &moe.Call{Fingerprint: "f", Epoch: 1, Layer: 3, Rows: rows, X: make([]byte, size), Groups: []moe.Group{{Expert: 1}}}
			for row := range rows {
				c.Groups[0].Index = append(c.Groups[0].Index, int32(row))
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			timed(b, func() {
				reply, err := p.Call(ctx, to, c)
				if err != nil || len(reply.Y) != size {
					b.Fatal(err)
				}
				reply.Free()
			})
		})
	}
}

func BenchmarkHopRawTCP(b *testing.B) {
	_, addr, _ := startNode(b)
	for _, size := range benchSizes {
		b.Run(name(size), func(b *testing.B) {
			conn, err := net.Dial("tcp", addr)
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			out, in := make([]byte, size), make([]byte, size)
			timed(b, func() {
				if _, err := conn.Write(out); err != nil {
					b.Fatal(err)
				}
				if _, err := io.ReadFull(conn, in); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

func BenchmarkHopUnary(b *testing.B) {
	_, _, addr := startNode(b)
	for _, size := range benchSizes {
		b.Run(name(size), func(b *testing.B) {
			conn, err := grpc.NewClient(addr, grpc.WithTransportCredentials(insecure.NewCredentials()))
			if err != nil {
				b.Fatal(err)
			}
			defer conn.Close()
			out := wrapperspb.Bytes(make([]byte, size))
			timed(b, func() {
				var in wrapperspb.BytesValue
				if err := conn.Invoke(context.Background(), "/bench/Echo", out, &in); err != nil {
					b.Fatal(err)
				}
			})
		})
	}
}

// BenchmarkFanOut sends 8 KiB to each of several node processes and waits for
// all: a goroutine per node, as dispatch does it.
func BenchmarkFanOut(b *testing.B) {
	for _, nodes := range []int{4, 8} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			p := NewPool(PoolConfig{Router: "r", Fingerprint: "f", MaxPayload: benchPayload})
			defer p.Close()
			var to []moe.Replica
			for range nodes {
				addr, _, _ := startNode(b)
				to = append(to, moe.Replica{Node: "n", Addr: addr})
			}
			ctx, cancel := context.WithCancel(context.Background())
			defer cancel()
			c := &moe.Call{Fingerprint: "f", Rows: 1, X: make([]byte, 8<<10), Groups: []moe.Group{{Index: []int32{0}}}}
			answered := make(chan error, nodes)
			timed(b, func() {
				for _, r := range to {
					go func() {
						reply, err := p.Call(ctx, r, c)
						reply.Free()
						answered <- err
					}()
				}
				for range nodes {
					if err := <-answered; err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkFanOutRawTCP writes to all connections, then reads from all.
func BenchmarkFanOutRawTCP(b *testing.B) {
	for _, nodes := range []int{4, 8} {
		b.Run(fmt.Sprint(nodes), func(b *testing.B) {
			var conns []net.Conn
			for range nodes {
				_, addr, _ := startNode(b)
				conn, err := net.Dial("tcp", addr)
				if err != nil {
					b.Fatal(err)
				}
				defer conn.Close()
				conns = append(conns, conn)
			}
			out, in := make([]byte, 8<<10), make([]byte, 8<<10)
			timed(b, func() {
				for _, conn := range conns {
					if _, err := conn.Write(out); err != nil {
						b.Fatal(err)
					}
				}
				for _, conn := range conns {
					if _, err := io.ReadFull(conn, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}
