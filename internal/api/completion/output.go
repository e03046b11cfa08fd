package completion

import (
	"bytes"

	"github.com/hachi-serve/hachi/internal/text/grammar"
)

// StructuredOutput is what an answer must be.
type StructuredOutput struct {
	param string // of the request, for errors
	text  grammar.Text
}

// JSONObject allows any JSON object. Errors name param, as those of the other
// structured outputs do.
func JSONObject(param string) *StructuredOutput {
	return &StructuredOutput{param, grammar.Text{Object: true}}
}

// JSONSchema allows what satisfies a JSON Schema. It keeps a copy of the schema.
func JSONSchema(param string, schema []byte) *StructuredOutput {
	return &StructuredOutput{param, grammar.Text{Schema: bytes.Clone(schema)}}
}

// Regex allows what an RE2 expression matches as a whole.
func Regex(param, expression string) *StructuredOutput {
	return &StructuredOutput{param, grammar.Text{Regex: &expression}}
}

// OneOf allows one of the texts. No texts are a fault of the request, and not any text,
// which a nil Choice would be.
func OneOf(param string, texts []string) *StructuredOutput {
	return &StructuredOutput{param, grammar.Text{Choice: append([]string{}, texts...)}}
}
