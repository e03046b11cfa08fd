package grpcapi

import (
	"context"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// contextLength is small, so that tests can exceed it.
const contextLength = 300

// bench is the API over a scripted engine.
type bench struct {
	conn      *grpc.ClientConn
	engine    *enginetest.Engine
	tokenizer *tokenizer.Tokenizer
	client    hachiv1.InferenceServiceClient
	log       *logtest.Log
}

// loadTokenizer is Mistral's.
func loadTokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// start serves until the test ends.
func start(t *testing.T, change func(*completion.Service)) *bench {
	t.Helper()
	tok := loadTokenizer(t)
	b := &bench{engine: &enginetest.Engine{}, tokenizer: tok, log: &logtest.Log{}}
	service := completion.Service{
		Completer: &completion.Completer{
			Engine:    completion.Local{Engine: b.engine, Grammars: completion.NewGrammars(tok, grammar.DefaultLimits())},
			Tokenizer: tok, Context: contextLength,
		},
		Template: chat.MustParse(chat.KarakuriTemplate, tok), Attributes: chat.Attributes{"humor": 2}, Deadline: time.Minute,
		Logger: b.log.Logger(),
	}
	if change != nil {
		change(&service)
	}
	server, listener := grpc.NewServer(ServerOptions()...), bufconn.Listen(1<<16)
	hachiv1.RegisterInferenceServiceServer(server, New(service))
	served := make(chan error)
	go func() { served <- server.Serve(listener) }()
	dial := func(ctx context.Context, _ string) (net.Conn, error) { return listener.DialContext(ctx) }
	conn, err := grpc.NewClient("passthrough:bench", grpc.WithContextDialer(dial), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	b.conn = conn
	b.client = hachiv1.NewInferenceServiceClient(conn)
	t.Cleanup(func() {
		conn.Close()
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("Serve: %v", err)
		}
	})
	return b
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
