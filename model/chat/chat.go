package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/model/tokenizer"
)

// Message is one turn. Attributes override those of the request on a user message.
type Message struct {
	Role, Content string
	Attributes    map[string]int
}

// Attributes are values from 0 to 4 by name.
type Attributes map[string]int

// Template renders a conversation into pieces that start with BOS and end ready for the answer.
type Template interface {
	Name() string
	Render(msgs []Message, base Attributes) ([]tokenizer.Piece, error)
}

var attributeNames = [...]string{"helpfulness", "correctness", "coherence", "complexity", "verbosity", "quality",
	"toxicity", "humor", "creativity"}

// Validate names the first attribute that is unknown or out of range.
func (a Attributes) Validate() error {
	known := map[string]bool{}
	for _, name := range attributeNames {
		known[name] = true
		if v, ok := a[name]; ok && (v < 0 || v > 4) {
			return fmt.Errorf("attribute %s is %d, expected 0 to 4", name, v)
		}
	}
	for name := range a {
		if !known[name] {
			return fmt.Errorf("unknown attribute %q", name)
		}
	}
	return nil
}

type native struct {
	tok      *tokenizer.Tokenizer
	karakuri bool
}

// Karakuri is the KARAKURI LM format.
func Karakuri(t *tokenizer.Tokenizer) Template { return native{t, true} }

// Mistral is the plain [INST] format; it has no system message and no attributes.
func Mistral(t *tokenizer.Tokenizer) Template { return native{t, false} }

func (n native) Name() string {
	if n.karakuri {
		return "karakuri"
	}
	return "mistral"
}

func (n native) Render(msgs []Message, base Attributes) ([]tokenizer.Piece, error) {
	if err := base.Validate(); err != nil {
		return nil, err
	}
	system := ""
	if len(msgs) > 0 && (msgs[0].Role == "system" || msgs[0].Role == "developer") {
		if !n.karakuri {
			return nil, errors.New("this model's template has no system message")
		}
		system = "<<SYS>>\n" + msgs[0].Content + "\n<</SYS>>\n\n"
		msgs = msgs[1:]
	}
	if len(msgs)%2 == 0 {
		return nil, errors.New("the last message must be the user's")
	}
	out := []tokenizer.Piece{{Special: true, ID: n.tok.BOS()}}
	for i, m := range msgs {
		if want := [...]string{"user", "assistant"}[i%2]; m.Role != want {
			return nil, fmt.Errorf("turn %d has role %q, expected %q: roles must alternate", i, m.Role, want)
		}
		if i%2 == 1 {
			out[len(out)-1].Text += m.Content
			out = append(out, tokenizer.Piece{Special: true, ID: n.tok.EOS()})
			continue
		}
		tail, err := n.attributes(base, m.Attributes)
		if err != nil {
			return nil, fmt.Errorf("turn %d: %w", i, err)
		}
		out = append(out, tokenizer.Piece{Text: "[INST] " + system + m.Content + tail + " [/INST]"})
		system = ""
	}
	return out, nil
}

func (n native) attributes(base Attributes, own map[string]int) (string, error) {
	if !n.karakuri {
		if len(base)+len(own) > 0 {
			return "", errors.New("this model's template has no attributes")
		}
		return "", nil
	}
	if err := Attributes(own).Validate(); err != nil {
		return "", err
	}
	var s strings.Builder
	s.WriteString(" [ATTR]")
	for i, name := range attributeNames {
		v := 4
		if i >= 6 {
			v = 0
		}
		if b, ok := base[name]; ok {
			v = b
		}
		if o, ok := own[name]; ok {
			v = o
		}
		s.WriteString(" " + name + ": " + strconv.Itoa(v))
	}
	return s.String() + " [/ATTR]", nil
}

// Load chooses by the chat_template of DIR/tokenizer_config.json: KarakuriTemplate, or plain Mistral where there is
// none. Any other template is refused.
func Load(dir string, t *tokenizer.Tokenizer) (Template, error) {
	path := filepath.Join(dir, "tokenizer_config.json")
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return Mistral(t), nil
	}
	if err != nil {
		return nil, fmt.Errorf("chat: %w", err)
	}
	var config struct {
		Template *string `json:"chat_template"`
	}
	if err := json.Unmarshal(b, &config); err != nil {
		return nil, fmt.Errorf("chat: %s: %w", path, err)
	}
	switch {
	case config.Template == nil:
		return Mistral(t), nil
	case *config.Template == KarakuriTemplate:
		return Karakuri(t), nil
	}
	return nil, fmt.Errorf("chat: %s: template not supported: it is not one of the built-in formats", path)
}
