package api

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/metadata"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/grpcapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// TestAPIsAskAndSayTheSame: chat completions, responses, messages and gRPC make the
// same request to the engine of a conversation, and the same answer of its tokens,
// whole and streamed.
func TestAPIsAskAndSayTheSame(t *testing.T) {
	said := ""
	say := func(engine.Request) string { return said }
	benches := []*apitest.Bench{apitest.New(t, chat.KarakuriTemplate, say), apitest.New(t, apitest.ThinkTemplate, say)}
	rapid.Check(t, func(rt *rapid.T) {
		which := rapid.IntRange(0, 1).Draw(rt, "template")
		b := benches[which]
		q := drawRequest(rt, which == 0)
		said = drawAnswer(rt, q, which == 1)
		handler := Handler(Config{Config: b.Config}, func() bool { return true })
		var asked *engine.Request
		var answer apitest.Answer
		check := func(api string, stream bool, got apitest.Answer) {
			compact(got.Calls)
			request := comparable(b.Engine.Calls()[0].Request)
			if asked == nil {
				asked, answer = &request, got
			}
			if !reflect.DeepEqual(request, *asked) {
				rt.Fatalf("%s asks for %+v,\nthe first for %+v", api, request, *asked)
			}
			if !reflect.DeepEqual(got, answer) {
				rt.Fatalf("%s, stream %v, says %+v\nof %q, the first says %+v", api, stream, got, said, answer)
			}
		}
		for _, api := range apitest.APIs {
			for _, stream := range []bool{false, true} {
				b.Engine.Forget()
				body := api.Body(q, stream)
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest("POST", api.Path, bytes.NewReader(body)))
				if w.Code != 200 {
					rt.Fatalf("%s: %s: %d %s", api.Path, body, w.Code, w.Body)
				}
				check(api.Path, stream, api.Read(t, w.Body.String(), stream))
			}
		}
		b.Engine.Forget()
		out := &messages{ctx: t.Context()}
		if err := grpcapi.New(b.Config.Service).Generate(q.Generate(), out); err != nil {
			rt.Fatalf("gRPC: %v", err)
		}
		check("gRPC", true, apitest.ReadGenerated(t, out.sent))
	})
}

// messages is the stream of a call of the gRPC API.
type messages struct {
	grpc.ServerStream
	ctx  context.Context
	sent []*hachiv1.GenerateResponse
}

func (m *messages) Context() context.Context    { return m.ctx }
func (m *messages) SetHeader(metadata.MD) error { return nil }

func (m *messages) Send(one *hachiv1.GenerateResponse) error {
	m.sent = append(m.sent, one)
	return nil
}

// comparable leaves out what differs between two requests of one client.
func comparable(r engine.Request) engine.Request {
	r.ID, r.Matcher = "", nil
	return r
}

// compact removes white space: messages give the input of a tool as an object, which
// is empty if max_tokens cut it.
func compact(calls []tool.Call) {
	for i := range calls {
		var out bytes.Buffer
		if json.Compact(&out, []byte(calls[i].Arguments)) != nil {
			out.Reset()
			out.WriteString("{}")
		}
		calls[i].Arguments = out.String()
	}
}

// drawRequest draws a conversation that ends with the user or with results of tools.
func drawRequest(rt *rapid.T, attributes bool) apitest.Request {
	text := rapid.StringMatching(`[a-z]{1,6}( 日本| [A-Z]{1,4})?`)
	q := apitest.Request{
		Seed: rapid.Uint64().Draw(rt, "seed"), MaxTokens: rapid.IntRange(1, 60).Draw(rt, "max"), Temperature: 0.5,
		Parallel: rapid.Bool().Draw(rt, "parallel"),
	}
	if attributes {
		q.Attributes = chat.Attributes{"humor": rapid.IntRange(0, 4).Draw(rt, "humor")}
	}
	if rapid.Bool().Draw(rt, "system") {
		q.Messages = append(q.Messages, chat.Message{Role: "system", Content: text.Draw(rt, "text")})
	}
	schema := json.RawMessage(`{"type":"object","properties":{"city":{"enum":["京都","Osaka"]}},"required":["city"]}`)
	if rapid.Bool().Draw(rt, "tools") {
		q.Tools = []tool.Tool{{Name: "f", Description: "d", Parameters: schema}, {Name: "g", Parameters: schema}}
		q.Choice.Mode = rapid.SampledFrom([]tool.Mode{tool.Auto, tool.None, tool.Required, tool.Named}).Draw(rt, "choice")
		if q.Choice.Mode == tool.Named {
			q.Choice.Name = "g"
		}
	}
	for range rapid.IntRange(0, 2).Draw(rt, "turns") {
		q.Messages = append(q.Messages, chat.Message{Role: "user", Content: text.Draw(rt, "text")})
		said := chat.Message{Role: "assistant", Content: text.Draw(rt, "text")}
		if rapid.Bool().Draw(rt, "reasoned") {
			said.Reasoning = text.Draw(rt, "reasoning")
		}
		if q.Messages = append(q.Messages, said); rapid.Bool().Draw(rt, "called") {
			said.ToolCalls = []tool.Call{{ID: "c1", Name: "f", Arguments: `{"city":"Osaka"}`}}
			q.Messages[len(q.Messages)-1] = said
			q.Messages = append(q.Messages, chat.Message{Role: "tool", ToolCallID: "c1", Content: text.Draw(rt, "result")})
			q.Messages = append(q.Messages, chat.Message{Role: "assistant", Content: text.Draw(rt, "text")})
		}
	}
	last := chat.Message{Role: "user", Content: text.Draw(rt, "text")}
	if attributes && rapid.Bool().Draw(rt, "own") {
		last.Attributes = chat.Attributes{"humor": 1}
	}
	q.Messages = append(q.Messages, last)
	return q
}

// drawAnswer draws a text that such a request allows.
func drawAnswer(rt *rapid.T, q apitest.Request, reasons bool) string {
	var out strings.Builder
	if reasons && rapid.Bool().Draw(rt, "reasons") {
		out.WriteString("<think>hm, 日本</think>")
	}
	mode := q.Choice.Mode
	if len(q.Tools) == 0 || mode == tool.None || mode == tool.Auto && rapid.Bool().Draw(rt, "speaks") {
		return out.String() + rapid.SampledFrom([]string{"", "Hello", "one 日本 {two}"}).Draw(rt, "says")
	}
	calls := []tool.Call{{Name: "g", Arguments: `{"city": "京都"}`}}
	if q.Parallel {
		calls = append(calls, calls[0])
	}
	return out.String() + tool.Generic.Write(calls)
}
