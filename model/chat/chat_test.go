package chat

import (
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/model/tokenizer"
)

func text(pieces []tokenizer.Piece) string {
	var s strings.Builder
	for _, p := range pieces {
		if p.Special {
			s.WriteString([...]string{"<s>", "</s>"}[p.ID-1])
		}
		s.WriteString(p.Text)
	}
	return s.String()
}

func TestModelCard(t *testing.T) {
	dir := t.TempDir()
	writeModel(t, dir)
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	const tail = " quality: 4 toxicity: 0 humor: 0 creativity: 0 [/ATTR] [/INST]"
	const defaults = " [ATTR] helpfulness: 4 correctness: 4 coherence: 4 complexity: 4 verbosity: 4" + tail
	got, err := Karakuri(tok).Render([]Message{{Role: "system", Content: "System prompt"}, {Role: "user", Content: "User prompt"},
		{Role: "assistant", Content: "Model response"}, {Role: "user", Content: "User prompt"}}, nil)
	want := "<s>[INST] <<SYS>>\nSystem prompt\n<</SYS>>\n\nUser prompt" + defaults + "Model response</s>[INST] User prompt" + defaults
	if err != nil || text(got) != want {
		t.Errorf("got %q, %v, want %q", text(got), err, want)
	}
	got, err = Karakuri(tok).Render([]Message{{Role: "user", Content: "User prompt",
		Attributes: map[string]int{"helpfulness": 0, "complexity": 0}}}, Attributes{"helpfulness": 3})
	want = "<s>[INST] User prompt [ATTR] helpfulness: 0 correctness: 4 coherence: 4 complexity: 0 verbosity: 4" + tail
	if err != nil || text(got) != want {
		t.Errorf("got %q, %v, want %q", text(got), err, want)
	}
	if _, err := Karakuri(tok).Render([]Message{{Role: "user"}}, Attributes{"humor": 5}); err == nil || !strings.Contains(err.Error(), "humor") {
		t.Errorf("humor 5: %v", err)
	}
}
