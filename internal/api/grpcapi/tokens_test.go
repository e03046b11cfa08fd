package grpcapi

import (
	"context"
	"errors"
	"fmt"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// tokensOf asks for tokens and returns the responses, and whether the request was
// taken.
func (b *bench) tokensOf(ctx context.Context, in *hachiv1.GenerateTokensRequest) (all []*hachiv1.GenerateTokensResponse, taken bool, err error) {
	stream, err := b.client.GenerateTokens(ctx, in)
	if err != nil {
		return nil, false, err
	}
	header, err := stream.Header()
	taken = header != nil
	for err == nil {
		var m *hachiv1.GenerateTokensResponse
		if m, err = stream.Recv(); err == nil {
			all = append(all, m)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return all, taken, err
}

// TestTokensComeAsTheyAreDrawn: half characters, log probabilities, nodes once, and an
// end.
func TestTokensComeAsTheyAreDrawn(t *testing.T) {
	b := start(t, nil)
	drawn := []int32{300, 3 + 0xe6, 3 + 0x97, 400}
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: drawn, Nodes: []moe.NodeID{"a", "b"}, Cached: 2}
	}
	in := &hachiv1.GenerateTokensRequest{Prompt: []uint32{1, 5, 6}, Logprobs: true, TopLogprobs: 2, PromptLogprobs: true, IncludeNodes: true}
	all, taken, err := b.tokensOf(t.Context(), in)
	if err != nil || !taken {
		t.Fatal(err)
	}
	whole := &hachiv1.GenerateTokensResponse{}
	for _, m := range all {
		proto.Merge(whole, m)
	}
	var prompt, answer []int32
	for _, l := range whole.GetPrompt() {
		prompt = append(prompt, int32(l.GetToken()))
	}
	for i, l := range whole.GetTokens() {
		answer = append(answer, int32(l.GetToken()))
		if l.GetLogprob() != -float32(i+1)/2 || len(l.GetAlternatives()) != 2 {
			t.Errorf("token %d: %v", i, l)
		}
	}
	if !slices.Equal(prompt, []int32{5, 6}) || !slices.Equal(answer, drawn) || whole.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_STOP ||
		!slices.Equal(whole.GetNodes(), []string{"a", "b"}) || whole.GetCachedTokens() != 2 {
		t.Errorf("%v", whole)
	}
	for _, m := range all[:len(all)-1] {
		if m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_UNSPECIFIED {
			t.Errorf("%v is not the last", m)
		}
	}
	if last := all[len(all)-1]; len(last.GetTokens()) != 0 {
		t.Errorf("the end by a stop token has %v", last)
	}
}

// TestEveryFieldReachesTheEngine, not rounded.
func TestEveryFieldReachesTheEngine(t *testing.T) {
	b := start(t, func(s *completion.Service) { s.Fingerprint = "fp" })
	in := &hachiv1.GenerateTokensRequest{
		Fingerprint: "fp", Prompt: []uint32{1, 5}, Answer: []uint32{7, 8}, MaxTokens: 9, Choice: 3, StopTokens: []uint32{2, 11},
		Sampling: &hachiv1.Sampling{
			Temperature: 0.7, TopP: 0.9, TopK: 4, MinP: 0.05, TypicalP: 0.95, Seed: 1<<63 + 1, RepetitionPenalty: 1.1,
			FrequencyPenalty: 0.1, PresencePenalty: -0.3, LogitBias: map[uint32]float64{6: 0.1}, MinTokens: 5,
		},
		Logprobs: true, TopLogprobs: 4, PromptLogprobs: true, PromptReported: 1, CacheSalt: 1<<62 + 1, Priority: -7, FailFast: true, IncludeNodes: true,
	}
	want := engine.Request{
		Prompt: []int32{1, 5}, Answer: []int32{7, 8}, MaxTokens: 9, Choice: 3, StopTokens: []int32{2, 11},
		Params: sampler.Params{
			Temperature: 0.7, TopP: 0.9, TopK: 4, MinP: 0.05, TypicalP: 0.95, Seed: 1<<63 + 1, RepetitionPenalty: 1.1,
			FrequencyPenalty: 0.1, PresencePenalty: -0.3, LogitBias: map[int32]float64{6: 0.1}, MinTokens: 5,
		},
		Logprobs: 4, PromptLogprobs: true, PromptReported: 1, CacheSalt: 1<<62 + 1, Priority: -7, FailFast: true, ReportNodes: true,
	}
	if _, _, err := b.tokensOf(metadata.AppendToOutgoingContext(t.Context(), requestIDKey, "r1"), in); err != nil {
		t.Fatal(err)
	}
	got := b.engine.Calls()[0].Request
	if want.ID = "r1"; !reflect.DeepEqual(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	fields := in.ProtoReflect().Descriptor().Fields()
	for i := range fields.Len() {
		if f := fields.Get(i); !in.ProtoReflect().Has(f) && f.Name() != "grammar" && f.Name() != "heartbeat_millis" {
			t.Errorf("this test does not set %s", f.Name())
		}
	}
	b.engine.Forget()
	if _, _, err := b.tokensOf(t.Context(), &hachiv1.GenerateTokensRequest{Fingerprint: "fp", Prompt: []uint32{1}}); err != nil || b.engine.Calls()[0].Request.Logprobs != -1 {
		t.Errorf("%v: log probabilities that were not asked for", err)
	}
}

// TestHeartbeatsComeWhileARequestWaits.
func TestHeartbeatsComeWhileARequestWaits(t *testing.T) {
	b := start(t, nil)
	b.holding("hello")
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	stream, err := b.client.GenerateTokens(ctx, &hachiv1.GenerateTokensRequest{Prompt: []uint32{1}, HeartbeatMillis: 1})
	if err != nil {
		t.Fatal(err)
	}
	for beats := 0; beats < 3; {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if proto.Size(m) == 0 {
			beats++
		}
	}
	b.engine.Calls()[0].End(engine.Event{Token: 400, Finish: engine.Length})
	for {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		if proto.Size(m) > 0 {
			if m.GetFinishReason() != hachiv1.FinishReason_FINISH_REASON_LENGTH || len(m.GetTokens()) != 1 {
				t.Errorf("%v", m)
			}
			return
		}
	}
}

// TestAFailureOfTokensHasAReason, and a request that is refused has no header.
func TestAFailureOfTokensHasAReason(t *testing.T) {
	asked := func(g *hachiv1.Grammar) *hachiv1.GenerateTokensRequest {
		return &hachiv1.GenerateTokensRequest{Fingerprint: "fp", Prompt: []uint32{1}, Grammar: g}
	}
	text := func(l *hachiv1.TextLanguage) *hachiv1.Grammar {
		return &hachiv1.Grammar{Language: &hachiv1.Grammar_Text{Text: l}}
	}
	turn := func(l *hachiv1.TurnLanguage) *hachiv1.Grammar {
		return &hachiv1.Grammar{Language: &hachiv1.Grammar_Turn{Turn: l}}
	}
	newer := func(m proto.Message) { // as a newer program writes it
		m.ProtoReflect().SetUnknown(protowire.AppendVarint(protowire.AppendTag(nil, 99, protowire.VarintType), 1))
	}
	unknownField := asked(nil)
	newer(unknownField)
	unknownSampling := asked(nil)
	unknownSampling.Sampling = &hachiv1.Sampling{}
	newer(unknownSampling.Sampling)
	unknownFunction := asked(turn(&hachiv1.TurnLanguage{Calls: &hachiv1.CallLanguage{Functions: []*hachiv1.FunctionLanguage{{Name: "f"}, {Name: "g"}}}}))
	newer(unknownFunction.GetGrammar().GetTurn().GetCalls().GetFunctions()[1])
	calls := &hachiv1.CallLanguage{Begin: "<c>", Between: ":", Next: ",", End: "</c>", Marker: "<c>", Functions: []*hachiv1.FunctionLanguage{
		{Name: "f", Schema: `{"type":"object"}`}, {Name: "g", Schema: `{"type":"no-such-type"}`},
	}}
	refusing := func(err error) enginetest.Script { return enginetest.Script{Refuse: err} }
	ending := func(err error) enginetest.Script { return enginetest.Script{Tokens: []int32{400}, Err: err} }
	type reason = hachiv1.GenerateTokensFailure_Reason
	for name, tt := range map[string]struct {
		in       *hachiv1.GenerateTokensRequest
		script   enginetest.Script
		code     codes.Code
		reason   reason
		taken    bool
		function uint32
		says     string
	}{
		"another model":         {in: &hachiv1.GenerateTokensRequest{Fingerprint: "other", Prompt: []uint32{1}}, code: codes.FailedPrecondition, reason: hachiv1.GenerateTokensFailure_REASON_FINGERPRINT, says: "fp"},
		"an unknown field":      {in: unknownField, code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "field 99 of GenerateTokensRequest"},
		"an unknown parameter":  {in: unknownSampling, code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "field 99 of Sampling"},
		"a field of a function": {in: unknownFunction, code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "field 99 of FunctionLanguage"},
		"no kind of grammar":    {in: asked(&hachiv1.Grammar{}), code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "kind of the grammar"},
		"no kind of text":       {in: asked(text(&hachiv1.TextLanguage{})), code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "kind of the text"},
		"no kind, in a turn":    {in: asked(turn(&hachiv1.TurnLanguage{Text: &hachiv1.TextLanguage{}})), code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "kind of the text"},
		"a regex":               {in: asked(text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: "("}})), code: codes.InvalidArgument, reason: hachiv1.GenerateTokensFailure_REASON_GRAMMAR, says: "cannot be compiled"},
		"a function":            {in: asked(turn(&hachiv1.TurnLanguage{Calls: calls})), code: codes.InvalidArgument, reason: hachiv1.GenerateTokensFailure_REASON_GRAMMAR, function: 2, says: "/type: type"},
		"what was said":         {in: asked(&hachiv1.Grammar{Said: "b", Language: text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: "a+"}}).GetLanguage()}), code: codes.InvalidArgument, reason: hachiv1.GenerateTokensFailure_REASON_SAID, says: "allows no text"},
		"any text":              {in: asked(text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Any{Any: true}})), code: codes.InvalidArgument, says: "no grammar instead"},
		"tokens that are shown": {in: asked(&hachiv1.Grammar{Shown: []uint32{1}, Language: text(&hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonObject{JsonObject: true}}).GetLanguage()}), code: codes.Unimplemented, reason: hachiv1.GenerateTokensFailure_REASON_UNKNOWN, says: "special tokens in grammar.shown"},
		"ends":                  {in: asked(&hachiv1.Grammar{Ends: []uint32{1 << 31}}), code: codes.InvalidArgument, says: "grammar.ends"},
		"alternatives":          {in: &hachiv1.GenerateTokensRequest{Fingerprint: "fp", Logprobs: true, TopLogprobs: 21}, code: codes.InvalidArgument, says: "top_logprobs"},
		"an answer":             {in: asked(nil), script: refusing(&engine.AnswerError{Position: 3}), code: codes.InvalidArgument, reason: hachiv1.GenerateTokensFailure_REASON_ANSWER, says: "position 3"},
		"full":                  {in: asked(nil), script: refusing(scheduler.ErrTooManyTokens), code: codes.ResourceExhausted, reason: hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL},
		"stopping":              {in: asked(nil), script: refusing(engine.ErrStopped), code: codes.Unavailable, reason: hachiv1.GenerateTokensFailure_REASON_STOPPING},
		"stopped later":         {in: asked(nil), script: ending(engine.ErrStopped), code: codes.Unavailable, reason: hachiv1.GenerateTokensFailure_REASON_STOPPING, taken: true},
		"no replica":            {in: asked(nil), script: ending(&moe.Error{Kind: moe.NoReplica}), code: codes.Unavailable, reason: hachiv1.GenerateTokensFailure_REASON_NO_REPLICA, taken: true},
		"no token":              {in: asked(nil), script: ending(sampler.ErrNoToken), code: codes.InvalidArgument, reason: hachiv1.GenerateTokensFailure_REASON_NO_TOKEN, taken: true},
		"something else":        {in: asked(nil), script: ending(errors.New("odd")), code: codes.Internal, taken: true, says: "odd"},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, func(s *completion.Service) {
				s.Fingerprint, s.RetryAfter = "fp", func() time.Duration { return 7 * time.Second }
			})
			b.engine.Script = func(engine.Request) enginetest.Script { return tt.script }
			all, taken, err := b.tokensOf(t.Context(), tt.in)
			s := status.Convert(err)
			if s.Code() != tt.code || taken != tt.taken || !strings.Contains(s.Message(), tt.says) {
				t.Errorf("taken %v, %v", taken, err)
			}
			if taken && (len(all) != 1 || len(all[0].GetTokens()) != 1) {
				t.Errorf("what was drawn before the end is %v", all)
			}
			want := &hachiv1.GenerateTokensFailure{Reason: tt.reason, Function: tt.function}
			if tt.reason == hachiv1.GenerateTokensFailure_REASON_QUEUE_FULL {
				want.RetryAfterMillis = 7000
			}
			var got proto.Message = &hachiv1.GenerateTokensFailure{}
			if d := s.Details(); len(d) > 0 {
				got = d[0].(proto.Message)
			}
			if !proto.Equal(got, want) {
				t.Errorf("the detail is %v, want %v", got, want)
			}
		})
	}
}

