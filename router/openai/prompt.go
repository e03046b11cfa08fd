package openai

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"

	"github.com/hachi-serve/hachi/model/chat"
)

// randomSeed is for requests that name none.
func randomSeed() uint64 { return rand.Uint64() }

// conversation renders the messages of a chat request into tokens.
func (s *Server) conversation(f fields) ([]int32, error) {
	var raw []map[string]json.RawMessage
	if err := f.get("messages", &raw); err != nil {
		return nil, err
	}
	if len(raw) == 0 {
		return nil, invalid("messages", "messages is empty")
	}
	base := maps.Clone(s.cfg.Attributes)
	if base == nil {
		base = chat.Attributes{}
	}
	var request chat.Attributes
	if err := f.get("attributes", &request); err != nil {
		return nil, err
	}
	if err := request.Validate(); err != nil {
		return nil, invalid("attributes", err.Error())
	}
	maps.Copy(base, request)
	messages := make([]chat.Message, len(raw))
	for i, m := range raw {
		var err error
		if messages[i], err = message(m); err != nil {
			return nil, invalid(fmt.Sprintf("messages[%d]", i), err.Error())
		}
	}
	pieces, err := s.cfg.Template.Render(messages, base)
	if err != nil {
		return nil, invalid("messages", err.Error())
	}
	return s.cfg.Tokenizer.EncodePieces(pieces), nil
}

// message reads one turn; integers beside role and content are attributes of a
// user message.
func message(m map[string]json.RawMessage) (chat.Message, error) {
	out := chat.Message{Attributes: map[string]int{}}
	for key, raw := range m {
		var err error
		switch key {
		case "role":
			err = json.Unmarshal(raw, &out.Role)
		case "content":
			out.Content, err = content(raw)
		case "name", "refusal", "annotations":
		case "tool_calls", "tool_call_id", "function_call", "audio":
			if string(raw) != "null" && string(raw) != "[]" {
				err = fmt.Errorf("not supported")
			}
		default:
			var value int
			if err = json.Unmarshal(raw, &value); err == nil {
				out.Attributes[key] = value
			}
		}
		if err != nil {
			return out, fmt.Errorf("%s: %w", key, err)
		}
	}
	if out.Role == "" {
		return out, fmt.Errorf("role is missing")
	}
	if len(out.Attributes) > 0 && out.Role != "user" {
		return out, fmt.Errorf("attributes belong on user messages, not on %s", out.Role)
	}
	return out, chat.Attributes(out.Attributes).Validate()
}

// content is a text, or text parts.
func content(raw json.RawMessage) (string, error) {
	if string(raw) == "null" {
		return "", nil
	}
	var text string
	if json.Unmarshal(raw, &text) == nil {
		return text, nil
	}
	var parts []struct {
		Type string `json:"type"`
		Text string `json:"text"`
	}
	if err := json.Unmarshal(raw, &parts); err != nil {
		return "", fmt.Errorf("expected a text or a list of parts")
	}
	var all strings.Builder
	for _, p := range parts {
		if p.Type != "text" {
			return "", fmt.Errorf("parts of type %q are not supported", p.Type)
		}
		all.WriteString(p.Text)
	}
	return all.String(), nil
}

// prompts reads the prompt of a completion: a text, texts, tokens, or lists of
// tokens. A text gets exactly one BOS; tokens are used as they are.
func (s *Server) prompts(f fields) ([][]int32, error) {
	var one string
	var texts []string
	var tokens []int32
	var lists [][]int32
	raw, ok := f["prompt"]
	switch {
	case !ok || string(raw) == "null":
		return nil, invalid("prompt", "prompt is missing")
	case json.Unmarshal(raw, &one) == nil:
		return [][]int32{s.cfg.Tokenizer.Prompt(one)}, nil
	case json.Unmarshal(raw, &texts) == nil && len(texts) > 0:
		for _, t := range texts {
			lists = append(lists, s.cfg.Tokenizer.Prompt(t))
		}
	case json.Unmarshal(raw, &tokens) == nil && len(tokens) > 0:
		lists = [][]int32{tokens}
	default:
		lists = nil
		if err := json.Unmarshal(raw, &lists); err != nil || len(lists) == 0 {
			return nil, invalid("prompt", "prompt is neither a text, texts, tokens nor lists of tokens")
		}
	}
	if len(lists) > maxChoices {
		return nil, invalid("prompt", fmt.Sprintf("%d prompts, expected at most %d", len(lists), maxChoices))
	}
	return lists, nil
}
