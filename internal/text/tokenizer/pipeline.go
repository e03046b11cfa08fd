package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
)

// step is a normalizer, a pre-tokenizer or a decoder of a tokenizer.json.
type step struct {
	Type        string  `json:"type"`
	Normalizers []step  `json:"normalizers"`
	Decoders    []step  `json:"decoders"`
	Prepend     string  `json:"prepend"`
	Pattern     pattern `json:"pattern"`
	Content     string  `json:"content"`
	Start       int     `json:"start"`
	Stop        int     `json:"stop"`
	Replacement string  `json:"replacement"`
	Scheme      string  `json:"prepend_scheme"`
	Split       *bool   `json:"split"`
	StrRep      string  `json:"str_rep"`
	AddPrefix   *bool   `json:"add_prefix_space"`
}

type pattern struct {
	String string `json:"String"`
}

// flat is a step as a list: a Sequence is its parts, null is nothing.
func flat(b json.RawMessage) ([]step, error) {
	var s *step
	if len(b) == 0 {
		return nil, nil
	}
	if err := decode(b, &s); err != nil || s == nil {
		return nil, err
	}
	if s.Type == "Sequence" {
		return append(s.Normalizers, s.Decoders...), nil
	}
	return []step{*s}, nil
}

func (s step) replaces(from, to string) bool {
	return s.Type == "Replace" && s.Pattern.String == from && s.Content == to
}

// readPrefix takes the two forms that conversion from SentencePiece has had:
// a normalizer [Prepend "▁",] Replace " " by "▁", or the pre-tokenizer
// Metaspace without splitting.
func readPrefix(normalizer, preTokenizer json.RawMessage) (prefix, error) {
	before, err := flat(normalizer)
	if err != nil {
		return prefix{}, fmt.Errorf("normalizer: %w", err)
	}
	after, err := flat(preTokenizer)
	if err != nil {
		return prefix{}, fmt.Errorf("pre_tokenizer: %w", err)
	}
	p := prefix{scheme: never, normalizer: true}
	switch {
	case len(before) == 0:
		return readMetaspace(after)
	case len(after) > 0:
		return p, fmt.Errorf("pre_tokenizer is %s beside a normalizer, expected null", after[0].Type)
	case before[0].Type == "Prepend" && before[0].Prepend == meta:
		p.scheme, before = always, before[1:]
	}
	if len(before) != 1 || !before[0].replaces(" ", meta) {
		return p, fmt.Errorf("normalizer has %s, expected [Prepend ▁,] Replace ' ' by ▁", names(before))
	}
	return p, nil
}

func readMetaspace(steps []step) (prefix, error) {
	if len(steps) != 1 || steps[0].Type != "Metaspace" {
		return prefix{}, fmt.Errorf("pre_tokenizer has %s and the normalizer is null, expected Metaspace", names(steps))
	}
	s := steps[0]
	if s.Replacement != meta {
		return prefix{}, fmt.Errorf("pre_tokenizer.replacement is %q, expected ▁", s.Replacement)
	}
	if s.Split == nil || *s.Split {
		return prefix{}, errors.New("pre_tokenizer.split is not false: texts that are split at spaces are not read")
	}
	scheme, ok := map[string]scheme{"never": never, "first": first, "always": always}[s.Scheme]
	if !ok {
		return prefix{}, fmt.Errorf("pre_tokenizer.prepend_scheme is %q, expected never, first or always", s.Scheme)
	}
	return prefix{scheme: scheme}, nil
}

// readDecoder takes Replace "▁" by " ", ByteFallback, Fuse [, Strip one space
// at the start], and reports whether it strips.
func readDecoder(b json.RawMessage) (strips bool, err error) {
	steps, err := flat(b)
	if err != nil {
		return false, err
	}
	if n := len(steps); n == 4 {
		last := steps[3]
		strips = last.Type == "Strip" && last.Content == " " && last.Start == 1 && last.Stop == 0
		if strips {
			steps = steps[:3]
		}
	}
	if len(steps) != 3 || !steps[0].replaces(meta, " ") || steps[1].Type != "ByteFallback" || steps[2].Type != "Fuse" {
		return false, fmt.Errorf("has %s, expected Replace ▁ by ' ', ByteFallback, Fuse [, Strip ' ' 1 0]", names(steps))
	}
	return strips, nil
}

func names(steps []step) string {
	out := "["
	for i, s := range steps {
		if i > 0 {
			out += " "
		}
		out += s.Type
	}
	return out + "]"
}
