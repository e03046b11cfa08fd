package gateway

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/server"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// parts are the fakes of a gateway.
type parts struct {
	mu      sync.Mutex // guards the fields below
	ready   bool
	others  error
	seen    int // records
	stopped bool
	closed  bool
}

func (p *parts) set(change func(*parts)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change(p)
}

func (p *parts) Stop() { p.set(func(p *parts) { p.stopped = true }) }
func (p *parts) Update(records []*hachiv1.RouterRecord) {
	p.set(func(p *parts) { p.seen = len(records); p.ready = p.seen > 0 })
}
func (p *parts) Ready() (ok bool)    { p.set(func(p *parts) { ok = p.ready }); return ok }
func (p *parts) Others() (err error) { p.set(func(p *parts) { err = p.others }); return err }
func (p *parts) Close(context.Context) error {
	p.set(func(p *parts) { p.closed = true })
	return nil
}

// start runs a gateway over a scripted engine until stop, which returns Run's error.
func start(t *testing.T) (p *parts, records chan []*hachiv1.RouterRecord, url string, stop func() error) {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	listen := func() net.Listener {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	scripted := &enginetest.Engine{Script: func(engine.Request) enginetest.Script { return enginetest.Script{Tokens: tok.Encode("hello")} }}
	p, records = &parts{}, make(chan []*hachiv1.RouterRecord, 1)
	c := Config{
		Config: server.Config{HTTP: listen(), GRPC: listen(), API: api.Config{Config: httpapi.Config{Service: completion.Service{
			Model: "m", Completer: &completion.Completer{Engine: completion.Local{Engine: scripted}, Tokenizer: tok, Context: 300},
			Template: chat.MustParse(chat.KarakuriTemplate, tok), Deadline: time.Minute,
		}}}},
		Engine: p, Routers: p, Session: p, Records: records,
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- Run(ctx, c) }()
	return p, records, "http://" + c.HTTP.Addr().String(), func() error {
		cancel()
		return <-done
	}
}

func status(t *testing.T, url string) int {
	t.Helper()
	transport := &http.Transport{DisableKeepAlives: true}
	response, err := (&http.Client{Transport: transport}).Get(url)
	if err != nil {
		return 0
	}
	response.Body.Close()
	return response.StatusCode
}

// TestReadyWithARouter, and not after the last has gone. A stop ends the engine and
// takes the record away.
func TestReadyWithARouter(t *testing.T) {
	p, records, url, stop := start(t)
	if code := status(t, url+"/readyz"); code != 503 {
		t.Errorf("without routers: %d", code)
	}
	if code := status(t, url+"/healthz"); code != 200 {
		t.Errorf("/healthz: %d", code)
	}
	records <- []*hachiv1.RouterRecord{{RouterId: "a"}}
	eventually.True(t, "ready", func() bool { return status(t, url+"/readyz") == 200 })
	records <- nil
	eventually.True(t, "not ready", func() bool { return status(t, url+"/readyz") == 503 })
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Post(url+"/v1/completions", "application/json", strings.NewReader(`{"prompt":"x"}`))
	if err != nil || response.StatusCode != 200 {
		t.Errorf("a request: %v, %v", response, err)
	}
	if err == nil {
		response.Body.Close()
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
	if !p.stopped || !p.closed {
		t.Errorf("engine stopped %v, record closed %v", p.stopped, p.closed)
	}
}

// TestRoutersThatItCannotServeEndTheGateway with the reason.
func TestRoutersThatItCannotServeEndTheGateway(t *testing.T) {
	p, records, _, stop := start(t)
	why := errors.New("another model")
	p.set(func(p *parts) { p.others = why })
	records <- nil
	eventually.True(t, "ended", func() (ok bool) { p.set(func(p *parts) { ok = p.closed }); return ok })
	if err := stop(); !errors.Is(err, why) {
		t.Errorf("Run: %v", err)
	}
}

// TestAGatewayWaitsForRoutersThatRestart: it ends beside routers that it cannot serve
// only when no other has come for a while.
func TestAGatewayWaitsForRoutersThatRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, records, ended := &parts{}, make(chan []*hachiv1.RouterRecord), make(chan error)
		c := Config{Config: server.Config{Logger: slog.New(slog.DiscardHandler)}, Routers: p, Records: records}
		go func() { ended <- follow(t.Context(), c, func(bool) {}) }()
		why := errors.New("another model")
		for _, others := range []error{why, nil, why} {
			p.set(func(p *parts) { p.others = others })
			records <- nil
			time.Sleep(OthersAfter - 1)
			select {
			case err := <-ended:
				t.Fatalf("ended with %v", err)
			default:
			}
		}
		if err := <-ended; !errors.Is(err, why) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestIncompleteConfigNamesItsFields and leaves nothing behind.
func TestIncompleteConfigNamesItsFields(t *testing.T) {
	p := &parts{}
	err := Run(t.Context(), Config{Session: p})
	if err == nil {
		t.Fatal("a gateway of nothing runs")
	}
	for _, field := range []string{"Engine", "Routers", "API.Completer", "API.Template", "API.Deadline", "HTTP", "GRPC"} {
		if !strings.Contains(err.Error(), field+" is missing") {
			t.Errorf("%v does not name %s", err, field)
		}
	}
	if !p.closed {
		t.Error("the record was left")
	}
}
