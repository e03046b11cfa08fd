package tokenizer

import _ "embed"

//go:embed mistral-v1.model
var mistralV1 string

// MistralV1 returns a fresh copy of the Mistral v1 SentencePiece model: 32,000 pieces, BPE with byte fallback.
func MistralV1() []byte { return []byte(mistralV1) }
