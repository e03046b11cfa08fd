package client_test

import (
	"context"
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
