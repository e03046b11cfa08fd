package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// chatSession is a conversation with a router.
type chatSession struct {
	client     client.Client
	messages   []client.Message
	attributes chat.Attributes
	maxTokens  int
	temp       float64
	seed       *uint64 // nil lets the router draw one
}

func newChat() *cobra.Command {
	s := &chatSession{}
	var system string
	var attrs []string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "chat [MESSAGE]",
		Short: "talk to a running cluster; without MESSAGE, line by line until end of file",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if s.attributes, err = parseAttributes(attrs); err != nil {
				return err
			}
			if cmd.Flags().Changed("seed") {
				s.seed = &seed
			}
			if system != "" {
				s.messages = append(s.messages, client.Message{Role: "system", Content: system})
			}
			if len(args) == 1 {
				return s.say(cmd.Context(), args[0], cmd.OutOrStdout())
			}
			return s.loop(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.client.URL, "url", defaultURL, "router to talk to")
	f.StringVar(&s.client.Model, "model", "", "model name; the router's own when empty")
	f.StringVar(&system, "system", "", "system message")
	f.StringArrayVar(&attrs, "attribute", nil, "SteerLM attribute of every turn, NAME=0..4; may be repeated")
	f.IntVar(&s.maxTokens, "max-tokens", 512, "maximum tokens of one answer")
	f.Float64Var(&s.temp, "temperature", 0.7, "0 is greedy")
	f.Uint64Var(&seed, "seed", 0, "same seed, same answer; random when not given")
	return cmd
}

func parseAttributes(pairs []string) (chat.Attributes, error) {
	out, err := chat.ParseAttributes(pairs)
	if err != nil {
		return nil, &role.ConfigError{Err: fmt.Errorf("--attribute: %w", err)}
	}
	return out, nil
}

// loop reads a message a line until the input ends.
func (s *chatSession) loop(ctx context.Context, in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, 1<<20)
	for {
		fmt.Fprint(out, "> ")
		if !lines.Scan() {
			fmt.Fprintln(out)
			return lines.Err()
		}
		text := strings.TrimSpace(lines.Text())
		if text == "" {
			continue
		}
		if err := s.say(ctx, text, out); err != nil {
			if ctx.Err() != nil {
				return nil
			}
			fmt.Fprintln(os.Stderr, "hachi:", err)
		}
	}
}

// say sends one user message and streams the answer to out. A failed turn
// leaves the conversation as it was.
func (s *chatSession) say(ctx context.Context, text string, out io.Writer) error {
	messages := append(s.messages[:len(s.messages):len(s.messages)], client.Message{Role: "user", Content: text})
	request := client.ChatRequest{
		Messages: messages, Attributes: s.attributes, Params: client.Params{MaxTokens: s.maxTokens, Temperature: s.temp, Seed: s.seed},
	}
	var answer strings.Builder
	for chunk, err := range s.client.Stream(ctx, request) {
		if err != nil {
			fmt.Fprintln(out)
			return err
		}
		answer.WriteString(chunk.Text)
		fmt.Fprint(out, chunk.Text)
	}
	fmt.Fprintln(out)
	s.messages = append(messages, client.Message{Role: "assistant", Content: answer.String()})
	return nil
}
