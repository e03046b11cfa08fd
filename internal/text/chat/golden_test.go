package chat

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// golden is a conversation as transformers renders and tokenizes it; see
// testdata/goldens.py.
type golden struct {
	Template      string
	Messages      []map[string]any
	Tools         []struct{ Function toolFunction }
	Variables     map[string]any
	Text          *string // nil where the template refuses
	Legacy, First []int32
}

type toolFunction struct {
	Name, Description string
	Parameters        json.RawMessage
}

func readGoldens(t testing.TB) []golden {
	t.Helper()
	b, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var out struct{ Goldens []golden }
	if err := json.Unmarshal(b, &out); err != nil {
		t.Fatal(err)
	}
	return out.Goldens
}

// conversation is what was rendered.
func (g golden) conversation() Conversation {
	c := Conversation{Messages: g.messages(), Args: g.Variables}
	if c.Args != nil {
		c.Args["date"] = "26 Jul 2024"
	}
	for _, t := range g.Tools {
		c.Tools = append(c.Tools, tool.Tool{Name: t.Function.Name, Description: t.Function.Description, Parameters: t.Function.Parameters})
	}
	return c
}

func (g golden) messages() []Message {
	var out []Message
	for _, m := range g.Messages {
		message := Message{Role: m["role"].(string), Content: m["content"].(string), Attributes: Attributes{}}
		message.ToolCallID, _ = m["tool_call_id"].(string)
		message.Name, _ = m["name"].(string)
		calls, _ := m["tool_calls"].([]any)
		for _, c := range calls {
			function := c.(map[string]any)["function"].(map[string]any)
			message.ToolCalls = append(message.ToolCalls, tool.Call{ID: c.(map[string]any)["id"].(string), Name: function["name"].(string), Arguments: asJSON(function["arguments"])})
		}
		for _, name := range attributeNames {
			if v, ok := m[name]; ok {
				message.Attributes[name] = int(v.(float64))
			}
		}
		out = append(out, message)
	}
	return out
}

// asJSON writes arguments with their members in the order of the goldens.
func asJSON(arguments any) string {
	var parts []string
	all := arguments.(map[string]any)
	for _, name := range []string{"city", "unit", "days", "far"} {
		if v, ok := all[name]; ok {
			b, _ := json.Marshal(v)
			parts = append(parts, fmt.Sprintf("%q: %s", name, b))
		}
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// opened are the tokenizers of the tests, by what sets them apart.
var opened sync.Map

// load opens a checkpoint that has these files, and the Mistral v1 model.
func load(t testing.TB, files map[string]string) (*Template, *tokenizer.Tokenizer, error) {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	key := files["added_tokens.json"]
	if config := files["tokenizer_config.json"]; strings.Contains(config, "added_tokens_decoder") {
		key += fmt.Sprint(strings.Contains(config, `"legacy":true`))
	}
	known, ok := opened.Load(key)
	if !ok {
		if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
			t.Fatal(err)
		}
		tok, err := tokenizer.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		known, _ = opened.LoadOrStore(key, tok)
	}
	tok := known.(*tokenizer.Tokenizer)
	template, err := Load(dir, tok)
	return template, tok, err
}

// configuration is a tokenizer_config.json with the tokens of ChatML.
func configuration(t testing.TB, template any, legacy bool) string {
	t.Helper()
	b, err := json.Marshal(map[string]any{"legacy": legacy, "chat_template": template, "added_tokens_decoder": map[string]any{
		"32000": map[string]any{"content": "<|im_end|>", "special": true},
		"32001": map[string]any{"content": "<|im_start|>", "special": false},
	}})
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// sources are the templates of the goldens.
func sources(t testing.TB) map[string]string {
	t.Helper()
	out := map[string]string{"karakuri": KarakuriTemplate, "mistral": MistralTemplate}
	paths, err := filepath.Glob("testdata/templates/*.jinja")
	if err != nil || len(paths) == 0 {
		t.Fatalf("%d templates, %v", len(paths), err)
	}
	for _, path := range paths {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(path), ".jinja")] = string(b)
	}
	return out
}

// text is what pieces look like.
func text(pieces []tokenizer.Piece) string {
	names := map[int32]string{0: "<unk>", 1: "<s>", 2: "</s>", 32000: "<|im_end|>", 32001: "<|im_start|>"}
	var s strings.Builder
	for _, p := range pieces {
		if p.Special {
			s.WriteString(names[p.ID])
		}
		s.WriteString(p.Text)
	}
	return s.String()
}

func TestAsTransformers(t *testing.T) {
	goldens := readGoldens(t)
	if len(goldens) < 200 {
		t.Fatalf("%d goldens", len(goldens))
	}
	for name, source := range sources(t) {
		for _, form := range []string{"legacy", "first"} {
			template, _, err := load(t, map[string]string{"tokenizer_config.json": configuration(t, source, form == "legacy")})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			n := 0
			for _, g := range goldens {
				if g.Template == name {
					n++
					compare(t, template, g, form)
				}
			}
			if n == 0 {
				t.Errorf("%s has no goldens", name)
			}
		}
	}
}

func compare(t *testing.T, template *Template, g golden, form string) {
	t.Helper()
	pieces, err := template.RenderConversation(g.conversation())
	ids, errIDs := template.Prompt(g.conversation())
	switch {
	case g.Text == nil:
		if err == nil || errIDs == nil || !strings.Contains(err.Error(), "turn ") {
			t.Errorf("%s: %v: rendered %q, error %v", g.Template, g.Messages, text(pieces), err)
		}
	case err != nil || errIDs != nil:
		t.Errorf("%s: %v: error %v", g.Template, g.Messages, err)
	case text(pieces) != *g.Text:
		t.Errorf("%s: %v: rendered %q, want %q", g.Template, g.Messages, text(pieces), *g.Text)
	default:
		if want := map[string][]int32{"legacy": g.Legacy, "first": g.First}[form]; !slices.Equal(ids, want) {
			t.Errorf("%s, %s: %v: ids %v, want %v", g.Template, form, g.Messages, ids, want)
		}
	}
}

// The two renderings of the model card.
func TestModelCard(t *testing.T) {
	const tail = " quality: 4 toxicity: 0 humor: 0 creativity: 0 [/ATTR] [/INST]"
	const defaults = " [ATTR] helpfulness: 4 correctness: 4 coherence: 4 complexity: 4 verbosity: 4" + tail
	conversation := []Message{
		{Role: "system", Content: "System prompt"}, {Role: "user", Content: "User prompt"},
		{Role: "assistant", Content: "Model response"}, {Role: "user", Content: "User prompt"},
	}
	steered := []Message{{Role: "user", Content: "User prompt", Attributes: Attributes{"helpfulness": 0, "complexity": 0}}}
	for _, name := range []string{"karakuri", "card"} {
		template, _, err := load(t, map[string]string{"chat_template.jinja": sources(t)[name]})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			messages []Message
			want     string
		}{
			{conversation, "<s>[INST] <<SYS>>\nSystem prompt\n<</SYS>>\n\nUser prompt" + defaults + "Model response</s>[INST] User prompt" + defaults},
			{steered, "<s>[INST] User prompt [ATTR] helpfulness: 0 correctness: 4 coherence: 4 complexity: 0 verbosity: 4" + tail},
		} {
			if got, err := template.Render(tt.messages, nil); err != nil || text(got) != tt.want {
				t.Errorf("%s: got %q, %v, want %q", name, text(got), err, tt.want)
			}
		}
	}
}
