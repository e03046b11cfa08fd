package grpcapi

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
	"google.golang.org/protobuf/reflect/protoreflect"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/sampler"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// unknownError is a part of a request that this program does not know. Without it the
// answer would be another answer.
type unknownError struct{ what string }

func (e *unknownError) Error() string {
	return fmt.Sprintf("this router does not know %s: it is older than the caller; ask a newer one", e.what)
}

// fingerprintError is a request for another model.
type fingerprintError struct{ want, have string }

func (e *fingerprintError) Error() string {
	const enough = 128 // of what the caller wrote
	return fmt.Sprintf("the model of this router has the fingerprint %s, expected %.*s", e.have, enough, e.want)
}

// tokensRequest reads a call below the level of text. What a value may be, the engine
// checks, except what only the tokenizer knows.
func (s *Server) tokensRequest(in *hachiv1.GenerateTokensRequest) (engine.Request, *completion.Language, error) {
	if err := checkLists(in); err != nil {
		return engine.Request{}, nil, err
	}
	r := engine.Request{
		Prompt: tokens(in.GetPrompt()), Answer: tokens(in.GetAnswer()), MaxTokens: whole(in.GetMaxTokens()),
		Params: sampling(in.GetSampling()), StopTokens: tokens(in.GetStopTokens()), Logprobs: -1,
		PromptLogprobs: in.GetPromptLogprobs(), PromptReported: whole(in.GetPromptReported()), Choice: whole(in.GetChoice()),
		CacheSalt: in.GetCacheSalt() &^ (1 << 63), Priority: int(in.GetPriority()), FailFast: in.GetFailFast(), ReportNodes: in.GetIncludeNodes(),
	}
	if in.GetLogprobs() {
		r.Logprobs = whole(in.GetTopLogprobs())
	}
	if r.Logprobs > completion.MaxLogprobs {
		return r, nil, fault("top_logprobs", fmt.Errorf("is %d, expected 0 to %d", r.Logprobs, completion.MaxLogprobs))
	}
	if what := unknown(in.ProtoReflect()); what != "" {
		return r, nil, &unknownError{what}
	}
	if have := s.service.Fingerprint; in.GetFingerprint() != have {
		return r, nil, &fingerprintError{in.GetFingerprint(), have}
	}
	l, err := s.language(in.GetGrammar())
	return r, l, err
}

const (
	// maxStopTokens bounds the tokens that end an answer: a client's, and those of the model.
	maxStopTokens = completion.MaxStopTokens + 128
	// maxMarks bounds the marks around calls and reasoning, which a chat template has, bytes.
	maxMarks = 64 << 10
)

// checkLists refuses lists and marks that are longer than any gateway sends: each of their
// entries is compared with each token of the answer, or compiled.
func checkLists(in *hachiv1.GenerateTokensRequest) error {
	turn := in.GetGrammar().GetTurn()
	calls := turn.GetCalls()
	marks := 0
	for _, mark := range []string{
		turn.GetReasoningOpen(), turn.GetReasoningClose(), calls.GetBegin(), calls.GetBetween(), calls.GetNext(), calls.GetEnd(), calls.GetMarker(),
	} {
		marks += len(mark)
	}
	for _, list := range []struct {
		name      string
		have, max int
	}{
		{"stop_tokens", len(in.GetStopTokens()), maxStopTokens},
		{"grammar.ends", len(in.GetGrammar().GetEnds()), maxStopTokens},
		{"grammar.turn.calls.functions", len(calls.GetFunctions()), completion.MaxTools},
		{"grammar.turn", marks, maxMarks},
	} {
		if list.have > list.max {
			return fault(list.name, fmt.Errorf("has a length of %d, expected at most %d", list.have, list.max))
		}
	}
	return nil
}

// whole converts a number that no int32 holds to the largest one.
func whole(n uint32) int { return int(min(n, math.MaxInt32)) }

// sampling says how a token is drawn.
func sampling(in *hachiv1.Sampling) sampler.Params {
	p := sampler.Params{
		Temperature: in.GetTemperature(), TopP: in.GetTopP(), TopK: whole(in.GetTopK()), MinP: in.GetMinP(), TypicalP: in.GetTypicalP(), Seed: in.GetSeed(),
		RepetitionPenalty: in.GetRepetitionPenalty(), FrequencyPenalty: in.GetFrequencyPenalty(), PresencePenalty: in.GetPresencePenalty(),
		MinTokens: whole(in.GetMinTokens()),
	}
	for token, bias := range in.GetLogitBias() {
		if p.LogitBias == nil {
			p.LogitBias = make(map[int32]float64, len(in.GetLogitBias()))
		}
		p.LogitBias[int32(whole(token))] = bias
	}
	return p
}