// TestAGrammarBySourceIsTheGrammarOfAClient: the mask and the end of a matcher that was
// compiled from a message are those of the same structured output by Generate.
func TestAGrammarBySourceIsTheGrammarOfAClient(t *testing.T) {
	b := start(t, nil)
	for name, tt := range map[string]struct {
		client *hachiv1.GenerateRequest
		text   *hachiv1.TextLanguage
	}{
		"schema": {&hachiv1.GenerateRequest{StructuredOutput: &hachiv1.GenerateRequest_JsonSchema{JsonSchema: `{"enum":[1,2]}`}}, &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonSchema{JsonSchema: `{"enum":[1,2]}`}}},
		"object": {&hachiv1.GenerateRequest{StructuredOutput: &hachiv1.GenerateRequest_JsonObject{JsonObject: true}}, &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_JsonObject{JsonObject: true}}},
		"regex":  {&hachiv1.GenerateRequest{StructuredOutput: &hachiv1.GenerateRequest_Regex{Regex: "a+"}}, &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Regex{Regex: "a+"}}},
		"choice": {&hachiv1.GenerateRequest{StructuredOutput: &hachiv1.GenerateRequest_Choice{Choice: &hachiv1.TextList{Texts: []string{"x", "y"}}}}, &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Choice{Choice: &hachiv1.TextList{Texts: []string{"x", "y"}}}}},
	} {
		b.engine.Forget()
		tt.client.Prompt = &hachiv1.GenerateRequest_Text{Text: "q"}
		if _, err := b.generate(t.Context(), tt.client); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		in := &hachiv1.GenerateTokensRequest{Prompt: []uint32{5}, Grammar: &hachiv1.Grammar{Language: &hachiv1.Grammar_Text{Text: tt.text}}}
		if _, _, err := b.tokensOf(t.Context(), in); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		masks := make([][]uint64, 2)
		for i := range masks {
			masks[i] = make([]uint64, (b.tokenizer.Vocab()+63)/64)
			b.engine.Calls()[i].Request.Matcher.Mask(masks[i])
		}
		if !slices.Equal(masks[0], masks[1]) || slices.Max(masks[0]) == 0 {
			t.Errorf("%s: the masks differ or are empty", name)
		}
	}
}

