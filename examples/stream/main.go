// Command stream prints an answer of a running cluster as the model generates
// it.
//
//	hachi up &
//	go -C examples run ./stream http://127.0.0.1:8080 "Hello!"
package main

import (
	"context"
	"fmt"
	"log"
	"os"
	"os/signal"

	"github.com/hachi-serve/hachi/client"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: stream URL MESSAGE")
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, url, message string) error {
	c := client.Client{URL: url}
	for chunk, err := range c.Stream(ctx, client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: message}}, Params: client.Params{MaxTokens: 256, Temperature: 0.7},
	}) {
		if err != nil {
			return err
		}
		fmt.Print(chunk.Text)
		if chunk.Usage != nil {
			fmt.Printf("\n%d tokens\n", chunk.Usage.Completion)
		}
	}
	return nil
}
