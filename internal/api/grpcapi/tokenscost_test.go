package grpcapi

import (
	"context"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/encoding"
	"google.golang.org/grpc/mem"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// hostileTokens are requests of a gateway that means harm, each as long as a message may be
// where its length is the harm.
func hostileTokens() map[string]*hachiv1.GenerateTokensRequest {
	const bytes = maxMessage - 1<<10
	many := func(n int) []uint32 { return make([]uint32, n) }
	grammar := func(change func(*hachiv1.Grammar)) *hachiv1.GenerateTokensRequest {
		g := &hachiv1.Grammar{Language: &hachiv1.Grammar_Text{Text: &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonObject{JsonObject: true}}}}
		change(g)
		return &hachiv1.GenerateTokensRequest{Prompt: []uint32{1}, Grammar: g}
	}
	text := func(l *hachiv1.TextLanguage) *hachiv1.GenerateTokensRequest {
		return grammar(func(g *hachiv1.Grammar) { g.Language = &hachiv1.Grammar_Text{Text: l} })
	}
	calls := func(c *hachiv1.CallLanguage) *hachiv1.GenerateTokensRequest {
		return grammar(func(g *hachiv1.Grammar) {
			g.Language = &hachiv1.Grammar_Turn{Turn: &hachiv1.TurnLanguage{Calls: c}}
		})
	}
	bias := map[uint32]float64{}
	for i := range uint32(maxParts - 10) {
		bias[i] = 1e9
	}
	var functions []*hachiv1.FunctionLanguage
	for range 4000 {
		functions = append(functions, &hachiv1.FunctionLanguage{Name: "f", Schema: `{"type":"object"}`})
	}
	all := map[string]*hachiv1.GenerateTokensRequest{
		"a long prompt":                 {Prompt: many(bytes)},
		"as long a prompt as is read":   {Prompt: many(maxNumbers - longContext)},
		"a long answer":                 {Prompt: []uint32{1}, Answer: many(bytes)},
		"many stop tokens":              {Prompt: []uint32{1}, StopTokens: many(bytes)},
		"many stop tokens of an answer": {Prompt: []uint32{1}, Answer: many(longContext / 2), StopTokens: many(bytes - longContext)},
		"many biases":                   {Prompt: []uint32{1}, Sampling: &hachiv1.Sampling{LogitBias: bias}},
		"many ends":                     grammar(func(g *hachiv1.Grammar) { g.Ends = many(bytes) }),
		"many shown":                    grammar(func(g *hachiv1.Grammar) { g.Shown = many(bytes) }),
		"other shown":                   grammar(func(g *hachiv1.Grammar) { g.Shown = []uint32{7} }),
		"much said":                     grammar(func(g *hachiv1.Grammar) { g.Said = strings.Repeat("a", bytes) }),
		"a long schema":                 text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonSchema{JsonSchema: `{"enum":["` + strings.Repeat("a", bytes) + `"]}`}}),
		"a long expression":             text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: strings.Repeat("a?", bytes/2)}}),
		"an exploding expression":       text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: "(((x{1,30}y?){1,30}z?){1,30}w?){1,30}"}}),
		"many choices":                  text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Choice{Choice: &hachiv1.TextList{Texts: make([]string, maxParts-10)}}}),
		"long marks":                    calls(&hachiv1.CallLanguage{Begin: strings.Repeat("a", bytes), Functions: functions[:1]}),
		"many functions":                calls(&hachiv1.CallLanguage{Begin: "<", Between: ":", End: ">", Functions: functions}),
		"no name of a function":         calls(&hachiv1.CallLanguage{Begin: "<", Between: ":", End: ">", Functions: []*hachiv1.FunctionLanguage{{Schema: `{}`}}}),
		"a long fingerprint":            {Prompt: []uint32{1}, Fingerprint: strings.Repeat("a", bytes)},
	}
	for name, in := range all {
		if name != "a long fingerprint" {
			in.Fingerprint = "fp"
		}
	}
	return all
}

const longContext = 1 << 15

// refusing is an engine that refuses what a real one does by the parameters of a request.
type refusing struct{}

func (e refusing) Submit(_ context.Context, r engine.Request) (*engine.Stream, error) {
	if err := r.Params.Validate(); err != nil {
		return nil, err
	}
	return nil, scheduler.ErrQueueFull
}

// sent is a codec whose messages are encoded before they are sent, so that a test does not
// count their memory.
type sent struct{ encoding.CodecV2 }

func (c sent) Marshal(v any) (mem.BufferSlice, error) {
	return mem.BufferSlice{mem.SliceBuffer(*v.(*[]byte))}, nil
}

// TestARefusedRequestForTokensCostsLittle, whatever a gateway asks for: what it allocates in
// sum, the message at both ends included, and what it takes of a processor.
func TestARefusedRequestForTokensCostsLittle(t *testing.T) {
	b := start(t, func(s *completion.Service) {
		s.Fingerprint, s.Completer.Context = "fp", longContext
		s.Completer.Engine = completion.Local{Engine: refusing{}, Grammars: s.Completer.Engine.(completion.Local).Grammars}
	})
	ask := func(raw []byte) error {
		stream, err := b.conn.NewStream(t.Context(), &grpc.StreamDesc{ServerStreams: true}, hachiv1.InferenceService_GenerateTokens_FullMethodName, grpc.ForceCodecV2(sent{encoding.GetCodecV2("proto")}))
		if err != nil {
			return err
		}
		if err := stream.SendMsg(&raw); err != nil {
			return err
		}
		if err := stream.CloseSend(); err != nil {
			return err
		}
		return stream.RecvMsg(&hachiv1.GenerateTokensResponse{})
	}
	for round := range 2 { // the first reads the vocabulary, and fills the pools of the library
		for name, in := range hostileTokens() {
			raw, err := proto.Marshal(in)
			if err != nil {
				t.Fatal(err)
			}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			from := processorTime(t)
			err = ask(raw)
			took := processorTime(t) - from
			runtime.ReadMemStats(&after)
			if round == 0 {
				continue
			}
			cost := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s: %v, %.1f MiB, %v of a processor", name, status.Code(err), float64(cost)/(1<<20), took)
			if cost > 20<<20 {
				t.Errorf("%s allocates %d MiB", name, cost>>20)
			}
			if message := status.Convert(err).Message(); err == nil || len(message) > 4<<10 {
				t.Errorf("%s: an error of %d bytes: %.100s", name, len(message), message)
			}
		}
	}
}

func processorTime(t *testing.T) time.Duration {
	t.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
