// Command openai-go checks what OpenAI's client for Go asks of a server: chat,
// streams, tools, structured answers, responses, log probabilities, and errors.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"strings"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
)

const (
	model = "hachi-mini"
	sum   = "What is 12 + 30?"
	// The answer continues after this, or is this.
	right = "12 + 30 = 42."
)

type check struct {
	name string
	run  func(context.Context, openai.Client) error
}

var checks = []check{
	{"models", models},
	{"chat", chat},
	{"stream", stream},
	{"log probabilities", logprobs},
	{"structured answer", parse},
	{"tools", tools},
	{"responses", responsesText},
	{"tools of responses", responsesTools},
	{"errors", refusals},
	{"death of a node: text", textSurvives},
	{"death of a node: arguments", argumentsSurvive},
	{"death of a node: responses", responsesSurvive},
}

func main() {
	client := openai.NewClient(option.WithBaseURL(os.Getenv("HACHI_URL")), option.WithAPIKey("none"), option.WithMaxRetries(0))
	var failed []error
	for _, c := range checks {
		if err := c.run(context.Background(), client); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", c.name, err))
		}
	}
	if err := errors.Join(failed...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("openai-go", version())
}

func version() string {
	info, _ := debug.ReadBuildInfo()
	for _, dep := range info.Deps {
		if strings.HasPrefix(dep.Path, "github.com/openai/openai-go/") {
			return dep.Version
		}
	}
	return "of an unknown version"
}

// expect returns an error with the values unless the condition holds.
func expect(holds bool, values ...any) error {
	if holds {
		return nil
	}
	return fmt.Errorf("unexpected: %+v", values)
}
