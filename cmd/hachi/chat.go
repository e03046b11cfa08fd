package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/printable"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

func newChat() *cobra.Command {
	s := &conversation{}
	var url string
	var attrs []string
	var seed uint64
	cmd := &cobra.Command{
		Use:   "chat [MESSAGE]",
		Short: "talk to a running cluster; without MESSAGE, line by line until end of file",
		Long: `chat sends messages to a router and prints the answers as they are generated. At
a terminal it edits lines, keeps a history and knows commands: /help lists them.
Ctrl-C stops an answer. When the input or the output is not a terminal, it
prints answers only, and ends with status 1 at the first request that fails, or
130 when Ctrl-C stops it.`,
		Args: cobra.ArbitraryArgs,
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if s.attributes, err = parseAttributes(attrs); err != nil {
				return err
			}
			if s.client.URL, err = chatURL(url); err != nil {
				return err
			}
			if cmd.Flags().Changed("seed") {
				s.seed = &seed
			}
			switch in, out, message := cmd.InOrStdin(), cmd.OutOrStdout(), strings.Join(args, " "); {
			case len(args) > 0 && strings.TrimSpace(message) == "":
				return &role.ConfigError{Err: errors.New("the message is empty")}
			case len(args) > 0:
				return reachable(s.say(cmd.Context(), message, out), s.client.URL)
			case isTerminal(in) && isTerminal(out):
				return reachable(talk(cmd.Context(), s, out, cmd.ErrOrStderr()), s.client.URL)
			default:
				return reachable(readMessages(cmd.Context(), s, in, out), s.client.URL)
			}
		},
	}
	f := cmd.Flags()
	f.StringVar(&url, "url", "", "router to talk to, HOST:PORT or a URL; that of the only hachi up on this machine when empty, else "+defaultURL)
	f.StringVar(&s.client.Key, "api-key", "", apiKeyUsage)
	f.StringVar(&s.client.Model, "model", "", "model name; the router's own when empty")
	f.StringVar(&s.system, "system", "", "system message")
	f.StringArrayVar(&attrs, "attribute", nil, "SteerLM attribute of every turn, NAME=0..4; may be repeated")
	f.IntVar(&s.maxTokens, "max-tokens", 512, "maximum tokens of one answer")
	f.Float64Var(&s.temp, "temperature", 0.7, "0 is greedy")
	f.Uint64Var(&seed, "seed", 0, "same seed, same answer; random when not given")
	return cmd
}

const apiKeyUsage = "API key of the server; better in the environment variable HACHI_API_KEY, because other users see the arguments of a process"

func parseAttributes(pairs []string) (chat.Attributes, error) {
	out, err := chat.ParseAttributes(pairs)
	if err != nil {
		return nil, &role.ConfigError{Err: fmt.Errorf("--attribute: %w", err)}
	}
	return out, nil
}

// reachable says how to start a server when none could be reached, and how to give an
// API key when the server asks for one.
func reachable(err error, url string) error {
	var refused *client.Error
	if errors.As(err, &refused) && refused.Status == http.StatusUnauthorized {
		return fmt.Errorf("%w: give the API key in the environment variable HACHI_API_KEY", err)
	}
	var dial *net.OpError
	if errors.As(err, &dial) && dial.Op == "dial" {
		return fmt.Errorf("no server answers at %s (%w): start one with `hachi up`, or name another with --url", url, dial.Err)
	}
	return err
}

// conversation is a conversation with a router.
type conversation struct {
	client     client.Client
	system     string
	messages   []client.Message // turns, without the system message
	last       string           // what the user said last
	attributes chat.Attributes
	maxTokens  int
	temp       float64
	seed       *uint64 // nil lets the router draw one
}

// say sends one user message and streams the answer to out. A turn that fails
// leaves the conversation as it was. One that ctx ends keeps what was answered.
func (s *conversation) say(ctx context.Context, text string, out io.Writer) error {
	s.last = text
	turns := append(s.messages[:len(s.messages):len(s.messages)], client.Message{Role: "user", Content: text})
	all := turns
	if s.system != "" {
		all = append([]client.Message{{Role: "system", Content: s.system}}, turns...)
	}
	request := client.ChatRequest{
		Messages: all, Attributes: s.attributes, Params: client.Params{MaxTokens: s.maxTokens, Temperature: s.temp, Seed: s.seed},
	}
	var answer strings.Builder
	for chunk, err := range s.client.Stream(ctx, request) {
		if err != nil {
			if answer.Len() > 0 {
				fmt.Fprintln(out)
			}
			if ctx.Err() != nil && answer.Len() > 0 {
				s.messages = append(turns, client.Message{Role: "assistant", Content: answer.String()})
			}
			return err
		}
		answer.WriteString(chunk.Text)
		if _, err := fmt.Fprint(out, chunk.Text); err != nil {
			return err
		}
	}
	fmt.Fprintln(out)
	s.messages = append(turns, client.Message{Role: "assistant", Content: answer.String()})
	return nil
}

// retry answers the last message again.
func (s *conversation) retry(ctx context.Context, out io.Writer) error {
	if s.last == "" {
		return errors.New("there is no message to answer again")
	}
	before := s.messages
	if n := len(before); n >= 2 && before[n-2].Content == s.last {
		s.messages = before[: n-2 : n-2]
	}
	err := s.say(ctx, s.last, out)
	if err != nil && ctx.Err() == nil {
		s.messages = before
	}
	return err
}

// isTerminal reports whether a stream is a terminal.
func isTerminal(stream any) bool {
	if w, ok := stream.(io.Writer); ok {
		stream = printable.Under(w)
	}
	f, ok := stream.(*os.File)
	return ok && terminal(f)
}
