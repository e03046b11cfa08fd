package chat_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// The tokens of a conversation, as the model was trained on it.
func ExampleTemplate_Tokens() {
	dir, err := os.MkdirTemp("", "chat")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o644); err != nil {
		log.Fatal(err)
	}
	t, err := tokenizer.Load(dir)
	if err != nil {
		log.Fatal(err)
	}
	template, err := chat.Parse(chat.MistralTemplate, t)
	if err != nil {
		log.Fatal(err)
	}
	ids, err := template.Tokens([]chat.Message{{Role: "user", Content: "How are you?"}}, nil)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Println(t.Decode(ids))
	_, err = template.Tokens([]chat.Message{{Role: "assistant", Content: "Fine."}}, nil)
	fmt.Println(err)
	// Output:
	// [INST] How are you? [/INST]
	// turn 0 (assistant): the last turn must be the user's
}
