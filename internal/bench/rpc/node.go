package rpc

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/transport/rowbuf"
	"github.com/hachi-serve/hachi/internal/transport/rpc"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

const (
	nodeID      = "node"
	fingerprint = "mirror"
	echo        = "/mirror/Echo"
)

// Child is a child process: the arguments are those that Config.Child was
// given. It runs until in ends.
func Child(args []string, in io.Reader, out io.Writer) error {
	switch {
	case len(args) == 4 && args[0] == "node":
		spin, err := time.ParseDuration(args[2])
		if err != nil {
			return err
		}
		return serveNode(args[1], spin, args[3], in, out)
	case len(args) == 2 && args[0] == "spin":
		return spin(Cores(args[1]), in, out)
	}
	return fmt.Errorf("child %q: want node NETWORK SPIN CERTIFICATES or spin CORES", args)
}

// serveNode serves all variants on listeners of their own, and prints their
// addresses in the order of variants.
func serveNode(network string, spin time.Duration, certificates string, in io.Reader, out io.Writer) error {
	source, err := identity.Open(certificates, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "hachi-rpc")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	mtls := grpc.Creds(rpc.NewTLS(source.ServerTLS()))
	serve := map[Variant]func(net.Listener){
		Raw:    serveRaw,
		Hop:    func(l net.Listener) { serveHop(rpc.Spin(l, spin)) },
		Secure: func(l net.Listener) { serveHop(rpc.Spin(l, spin), mtls) },
		Unary:  serveUnary,
	}
	for _, v := range variants {
		address := "127.0.0.1:0"
		if network == "unix" {
			address = filepath.Join(dir, string(v))
		}
		l, err := net.Listen(network, address)
		if err != nil {
			return err
		}
		go serve[v](l)
		fmt.Fprint(out, l.Addr(), " ")
	}
	fmt.Fprintln(out)
	_, err = io.Copy(io.Discard, in)
	return err
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

func serveHop(l net.Listener, more ...grpc.ServerOption) {
	s := grpc.NewServer(append(rpc.ServerOptions(maxPayload), more...)...)
	hachiv1.RegisterExpertServiceServer(s, rpc.NewServer(rpc.ServerConfig{
		Handler: &mirror{}, Node: nodeID, Fingerprint: fingerprint, RowBytes: RowBytes, MaxPayload: maxPayload,
	}))
	_ = s.Serve(l) // until the process ends
}

// serveRaw learns the size of the payload from the first 4 bytes of a
// connection.
func serveRaw(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			var size [4]byte
			if _, err := io.ReadFull(conn, size[:]); err != nil {
				return
			}
			payload := make([]byte, binary.LittleEndian.Uint32(size[:]))
			for {
				if _, err := io.ReadFull(conn, payload); err != nil {
					return
				}
				if _, err := conn.Write(payload); err != nil {
					return
				}
			}
		}()
	}
}

func serveUnary(l net.Listener) {
	s := grpc.NewServer(grpc.MaxRecvMsgSize(2 * maxPayload))
	s.RegisterService(&grpc.ServiceDesc{ServiceName: "mirror", HandlerType: (*any)(nil), Methods: []grpc.MethodDesc{{
		MethodName: "Echo",
		Handler: func(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
			var in wrapperspb.BytesValue
			return &in, decode(&in)
		},
	}}}, nil)
	_ = s.Serve(l)
}
