package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// chatSession is a conversation with a router's HTTP API.
type chatSession struct {
	url        string
	model      string
	messages   []chatMessage
	attributes chat.Attributes
	maxTokens  int
	temp       float64
	seed       uint64
	seeded     bool
}

type chatMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func newChat() *cobra.Command {
	s := &chatSession{}
	var system string
	var attrs []string
	cmd := &cobra.Command{
		Use:   "chat [MESSAGE]",
		Short: "talk to a running cluster; without MESSAGE, line by line until end of file",
		Args:  cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var err error
			if s.attributes, err = parseAttributes(attrs); err != nil {
				return err
			}
			s.seeded = cmd.Flags().Changed("seed")
			if system != "" {
				s.messages = append(s.messages, chatMessage{"system", system})
			}
			if len(args) == 1 {
				return s.say(cmd.Context(), args[0], cmd.OutOrStdout())
			}
			return s.loop(cmd.Context(), cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
	f := cmd.Flags()
	f.StringVar(&s.url, "url", "http://"+defaultListen, "router to talk to")
	f.StringVar(&s.model, "model", "", "model name; the router's own when empty")
	f.StringVar(&system, "system", "", "system message")
	f.StringArrayVar(&attrs, "attribute", nil, "SteerLM attribute of every turn, NAME=0..4; may be repeated")
	f.IntVar(&s.maxTokens, "max-tokens", 512, "most tokens of one answer")
	f.Float64Var(&s.temp, "temperature", 0.7, "0 is greedy")
	f.Uint64Var(&s.seed, "seed", 0, "same seed, same answer; random when not given")
	return cmd
}

func parseAttributes(pairs []string) (chat.Attributes, error) {
	out, err := chat.ParseAttributes(pairs)
	if err != nil {
		return nil, &local.ConfigError{Err: fmt.Errorf("--attribute: %w", err)}
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
	messages := append(s.messages[:len(s.messages):len(s.messages)], chatMessage{"user", text})
	body := map[string]any{
		"messages": messages, "stream": true, "max_tokens": s.maxTokens, "temperature": s.temp,
	}
	if s.model != "" {
		body["model"] = s.model
	}
	if len(s.attributes) > 0 {
		body["attributes"] = s.attributes
	}
	if s.seeded {
		body["seed"] = s.seed
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url+"/v1/chat/completions", bytes.NewReader(raw))
	if err != nil {
		return err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	answer, err := readStream(resp, out)
	fmt.Fprintln(out)
	if err != nil {
		return err
	}
	s.messages = append(messages, chatMessage{"assistant", answer})
	return nil
}

// chatEvent is what a chat needs of a streamed chunk.
type chatEvent struct {
	Choices []struct {
		Delta struct {
			Content string `json:"content"`
		} `json:"delta"`
	} `json:"choices"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// readStream copies the deltas of a server-sent event stream to out and
// returns the whole answer.
func readStream(resp *http.Response, out io.Writer) (string, error) {
	if resp.StatusCode != http.StatusOK {
		var event chatEvent
		raw, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		if json.Unmarshal(raw, &event) == nil && event.Error != nil {
			return "", fmt.Errorf("%s: %s", resp.Status, event.Error.Message)
		}
		return "", errors.New(resp.Status)
	}
	var answer strings.Builder
	lines := bufio.NewScanner(resp.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return answer.String(), nil
		}
		var event chatEvent
		if err := json.Unmarshal([]byte(data), &event); err != nil {
			return "", fmt.Errorf("stream: %w", err)
		}
		if event.Error != nil {
			return "", errors.New(event.Error.Message)
		}
		for _, choice := range event.Choices {
			answer.WriteString(choice.Delta.Content)
			fmt.Fprint(out, choice.Delta.Content)
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New("the stream was cut before its end")
}
