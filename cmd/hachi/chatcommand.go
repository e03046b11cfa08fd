package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/chat"
)

// errLeave ends a chat.
var errLeave = errors.New("leave")

// slashCommand is a command of a chat.
type slashCommand struct {
	name, args, help string
	run              func(ctx context.Context, s *conversation, rest string, out io.Writer) error
}

// slashCommands are the commands, in the order of their help.
func slashCommands() []slashCommand {
	return []slashCommand{
		{"help", "", "list these commands", func(_ context.Context, _ *conversation, _ string, out io.Writer) error { return printHelp(out) }},
		{"exit", "", "leave, as Ctrl-D does", func(context.Context, *conversation, string, io.Writer) error { return errLeave }},
		{"quit", "", "the same", func(context.Context, *conversation, string, io.Writer) error { return errLeave }},
		{"system", "[TEXT]", "show or set the system message; - removes it", setSystem},
		{"attr", "[NAME=0..4 ...]", "show or set SteerLM attributes; - removes all", setAttributes},
		{"retry", "", "answer the last message again", func(ctx context.Context, s *conversation, _ string, out io.Writer) error { return s.retry(ctx, out) }},
		{"reset", "", "begin a new conversation", func(_ context.Context, s *conversation, _ string, out io.Writer) error {
			s.messages, s.last = nil, ""
			return nil
		}},
	}
}

// slash splits a line that is a command. A line whose first word has another slash
// is a message, as a path is; two slashes begin a message with one.
func slash(line string) (name, rest string, ok bool) {
	name, ok = strings.CutPrefix(line, "/")
	if !ok {
		return "", "", false
	}
	name, rest, _ = strings.Cut(name, " ")
	return name, strings.TrimSpace(rest), !strings.Contains(name, "/")
}

// turn does what one line of input asks for: it runs a command, or sends a message.
func (s *conversation) turn(ctx context.Context, line string, out io.Writer) error {
	name, rest, ok := slash(line)
	if !ok {
		if strings.HasPrefix(line, "//") {
			line = line[1:]
		}
		return s.say(ctx, line, out)
	}
	var names []string
	for _, c := range slashCommands() {
		if c.name == name {
			return c.run(ctx, s, rest, out)
		}
		names = append(names, c.name)
	}
	if like := nearest(name, names); like != "" {
		return fmt.Errorf("unknown command /%s: did you mean /%s?", name, like)
	}
	return fmt.Errorf("unknown command /%s: /help lists the commands", name)
}

func printHelp(out io.Writer) error {
	for _, c := range slashCommands() {
		if _, err := fmt.Fprintf(out, "%-24s %s\n", strings.TrimSpace("/"+c.name+" "+c.args), c.help); err != nil {
			return err
		}
	}
	_, err := fmt.Fprintln(out, "Ctrl-C stops an answer; a second one leaves. A message that begins with a slash is written with two.")
	return err
}

func setSystem(_ context.Context, s *conversation, text string, out io.Writer) error {
	switch text {
	case "":
		fmt.Fprintln(out, orNone(s.system))
	case "-":
		s.system = ""
	default:
		s.system = text
	}
	return nil
}

func setAttributes(_ context.Context, s *conversation, text string, out io.Writer) error {
	switch pairs := strings.FieldsFunc(text, func(r rune) bool { return r == ' ' || r == ',' }); {
	case len(pairs) == 0:
		var shown []string
		for _, name := range slices.Sorted(maps.Keys(s.attributes)) {
			shown = append(shown, fmt.Sprintf("%s=%d", name, s.attributes[name]))
		}
		fmt.Fprintln(out, orNone(strings.Join(shown, " ")))
	case text == "-":
		s.attributes = nil
	default:
		set, err := chat.ParseAttributes(pairs)
		if err != nil {
			return err
		}
		all := chat.Attributes{}
		maps.Copy(all, s.attributes)
		maps.Copy(all, set)
		s.attributes = all
	}
	return nil
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}
