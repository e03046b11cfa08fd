// Command kill shows what hachi is for: a node dies in the middle of an answer,
// and not one token changes.
//
//	hachi model init --preset tiny /tmp/tiny
//	go -C examples run ./kill /tmp/tiny
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
	if len(os.Args) != 2 {
		log.Fatal("usage: kill MODEL")
	}
	if err := run(context.Background(), os.Args[1]); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context, model string) error {
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.Nodes, cfg.Replicas = model, 3, 2
	cluster, err := hachi.Start(ctx, cfg)
	if err != nil {
		return err
	}
	defer cluster.Close()
	ask := client.CompletionRequest{Prompt: "One two three", Params: client.Params{MaxTokens: 32, IgnoreEOS: true}}
	undisturbed, err := cluster.Client().Complete(ctx, ask)
	if err != nil {
		return err
	}
	victim, tokens, text := cluster.Nodes()[0], 0, ""
	for chunk, err := range cluster.Client().Stream(ctx, ask) {
		if err != nil {
			return err
		}
		text += chunk.Text
		if tokens++; tokens == 8 {
			if err := cluster.Kill(victim); err != nil {
				return err
			}
		}
	}
	fmt.Printf("without a fault: %q\n%s killed: %q\nthe same: %v\n", undisturbed.Text(), victim, text, text == undisturbed.Text())
	return nil
}