// language is what an answer must be; nil is any text. Special tokens stand for their texts
// as the chat template has it, or not at all: each other choice would be a vocabulary more
// to compile for, and a caller could ask for any number of them.
func (s *Server) language(in *hachiv1.Grammar) (*completion.Language, error) {
	if in == nil {
		return nil, nil
	}
	l := &completion.Language{Fresh: in.GetFresh(), Shown: tokens(in.GetShown()), Ends: tokens(in.GetEnds()), Going: in.GetGoing(), Said: in.GetSaid()}
	if len(l.Shown) > 0 && !(s.service.Template != nil && slices.Equal(l.Shown, s.service.Template.Answers().Shown())) {
		return nil, &unknownError{"the special tokens in grammar.shown"}
	}
	for _, t := range l.Ends {
		if vocab := s.service.Completer.Tokenizer.Vocab(); int(t) >= vocab {
			return nil, fault("grammar.ends", fmt.Errorf("has %d, expected tokens, 0 to %d", t, vocab-1))
		}
	}
	var err error
	switch kind := in.GetLanguage().(type) {
	case *hachiv1.Grammar_Text:
		if l.Text, err = textLanguage(kind.Text); err == nil && l.Text.Any() {
			err = fault("grammar.text", errors.New("is any text, expected no grammar instead"))
		}
	case *hachiv1.Grammar_Turn:
		l.Turn, err = turnLanguage(kind.Turn)
	default:
		err = &unknownError{"the kind of the grammar"}
	}
	return l, err
}

// textLanguage is a language of texts.
func textLanguage(in *hachiv1.TextLanguage) (*grammar.Text, error) {
	off := func(field string) error {
		return fault("grammar."+field, errors.New("is false, expected true or another kind"))
	}
	switch kind := in.GetKind().(type) {
	case *hachiv1.TextLanguage_Any:
		if !kind.Any {
			return nil, off("any")
		}
		return &grammar.Text{}, nil
	case *hachiv1.TextLanguage_JsonObject:
		if !kind.JsonObject {
			return nil, off("json_object")
		}
		return &grammar.Text{Object: true}, nil
	case *hachiv1.TextLanguage_JsonSchema:
		return &grammar.Text{Schema: []byte(kind.JsonSchema)}, nil
	case *hachiv1.TextLanguage_Regex:
		return &grammar.Text{Regex: &kind.Regex}, nil
	case *hachiv1.TextLanguage_Choice:
		return &grammar.Text{Choice: append([]string{}, kind.Choice.GetTexts()...)}, nil
	}
	return nil, &unknownError{"the kind of the text of the grammar"}
}

// turnLanguage is the turn of an assistant.
func turnLanguage(in *hachiv1.TurnLanguage) (*grammar.Turn, error) {
	out := &grammar.Turn{Reasoning: grammar.Reasoning{Open: in.GetReasoningOpen(), Close: in.GetReasoningClose(), Begun: in.GetReasoningBegun()}}
	if in.GetText() != nil {
		text, err := textLanguage(in.GetText())
		if err != nil {
			return nil, err
		}
		out.Text = text
	}
	if c := in.GetCalls(); c != nil {
		out.Calls = &grammar.Calls{
			Begin: c.GetBegin(), Between: c.GetBetween(), Next: c.GetNext(), End: c.GetEnd(),
			Marker: c.GetMarker(), Anywhere: c.GetAnywhere(), Many: c.GetMany(),
		}
		for _, f := range c.GetFunctions() {
			out.Calls.Functions = append(out.Calls.Functions, grammar.Function{Name: f.GetName(), Schema: []byte(f.GetSchema())})
		}
	}
	return out, nil
}

// unknown names the first field of a message, at any depth, that this program does not
// know; "" is none.
func unknown(m protoreflect.Message) (what string) {
	if raw := m.GetUnknown(); len(raw) > 0 {
		number, _, _ := protowire.ConsumeTag(raw)
		return fmt.Sprintf("field %d of %s", number, m.Descriptor().Name())
	}
	m.Range(func(f protoreflect.FieldDescriptor, v protoreflect.Value) bool {
		switch {
		case f.Message() == nil || f.IsMap():
		case f.IsList():
			for i := 0; i < v.List().Len() && what == ""; i++ {
				what = unknown(v.List().Get(i).Message())
			}
		default:
			what = unknown(v.Message())
		}
		return what == ""
	})
	return what
}
