package completion

import (
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/text/grammar"
)

// StructuredOutput is what an answer must be.
type StructuredOutput struct {
	param   string // of the request, for errors
	compile func(*grammar.Compiler) (*grammar.Grammar, error)
}

// JSONObject allows any JSON object. Errors name param, as those of the other
// structured outputs do.
func JSONObject(param string) *StructuredOutput {
	return &StructuredOutput{param, (*grammar.Compiler).Object}
}

// JSONSchema allows what satisfies a JSON Schema.
func JSONSchema(param string, schema []byte) *StructuredOutput {
	return &StructuredOutput{param, func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Schema(schema) }}
}

// Regex allows what an RE2 expression matches as a whole.
func Regex(param, expression string) *StructuredOutput {
	return &StructuredOutput{param, func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Regex(expression) }}
}

// OneOf allows one of the texts.
func OneOf(param string, texts []string) *StructuredOutput {
	return &StructuredOutput{param, func(c *grammar.Compiler) (*grammar.Grammar, error) { return c.Choice(texts) }}
}

// grammar compiles a structured output for answers to a prompt; nil is any text.
// The compiler remembers grammars, so that further choices cost a look-up.
func (c *Completer) grammar(o *StructuredOutput, prompt []int32, newText bool) (*grammar.Grammar, error) {
	if o == nil {
		return nil, nil
	}
	fault := func(code string, err error) error { return &Fault{o.param, code, err} }
	if c.Grammars == nil {
		return nil, fault(CodeUnsupported, errors.New("is not supported by this server"))
	}
	compiler, err := c.Grammars.For(prompt, newText)
	if err != nil {
		return nil, fault(CodeUnsupported, fmt.Errorf("is not supported with this vocabulary: %w", err))
	}
	g, err := o.compile(compiler)
	if err != nil {
		return nil, fault(CodeValue, fmt.Errorf("cannot be compiled: %w", err))
	}
	return g, nil
}
