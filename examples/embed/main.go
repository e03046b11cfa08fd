// Command embed runs a cluster inside a Go program and asks it one question.
//
//	hachi model init --preset tiny /tmp/tiny
//	go -C examples run ./embed /tmp/tiny "One two three"
package main

import (
	"context"
	"fmt"
	"log"
	"os"

	"github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/client"
)

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: embed MODEL PROMPT")
	}
	if err := run(context.Background(), os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, model, prompt string) error {
	cfg := hachi.DefaultConfig()
	cfg.Model = model
	cluster, err := hachi.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer cluster.Close()
	answer, err := cluster.Client().Complete(ctx, client.CompletionRequest{
		Prompt: prompt, Params: client.Params{MaxTokens: 32},
	})
	if err != nil {
		return err
	}
	fmt.Println(answer.Text())
	return nil
}
