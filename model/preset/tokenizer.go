package preset

import _ "embed"

// mistralV1 is the SentencePiece model of Mistral v1: 32000 pieces, byte
// fallback. Apache-2.0, Mistral AI.
//
//go:embed mistral-v1.model
var mistralV1 []byte
