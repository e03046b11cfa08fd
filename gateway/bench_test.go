package gateway_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// BenchmarkToken measures a token of 64 streams on its way to its client, at a router
// and through a gateway with TLS in front of it. Every step of the engine draws a token
// of each stream. The difference of cpu-µs/token is what a gateway costs; the client's
// part is in both.
func BenchmarkToken(b *testing.B) {
	for _, way := range []string{"router", "gateway"} {
		b.Run(way, func(b *testing.B) {
			const streams = 64
			s := serve(b, way == "gateway")
			clients := make([]*bufio.Scanner, streams)
			for i := range clients {
				clients[i] = s.ask(b)
			}
			for len(s.engine.Calls()) < streams {
				time.Sleep(time.Millisecond)
			}
			calls, read := s.engine.Calls(), make(chan bool)
			for _, c := range clients {
				go func() {
					for range b.N {
						read <- next(c)
					}
				}()
			}
			before := processorTime(b)
			b.ResetTimer()
			for range b.N {
				for _, c := range calls {
					c.Push(engine.Event{Token: 1000, Nodes: nil})
				}
				for range calls {
					if !<-read {
						b.Fatal("a stream ended")
					}
				}
			}
			b.StopTimer()
			tokens := float64(b.N * streams)
			b.ReportMetric(float64((processorTime(b)-before).Microseconds())/tokens, "cpu-µs/token")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkFirstToken measures a request of one token, from its first byte to its last.
func BenchmarkFirstToken(b *testing.B) {
	for _, way := range []string{"router", "gateway"} {
		b.Run(way, func(b *testing.B) {
			s := serve(b, way == "gateway")
			s.engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Tokens: []int32{1000}} }
			for b.Loop() {
				for c := s.ask(b); next(c); {
				}
				s.engine.Forget()
			}
		})
	}
}

// served is a server over a scripted engine: a router, or a gateway in front of one.
type served struct {
	engine *enginetest.Engine
	url    string
}

// serve serves until the benchmark ends.
func serve(b *testing.B, gateway bool) served {
	b.Helper()
	hold := func(engine.Request) enginetest.Script { return enginetest.Script{Hold: true} }
	e := &enginetest.Engine{Script: hold}
	if !gateway {
		return served{e, listenAndServe(b, completion.Local{Engine: e}, nil, nil)}
	}
	certificates := identity.Directory(b.TempDir())
	if err := certificates.Init("bench", 2*time.Hour); err != nil {
		b.Fatal(err)
	}
	open := func(role identity.Role) *identity.Source {
		dir, err := certificates.Issue(role, "a", nil, time.Hour)
		if err != nil {
			b.Fatal(err)
		}
		s, err := identity.Open(dir, nil)
		if err != nil {
			b.Fatal(err)
		}
		return s
	}
	var addr string
	router, caller := open(identity.Router), open(identity.Gateway)
	listenAndServe(b, completion.Local{Engine: e}, []grpc.ServerOption{grpc.Creds(credentials.NewTLS(router.ServerTLS()))}, &addr)
	conns, pool := remote.NewConns(func(id string) *tls.Config { return caller.ClientTLS(identity.Router, id) }), remote.NewPool()
	pool.Update([]balance.Router{{ID: "a", Addr: addr, Context: apitest.Context}})
	remoteEngine := remote.New(remote.Config{
		Caller: conns, Pool: pool, Model: balance.Model{Context: apitest.Context}, Vocab: apitest.Tokenizer(b).Vocab(), Silence: time.Hour, MaxRequests: 1000,
	})
	b.Cleanup(func() {
		remoteEngine.Stop()
		conns.Close()
	})
	return served{e, listenAndServe(b, remoteEngine, nil, nil)}
}

// listenAndServe serves an engine until the benchmark ends. The address of gRPC is
// written to addr, unless that is nil.
func listenAndServe(b *testing.B, e completion.Engine, options []grpc.ServerOption, addr *string) (url string) {
	b.Helper()
	tok := apitest.Tokenizer(b)
	c := server.Config{ServerOptions: options, API: api.Config{Config: httpapi.Config{Service: completion.Service{
		Model: "m", Completer: &completion.Completer{Engine: e, Tokenizer: tok, Context: apitest.Context},
		Template: chat.MustParse(chat.KarakuriTemplate, tok), Deadline: time.Hour,
	}}}}
	for _, l := range []*net.Listener{&c.HTTP, &c.GRPC} {
		var err error
		if *l, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
			b.Fatal(err)
		}
	}
	if addr != nil {
		*addr = c.GRPC.Addr().String()
	}
	c.Grace = time.Millisecond
	c = c.WithDefaults()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() {
		ended <- server.New(c, func() bool { return true }).Run(ctx, server.Life{End: func() {}})
	}()
	b.Cleanup(func() {
		cancel()
		<-ended
	})
	return "http://" + c.HTTP.Addr().String()
}

// ask begins a stream.
func (s served) ask(b *testing.B) *bufio.Scanner {
	b.Helper()
	response, err := http.Post(s.url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x","stream":true,"max_tokens":100000,"temperature":0}`))
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(fmt.Errorf("%v, %w", response, err))
	}
	b.Cleanup(func() { response.Body.Close() })
	return bufio.NewScanner(response.Body)
}

// next reads to the end of an event, and reports false at the end of the stream.
func next(c *bufio.Scanner) bool {
	for c.Scan() {
		if strings.HasPrefix(c.Text(), "data: {") {
			return true
		}
	}
	return false
}

// processorTime is what this process has used, in user mode and in the kernel.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
