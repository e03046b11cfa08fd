package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"

	"github.com/hachi-serve/hachi/client"
)

// router stands for a running cluster: it says hello.
func router() *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/chat/completions", func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"choices":[{"message":{"role":"assistant","content":"Hello, world"},"finish_reason":"stop"}],"usage":{"completion_tokens":3}}`)
	})
	mux.HandleFunc("POST /v1/completions", func(w http.ResponseWriter, _ *http.Request) {
		for _, part := range []string{"Hello", ", ", "world"} {
			fmt.Fprintf(w, "data: {\"choices\":[{\"text\":%q}]}\n\n", part)
		}
		io.WriteString(w, "data: {\"choices\":[],\"usage\":{\"completion_tokens\":3}}\n\ndata: [DONE]\n\n")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		http.Error(w, `{"error":{"message":"no placement is known yet","type":"server_error"}}`, http.StatusServiceUnavailable)
	})
	return httptest.NewServer(mux)
}

// A whole answer to a conversation.
func ExampleClient_Chat() {
	server := router()
	defer server.Close()
	c := client.Client{URL: server.URL}
	answer, err := c.Chat(context.Background(), client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "Say hello."}},
		Params:   client.Params{MaxTokens: 16, Temperature: 0.7, Seed: new(uint64(1))},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(answer.Text(), answer.Choices[0].Finish, answer.Usage.Completion)
	// Output: Hello, world stop 3
}

// An answer, part by part.
func ExampleClient_Stream() {
	server := router()
	defer server.Close()
	c := client.Client{URL: server.URL}
	for chunk, err := range c.Stream(context.Background(), client.CompletionRequest{Prompt: "Say hello."}) {
		if err != nil {
			log.Fatal(err)
		}
		fmt.Print(chunk.Text)
		if chunk.Usage != nil {
			fmt.Println(":", chunk.Usage.Completion, "tokens")
		}
	}
	// Output: Hello, world: 3 tokens
}

// agent stands for a router whose model calls a tool before it answers.
func agent() *httptest.Server {
	return httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Messages []client.Message }
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		last := body.Messages[len(body.Messages)-1]
		answer := client.Message{Role: "assistant", Content: "It is " + last.Content + " in Kyoto."}
		finish := "stop"
		if last.Role != "tool" {
			answer = client.Message{Role: "assistant", ToolCalls: []client.ToolCall{{ID: "call_1", Name: "weather", Arguments: `{"city":"Kyoto"}`}}}
			finish = "tool_calls"
		}
		choice := map[string]any{"message": answer, "finish_reason": finish}
		if err := json.NewEncoder(w).Encode(map[string]any{"choices": []any{choice}}); err != nil {
			log.Print(err)
		}
	}))
}

// An agent: the program calls the functions that the model asks for, until the model
// answers.
func ExampleClient_Chat_tools() {
	server := agent()
	defer server.Close()
	c := client.Client{URL: server.URL}
	request := client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "How is the weather in Kyoto?"}},
		Tools: []client.Tool{{
			Name: "weather", Description: "The weather of a city.",
			Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"type":"string"}},"required":["city"],"additionalProperties":false}`),
		}},
	}
	weather := func(arguments string) string {
		var in struct{ City string }
		if err := json.Unmarshal([]byte(arguments), &in); err != nil {
			return err.Error() // the model reads the error, and may try again
		}
		return map[string]string{"Kyoto": "sunny"}[in.City]
	}
	for range 8 { // calls at most
		answer, err := c.Chat(context.Background(), request)
		if err != nil {
			log.Fatal(err)
		}
		choice := answer.Choices[0]
		if len(choice.ToolCalls) == 0 {
			fmt.Println(choice.Text)
			break
		}
		request.Messages = append(request.Messages, choice.Message())
		for _, call := range choice.ToolCalls {
			fmt.Println(call.Name, call.Arguments)
			result := client.Message{Role: "tool", ToolCallID: call.ID, Content: weather(call.Arguments)}
			request.Messages = append(request.Messages, result)
		}
	}
	// Output:
	// weather {"city":"Kyoto"}
	// It is sunny in Kyoto.
}

// A refusal says what is wrong and when to come back.
func ExampleError() {
	server := router()
	defer server.Close()
	c := client.Client{URL: server.URL}
	err := c.Ready(context.Background())
	var refused *client.Error
	if errors.As(err, &refused) {
		fmt.Println(refused.Status, refused.Message, refused.RetryAfter)
	}
	// Output: 503 no placement is known yet 2s
}
