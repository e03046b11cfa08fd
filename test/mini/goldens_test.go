//go:build !nomini

package mini

import (
	"encoding/json"
	"errors"
	"io"
	"math"
	"os"
	"slices"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// golden is the answer of transformers to a conversation.
type golden struct {
	Prompt   []uint32  `json:"prompt"`
	Tokens   []uint32  `json:"tokens"` // the last one ends the sequence
	Logprobs []float64 `json:"logprobs"`
	Margins  []float64 `json:"margins"` // to the likeliest other token
}

// Bounds of the differences of log probabilities, in nats: hachi rounds rows, keys
// and values to bf16 where transformers computes in f32. The largest differences
// are those of words among equals, the names of a joke for example.
const (
	maxLogprobError  = 0.3
	meanLogprobError = 0.02
)

func read[T any](t *testing.T, path string) (out T) {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(raw, &out)
	}
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestTransformersSaysTheSame compares greedy tokens, and their probabilities, of
// 20 conversations.
func TestTransformersSaysTheSame(t *testing.T) {
	conversations, goldens := read[[]conversation](t, "testdata/conversations.json"), read[[]golden](t, "testdata/goldens.json")
	if len(conversations) != 20 || len(goldens) != len(conversations) {
		t.Fatalf("%d conversations and %d goldens", len(conversations), len(goldens))
	}
	inference := dial(t)
	worst, sum, count := 0.0, 0.0, 0.0
	for i, c := range conversations {
		want := goldens[i]
		got := generate(t, inference, c, len(want.Tokens))
		if got.prompt != len(want.Prompt) {
			t.Errorf("%q: %d tokens of prompt, want %d", c.last(), got.prompt, len(want.Prompt))
		}
		if !slices.Equal(got.tokens, want.Tokens) {
			at := differsAt(got.tokens, want.Tokens)
			t.Errorf("%q: tokens differ from place %d on, where the margin of transformers is %.4f:\n got %v\nwant %v",
				c.last(), at, want.Margins[min(at, len(want.Margins)-1)], got.tokens, want.Tokens)
			continue
		}
		for j, logprob := range got.logprobs {
			off := math.Abs(logprob - want.Logprobs[j])
			worst, sum, count = max(worst, off), sum+off, count+1
		}
	}
	t.Logf("log probabilities of %.0f tokens differ by %.4f on average and at most by %.4f", count, sum/count, worst)
	if count < 300 || worst > maxLogprobError || sum/count > meanLogprobError {
		t.Errorf("want at least 300 tokens, %.2f on average and at most %.1f", meanLogprobError, maxLogprobError)
	}
}

func differsAt(a, b []uint32) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// dial connects to the gRPC API of the router, which reports token ids.
func dial(t *testing.T) hachiv1.InferenceServiceClient {
	t.Helper()
	if cluster == nil {
		t.Skip("-url names an HTTP API, and token ids are those of the gRPC API")
	}
	status, err := cluster.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn, err := grpc.NewClient(status.Routers[0].GRPC, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return hachiv1.NewInferenceServiceClient(conn)
}

// generated is an answer in tokens.
type generated struct {
	prompt   int // tokens
	tokens   []uint32
	logprobs []float64
}

// generate asks for n greedy tokens, the end of the sequence included.
func generate(t *testing.T, inference hachiv1.InferenceServiceClient, c conversation, n int) (out generated) {
	t.Helper()
	attributes := map[string]uint32{}
	for name, value := range c.Attributes {
		attributes[name] = uint32(value)
	}
	var messages []*hachiv1.Message
	for _, m := range c.messages() {
		messages = append(messages, &hachiv1.Message{Role: m.Role, Content: m.Content})
	}
	stream, err := inference.Generate(t.Context(), &hachiv1.GenerateRequest{
		Prompt:    &hachiv1.GenerateRequest_Conversation{Conversation: &hachiv1.Conversation{Messages: messages, Attributes: attributes}},
		MaxTokens: uint32(n), Logprobs: true, IgnoreEos: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	for {
		part, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return out
		}
		if err != nil {
			t.Fatal(err)
		}
		out.tokens = append(out.tokens, part.GetTokens()...)
		for _, l := range part.GetLogprobs() {
			out.logprobs = append(out.logprobs, float64(l.GetLogprob()))
		}
		if part.GetUsage() != nil {
			out.prompt = int(part.GetUsage().GetPromptTokens())
		}
	}
}
