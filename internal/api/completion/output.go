package completion

import (
	"bytes"
	"context"
	"errors"
	"fmt"

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

// fault is what is wrong with the output.
func (o *StructuredOutput) fault(code string, err error) error { return &Fault{o.param, code, err} }

// grammar compiles what an answer to a request must be; nil is any text. The
// compiler remembers grammars, so that further choices cost a look-up.
func (c *Completer) grammar(ctx context.Context, r *Request) (*grammar.Grammar, error) {
	if r.turn != nil && r.turn.language != nil {
		return c.turnGrammar(ctx, r.turn)
	}
	o := r.Output
	if o == nil {
		return nil, nil
	}
	if c.Grammars == nil {
		return nil, o.fault(CodeUnsupported, errNoGrammars)
	}
	compiler, err := c.Grammars.For(r.Prompt, r.NewText)
	if err != nil {
		return nil, o.fault(CodeUnsupported, fmt.Errorf("is not supported with this vocabulary: %w", err))
	}
	g, err := compiler.TextWithin(ctx, o.text)
	switch {
	case errors.Is(err, grammar.ErrBusy), err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, o.fault(CodeValue, fmt.Errorf("cannot be compiled: %w", err))
	}
	return g, nil
}

var errNoGrammars = errors.New("is not supported by this server")
