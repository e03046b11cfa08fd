package role

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/console"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/router/dispatch"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/version"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// watched is a router or a gateway as consoles see it: it describes itself to the
// consoles of others, and watches the cluster for its own.
type watched struct {
	self    status.Self
	source  *status.Source
	watcher *status.Watcher
	chat    *consoleChat
	traces  tracing.Config
}

// newWatched describes a process that has not joined its cluster.
func newWatched(self status.Self, by *security) *watched {
	describe, started := self.Describe, time.Now()
	self.Describe = func(after uint64) status.Process {
		p := describe(after)
		p.Role, p.ID, p.Started, p.Version = self.Role, self.ID, started, version.Short()
		return p
	}
	return &watched{self: self, source: &status.Source{By: by.source, Self: &self}, watcher: status.NewWatcher(), chat: &consoleChat{}}
}

// register serves the process to the consoles of others.
func (w *watched) register(r grpc.ServiceRegistrar) {
	hachiv1.RegisterProcessServiceServer(r, status.NewService(w.self))
}

// console makes the console of the process.
func (w *watched) console(gate *keys.Gate, logger *slog.Logger) http.Handler {
	return console.New(console.Config{
		Watcher: w.watcher, Acts: w.source, Gate: gate, IsOperator: isOperator, Process: w.self.Role + " " + w.self.ID, Chat: w.chat, TracePage: w.traces.Page, Logger: logger,
	})
}

// watch follows the cluster that the process has joined until stop, which returns when
// nothing is asked any more. Consoles may ask the service from now on.
func (w *watched) watch(ctx context.Context, reg *registry.Registry, s completion.Service) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	w.source.Join(reg)
	w.chat.service.Store(&s)
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.watcher.Run(ctx, w.source.Look)
	}()
	return func() {
		cancel()
		<-done
		w.source.Close()
	}
}

// hopsOf are the calls of a dispatcher, by node.
func hopsOf(all []dispatch.NodeStats) (out []status.Hop) {
	for _, n := range all {
		h := status.Hop{
			Node: string(n.Node), Suspected: n.Suspected, Suspicions: n.Suspicions, Failovers: n.Failovers, HedgesWon: n.HedgesWon, Bytes: n.Bytes,
		}
		counted := uint64(0)
		for i, calls := range n.Answered.Buckets {
			h.Calls.Observe(dispatch.Bounds[i], int(calls))
			counted += calls
		}
		h.Calls.Observe(2*dispatch.Bounds[len(dispatch.Bounds)-1], int(n.Answered.Count-counted))
		out = append(out, h)
	}
	return out
}

// notedModel notes the experts and the prompts for which requests wait.
type notedModel struct {
	engine.Model
	journal *journal.Journal
}

// Forward implements engine.Model. Rows without logits are of prompts.
func (m notedModel) Forward(ctx context.Context, b *model.Batch, logits tensor.Matrix) error {
	began := time.Now()
	err := m.Model.Forward(ctx, b, logits)
	if err == nil {
		m.journal.Step(len(b.Tokens)-len(b.Outputs), len(b.Outputs), time.Since(began))
	}
	var e *moe.Error
	if moe.KindOf(err) == moe.NoReplica && errors.As(err, &e) {
		m.journal.Note(journal.Cause{Text: e.Op + " has no replica", Blocks: true})
	}
	return err
}