// FuzzTokensRequest: any message is read or refused with an error, and what is read has
// no token that a mask or a sampler could not hold.
func FuzzTokensRequest(f *testing.F) {
	add := func(m *hachiv1.GenerateTokensRequest) {
		raw, err := proto.Marshal(m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	add(&hachiv1.GenerateTokensRequest{Fingerprint: "fp", Prompt: []uint32{1, 2}, Answer: []uint32{3}, Sampling: &hachiv1.Sampling{LogitBias: map[uint32]float64{1 << 31: 1}}})
	add(&hachiv1.GenerateTokensRequest{Fingerprint: "fp", Grammar: &hachiv1.Grammar{Ends: []uint32{7}, Language: &hachiv1.Grammar_Turn{Turn: &hachiv1.TurnLanguage{
		Text: &hachiv1.TextLanguage{Kind: &hachiv1.TextLanguage_Choice{}}, Calls: &hachiv1.CallLanguage{Functions: []*hachiv1.FunctionLanguage{{Name: "f"}}},
	}}}})
	f.Add([]byte{0x42, 0x02, 0x0a, 0x00})
	s := New(completion.Service{Fingerprint: "fp", Completer: &completion.Completer{Tokenizer: loadTokenizer(f)}})
	f.Fuzz(func(t *testing.T, raw []byte) {
		var in hachiv1.GenerateTokensRequest
		if proto.Unmarshal(raw, &in) != nil {
			return
		}
		r, l, err := s.tokensRequest(&in)
		if err != nil {
			if status.Code(s.tokensStatus(err)) == codes.OK {
				t.Errorf("%v is no failure", err)
			}
			return
		}
		negative := func(ids []int32) bool { return slices.ContainsFunc(ids, func(id int32) bool { return id < 0 }) }
		if negative(r.Prompt) || negative(r.Answer) || negative(r.StopTokens) || r.MaxTokens < 0 || r.Choice < 0 || r.PromptReported < 0 || r.Params.MinTokens < 0 {
			t.Errorf("%+v", r)
		}
		if l == nil {
			return
		}
		if (l.Text == nil) == (l.Turn == nil) || l.Text.Any() || negative(l.Ends) || slices.ContainsFunc(l.Ends, func(id int32) bool { return int(id) >= s.service.Completer.Tokenizer.Vocab() }) {
			t.Errorf("%s", fmt.Sprint(l))
		}
	})
}
