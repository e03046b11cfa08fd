package gguf

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The types of pieces, which have the same numbers in SentencePiece models.
const (
	normal      = 1
	unknown     = 2
	control     = 3
	userDefined = 4
	unused      = 5
	byteValue   = 6
)

// vocabulary is what the metadata says about text.
type vocabulary struct {
	pieces []piece
	// bos, eos and unknown are ids; padding is -1 if there is none.
	bos, eos, unknown, padding int
	addBOS, addEOS, addSpace   bool
	template                   string            // "" is none
	templates                  map[string]string // more templates, by name
	ends                       []int             // tokens besides eos that end an answer
}

type piece struct {
	text  string
	score float32
	kind  int
}

// tokenizerInformation are keys of the tokenizer that change no id of a text:
// tokens for tasks that hachi does not have, and what other kinds of
// tokenizers read.
var tokenizerInformation = []string{
	"tokenizer.ggml.pre", "tokenizer.ggml.merges", "tokenizer.huggingface.json", "tokenizer.chat_templates",
	"tokenizer.ggml.seperator_token_id", "tokenizer.ggml.separator_token_id", "tokenizer.ggml.cls_token_id", "tokenizer.ggml.mask_token_id",
	"tokenizer.ggml.prefix_token_id", "tokenizer.ggml.suffix_token_id", "tokenizer.ggml.middle_token_id",
	"tokenizer.ggml.fim_pre_token_id", "tokenizer.ggml.fim_suf_token_id", "tokenizer.ggml.fim_mid_token_id", "tokenizer.ggml.fim_pad_token_id",
	"tokenizer.ggml.fim_rep_token_id", "tokenizer.ggml.fim_sep_token_id",
}

// endsOfTurns are control tokens that end the turn of a model, by the names that
// readers of the format know.
var endsOfTurns = []string{"<|im_end|>", "<|eot_id|>", "<|eom_id|>", "<|end|>", "<end_of_turn>", "<|end_of_turn|>", "<|endoftext|>", "<|end_of_text|>", "<EOT>"}

const (
	templateKey      = "tokenizer.chat_template"
	namedTemplateKey = templateKey + "."
)

// readVocabulary reads and judges the keys of the tokenizer.
func readVocabulary(meta map[string]any, ignored []string) (*vocabulary, error) {
	f := newFields(meta)
	if kind := f.text("tokenizer.ggml.model"); kind != "llama" {
		return nil, fmt.Errorf("tokenizer.ggml.model is %q (%s), expected \"llama\", byte-pair encoding as SentencePiece has it: give --tokenizer DIR, a directory whose tokenizer hachi reads",
			kind, kindOfTokenizer[kind])
	}
	v := &vocabulary{
		bos: f.integer("tokenizer.ggml.bos_token_id", 1), eos: f.integer("tokenizer.ggml.eos_token_id", 2),
		unknown: f.integer("tokenizer.ggml.unknown_token_id", 0), padding: f.optional("tokenizer.ggml.padding_token_id"),
		addBOS: f.boolean("tokenizer.ggml.add_bos_token", true), addEOS: f.boolean("tokenizer.ggml.add_eos_token", false),
		addSpace: f.boolean("tokenizer.ggml.add_space_prefix", true), template: f.text(templateKey), templates: map[string]string{},
	}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if name, ok := strings.CutPrefix(key, namedTemplateKey); ok {
			v.templates[name] = f.text(key)
		}
	}
	v.readPieces(f)
	v.readEnds(f)
	for _, key := range []string{"tokenizer.ggml.remove_extra_whitespaces", "tokenizer.ggml.add_sep_token", "tokenizer.ggml.normalizer.lowercase"} {
		if f.boolean(key, false) {
			f.fault("%s: found true: hachi does not implement it", key)
		}
	}
	if !f.boolean("tokenizer.ggml.escape_whitespaces", true) {
		f.fault("tokenizer.ggml.escape_whitespaces: found false: hachi does not implement it")
	}
	if m, _ := f.get("tokenizer.ggml.precompiled_charsmap").([]any); len(m) > 0 {
		f.fault("tokenizer.ggml.precompiled_charsmap: found %d bytes: hachi does not map characters", len(m))
	}
	for _, key := range slices.Sorted(maps.Keys(meta)) {
		if strings.HasPrefix(key, tokenizerKeys) && !f.used[key] && !slices.Contains(tokenizerInformation, key) && !slices.Contains(ignored, key) {
			f.fault("%s: unknown key: it may change the tokens, and hachi does not implement it; if it is only information, give --ignore-key %[1]s", key)
		}
	}
	return v, errors.Join(f.faults...)
}

