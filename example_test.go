package hachi_test

import (
	"context"
	"fmt"
	"log"

	"github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/client"
)

// A cluster of three nodes inside this program.
func ExampleStart() {
	cfg := hachi.DefaultConfig()
	cfg.Model = tiny // a checkpoint directory
	cluster, err := hachi.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	answer, err := cluster.Client().Complete(context.Background(), client.CompletionRequest{
		Prompt: "One two three", Params: client.Params{MaxTokens: 8},
	})
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(cluster.Nodes(), answer.Usage.Completion, "tokens")
	// Output: [expert-0 expert-1 expert-2] 8 tokens
}

// A node dies in the middle of an answer, and the answer stays the same.
func ExampleCluster_Kill() {
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.Replicas = tiny, 2
	cluster, err := hachi.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	ask := client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "こんにちは"}}, Params: client.Params{MaxTokens: 16, IgnoreEOS: true},
	}
	undisturbed, err := cluster.Client().Chat(context.Background(), ask)
	if err != nil {
		log.Fatal(err)
	}
	text := ""
	for chunk, err := range cluster.Client().Stream(context.Background(), ask) {
		if err != nil {
			log.Fatal(err)
		}
		if text == "" {
			if err := cluster.Kill("expert-0"); err != nil {
				log.Fatal(err)
			}
		}
		text += chunk.Text
	}
	fmt.Println(cluster.Nodes(), text == undisturbed.Text())
	// Output: [expert-1 expert-2] true
}

// A drained node holds no experts: it can be stopped without a loss.
func ExampleCluster_Drain() {
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.Nodes = tiny, 2
	cluster, err := hachi.Start(context.Background(), cfg)
	if err != nil {
		log.Fatal(err)
	}
	defer cluster.Close()
	if err := cluster.Drain(context.Background(), "expert-1"); err != nil {
		log.Fatal(err)
	}
	status, err := cluster.Status(context.Background())
	if err != nil {
		log.Fatal(err)
	}
	for _, node := range status.Nodes {
		fmt.Println(node.Node, node.Resident, "experts")
	}
	// Output:
	// expert-0 32 experts
	// expert-1 0 experts
}

// Validate names every field at fault.
func ExampleConfig_Validate() {
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.Replicas, cfg.Policy = tiny, 4, "random"
	fmt.Println(cfg.Validate())
	// Output:
	// Replicas is 4: want 1 to Nodes, 3
	// Policy is "random": want column, balanced or eplb
}
