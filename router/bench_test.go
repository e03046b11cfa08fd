package router

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/metrics"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// adopting is a dispatcher that only follows.
type adopting struct {
	mu        sync.Mutex // guards placement
	placement *moe.Placement
}

func (a *adopting) Adopt(p *moe.Placement) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.placement = p
	return true
}

func (a *adopting) Placement() *moe.Placement {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.placement
}

func (a *adopting) AckedEpoch() moe.Epoch {
	if p := a.Placement(); p != nil {
		return p.Epoch()
	}
	return 0
}

func (a *adopting) Counts() []uint64 { return []uint64{3, 5} }

func (a *adopting) Stats() dispatch.Stats {
	return dispatch.Stats{Calls: 11, Rows: 12, Hedges: 13, HedgedRows: 14, HedgesWon: 15, LocalHealthScore: 2}
}

func (a *adopting) Nodes() []dispatch.NodeStats {
	h := dispatch.Histogram{Count: 4, Sum: 3 * time.Second}
	h.Buckets[0], h.Buckets[4] = 1, 2
	return []dispatch.NodeStats{{Node: "n", Suspected: true, Suspicions: 6, Failovers: 7, Answered: h}, {Node: "o"}}
}

// keeping is a session that remembers its record.
type keeping[T any] struct {
	mu     sync.Mutex // guards the fields below
	record T
	closed bool
}

// noting keeps the record of a router.
type noting struct {
	keeping[hachiv1.RouterRecord]
}

func (n *keeping[T]) Update(change func(*T)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	change(&n.record)
}

func (n *keeping[T]) Close(context.Context) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.closed = true
	return nil
}

func (n *noting) look() (acked uint64, closed bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.record.GetAckedEpoch(), n.closed
}

// load is what the record says to gateways.
func (n *noting) load() (requests uint32, draining bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.record.GetLoad(), n.record.GetDraining()
}

// bench is a running router over a scripted engine.
type bench struct {
	engine     *enginetest.Engine
	tokenizer  *tokenizer.Tokenizer
	session    *noting
	placements chan *moe.Placement
	url        string
	client     hachiv1.InferenceServiceClient
	conn       *grpc.ClientConn
	stop       context.CancelFunc
	done       chan struct{} // closed when Run has returned
	err        error         // of Run; read it after done
}

// contextLength is small, so that tests can exceed it.
const contextLength = 300

// start runs a router until the test ends.
func start(t *testing.T, change func(*Config)) *bench {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		engine: &enginetest.Engine{}, tokenizer: tok, session: &noting{}, placements: make(chan *moe.Placement, 1), done: make(chan struct{}),
	}
	m, d := metrics.New(), &adopting{}
	m.Collect(metrics.Engine(b.engine.Stats), metrics.Dispatch(d), metrics.Experts(d.Counts, moe.Uniform(1, 2), 0))
	c := Config{
		Engine: b.engine, Dispatcher: d, Session: b.session, Load: &keeping[hachiv1.RouterLoad]{}, Placements: b.placements,
		Config: server.Config{HTTP: listen(t), GRPC: listen(t), API: api.Config{
			Config: httpapi.Config{Service: completion.Service{
				Model: "m",
				Completer: &completion.Completer{
					Engine: completion.Local{Engine: b.engine}, Tokenizer: tok, Context: contextLength, Observe: completion.Observer{FirstToken: m.FirstToken, NextToken: m.NextToken},
				},
				Template: chat.MustParse(chat.KarakuriTemplate, tok), Deadline: time.Minute, Done: m.Request,
			}},
			Metrics: m.Handler(),
		}},
	}
	if change != nil {
		change(&c)
	}
	b.url = "http://" + c.HTTP.Addr().String()
	if b.conn, err = grpc.NewClient(c.GRPC.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials())); err != nil {
		t.Fatal(err)
	}
	b.client = hachiv1.NewInferenceServiceClient(b.conn)
	var ctx context.Context
	ctx, b.stop = context.WithCancel(context.Background())
	go func() {
		defer close(b.done)
		b.err = Run(ctx, c)
	}()
	t.Cleanup(func() {
		b.conn.Close()
		b.stop()
		<-b.done
		if b.err != nil {
			t.Errorf("Run: %v", b.err)
		}
	})
	return b
}

func listen(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// saying makes the engine answer every request with a text.
func (b *bench) saying(text string) {
	b.engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Tokens: b.tokenizer.Encode(text)} }
}

// holding makes the engine begin an answer and not end it.
func (b *bench) holding(text string) {
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode(text), Hold: true}
	}
}

// generate reads a whole answer over gRPC.
func (b *bench) generate(ctx context.Context, in *hachiv1.GenerateRequest) error {
	stream, err := b.client.Generate(ctx, in)
	for err == nil {
		_, err = stream.Recv()
	}
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

func textPrompt(text string) *hachiv1.GenerateRequest {
	return &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Text{Text: text}}
}