// kindOfTokenizer describes what tokenizer.ggml.model may name.
var kindOfTokenizer = map[string]string{
	"": "none", "gpt2": "byte-level byte-pair encoding", "bert": "WordPiece", "t5": "Unigram", "rwkv": "RWKV", "no_vocab": "none", "gemma4": "byte-pair encoding with other rules",
}

// readPieces reads the lists of tokens. Tokens of padding at the end, which
// converters write up to the rows of the embedding, are no part of the
// vocabulary; other unused ones are control tokens: no text becomes one.
func (v *vocabulary) readPieces(f *fields) {
	tokens, _ := f.get("tokenizer.ggml.tokens").([]any)
	scores, _ := f.get("tokenizer.ggml.scores").([]any)
	types, _ := f.get("tokenizer.ggml.token_type").([]any)
	if len(tokens) == 0 || len(scores) != len(tokens) || len(types) != len(tokens) {
		f.fault("tokenizer.ggml.tokens: found %d tokens, %d scores and %d types, expected the same number of each", len(tokens), len(scores), len(types))
		return
	}
	for i := range tokens {
		text, ok1 := tokens[i].(string)
		score, ok2 := scores[i].(float64)
		kind, ok3 := number(types[i]).(float64)
		if !ok1 || !ok2 || math.IsNaN(score) || !ok3 || kind < normal || kind > byteValue {
			f.fault("tokenizer.ggml.tokens: token %d: text %s, score %s, type %s", i, excerpt(tokens[i]), excerpt(scores[i]), excerpt(types[i]))
			return
		}
		v.pieces = append(v.pieces, piece{text, float32(score), int(kind)})
	}
	for n := len(v.pieces); n > 0 && v.pieces[n-1].kind == unused; n-- {
		v.pieces = v.pieces[:n-1]
	}
	for i := range v.pieces {
		if v.pieces[i].kind == unused {
			v.pieces[i].kind = control
		}
	}
	for name, id := range map[string]int{"bos": v.bos, "eos": v.eos, "unknown": v.unknown, "padding": max(0, v.padding)} {
		if id < 0 || id >= len(v.pieces) {
			f.fault("tokenizer.ggml.%s_token_id: found %d, expected a token of the %d", name, id, len(v.pieces))
		}
	}
}

// readEnds finds the tokens besides eos that end an answer: those that keys name,
// and control tokens whose text is known for it.
func (v *vocabulary) readEnds(f *fields) {
	for _, name := range []string{"eot", "eom"} {
		key := "tokenizer.ggml." + name + "_token_id"
		id := f.optional(key)
		if id >= len(v.pieces) {
			f.fault("%s: found %d, expected a token of the %d", key, id, len(v.pieces))
		} else if id >= 0 {
			v.ends = append(v.ends, id)
		}
	}
	for id, p := range v.pieces {
		if p.kind == control && slices.Contains(endsOfTurns, p.text) {
			v.ends = append(v.ends, id)
		}
	}
	slices.Sort(v.ends)
	v.ends = slices.DeleteFunc(slices.Compact(v.ends), func(id int) bool { return id == v.eos })
}

// optional reads the id of a token; -1 is none.
func (f *fields) optional(key string) int {
	if f.get(key) == nil {
		return -1
	}
	return f.integer(key, 0)
}
