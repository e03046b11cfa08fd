package completion

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Turn is a turn of the model, prepared: the prompt, and how its answer is
// constrained and read. It is immutable; any number of answers may share it.
type Turn struct {
	// Prompt is the conversation in tokens. It must not be changed.
	Prompt []int32
	// IgnoredArgs are the names of the TemplateArgs that the template does not read.
	IgnoredArgs []string

	// OutputUnused says that the structured output has no effect: the answer must be
	// calls, and has no text.
	OutputUnused bool

	newText  bool
	said     string // the text that the answer continues, without its reasoning
	output   *StructuredOutput
	answers  *tokenizer.Tokenizer
	syntax   *tool.Syntax  // nil: an answer is text
	tools    []int         // numbers in the request of the functions of language
	language *grammar.Turn // nil: only output constrains the answer
}

// Answers makes a request one for an answer to this turn. It sets Prompt, NewText
// and Output.
func (t *Turn) Answers(r *Request) {
	r.Prompt, r.NewText, r.Output, r.turn = t.Prompt, t.newText, t.output, t
}

// Request is one for an answer to the turn that asks for nothing else.
func (t *Turn) Request() Request {
	var r Request
	t.Answers(&r)
	return r
}

// parser reads an answer to the turn; nil is an answer that is text. It is false if the
// answer would continue a call.
func (t *Turn) parser() (p *tool.Parser, ok bool) {
	if t == nil || t.syntax == nil {
		return nil, true
	}
	p = tool.NewParser(*t.syntax)
	return p, p.Continue(t.said)
}

// decoder decodes an answer to a request.
func (c *Completer) decoder(r *Request) *tokenizer.Decoder {
	if r.turn != nil && r.turn.syntax != nil {
		return r.turn.answers.NewDecoder()
	}
	return c.Tokenizer.NewDecoder()
}

// callID names a call: the same for the same prompt, seed, choice and number, so
// that an answer is the same bytes however often and wherever it is computed. It is
// a function of the prompt too, because two turns of a conversation may have the
// same seed.
func (r *Request) callID(index int) string {
	h := sha256.New()
	var word [8]byte
	add := func(v uint64) {
		binary.LittleEndian.PutUint64(word[:], v)
		h.Write(word[:])
	}
	for _, id := range r.Prompt {
		add(uint64(id))
	}
	add(r.Params.Seed)
	add(uint64(r.Choice))
	add(uint64(index))
	return "call_" + hex.EncodeToString(h.Sum(nil)[:12])
}
