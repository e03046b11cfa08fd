package tokenizer

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

// parseJSON reads a tokenizer.json that was made from a SentencePiece BPE
// model: its normalizer or its pre-tokenizer turns spaces into marks, and
// nothing else happens to the text.
func parseJSON(b []byte) (definition, error) {
	var d definition
	if !utf8.Valid(b) {
		return d, errors.New("not UTF-8")
	}
	members, err := strictjson.Object(b)
	if err != nil {
		return d, err
	}
	var normalizer, preTokenizer json.RawMessage
	model := json.RawMessage("null")
	for _, m := range members {
		switch m.Key {
		case "added_tokens":
			d.added, err = readAddedTokens(m.Value)
		case "normalizer":
			normalizer = m.Value
		case "pre_tokenizer":
			preTokenizer = m.Value
		case "decoder":
			d.stripSpace, err = readDecoder(m.Value)
		case "model":
			model = m.Value
		case "version", "truncation", "padding", "post_processor":
			// Batches and templates for pairs do not change the ids of a text.
		default:
			err = errors.New("not known")
		}
		if err != nil {
			return d, fmt.Errorf("%s: %w", m.Key, err)
		}
	}
	if d.prefix, err = readPrefix(normalizer, preTokenizer); err != nil {
		return d, err
	}
	if err := d.readBPE(model); err != nil {
		return d, fmt.Errorf("model: %w", err)
	}
	return d, nil
}

// decode is json.Unmarshal that refuses fields v does not have.
func decode(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	return d.Decode(v)
}

// addedJSON is one entry of added_tokens or of added_tokens_decoder.
type addedJSON struct {
	ID         *int32 `json:"id"`
	Content    string `json:"content"`
	SingleWord bool   `json:"single_word"`
	LStrip     bool   `json:"lstrip"`
	RStrip     bool   `json:"rstrip"`
	Normalized bool   `json:"normalized"`
	Special    bool   `json:"special"`
	Type       string `json:"__type"`
}

func (a addedJSON) token(id int32, from string) (addedToken, error) {
	var fault string
	switch {
	case a.LStrip:
		fault = "lstrip"
	case a.RStrip:
		fault = "rstrip"
	case a.SingleWord:
		fault = "single_word"
	}
	if fault != "" {
		return addedToken{}, fmt.Errorf("%q: %s is true, expected false: tokens that change the text around them are not read", a.Content, fault)
	}
	return addedToken{id: id, content: a.Content, special: a.Special, normalized: a.Normalized, from: from}, nil
}

func readAddedTokens(b []byte) ([]addedToken, error) {
	var list []addedJSON
	if err := decode(b, &list); err != nil {
		return nil, err
	}
	var out []addedToken
	for i, a := range list {
		if a.ID == nil {
			return nil, fmt.Errorf("entry %d has no id", i)
		}
		t, err := a.token(*a.ID, jsonFile)
		if err != nil {
			return nil, err
		}
		out = append(out, t)
	}
	return out, nil
}

// modelJSON is the model of a tokenizer.json.
type modelJSON struct {
	Type         string          `json:"type"`
	Dropout      float64         `json:"dropout"`
	Unknown      *string         `json:"unk_token"`
	Prefix       string          `json:"continuing_subword_prefix"`
	Suffix       string          `json:"end_of_word_suffix"`
	FuseUnknown  bool            `json:"fuse_unk"`
	ByteFallback bool            `json:"byte_fallback"`
	IgnoreMerges bool            `json:"ignore_merges"`
	Vocab        json.RawMessage `json:"vocab"`
	Merges       json.RawMessage `json:"merges"`
}

func (d *definition) readBPE(b []byte) error {
	var m modelJSON
	if err := decode(b, &m); err != nil {
		return err
	}
	var faults []error
	want := func(ok bool, field string, found, expected any) {
		if !ok {
			faults = append(faults, fmt.Errorf("%s is %#v, expected %v", field, found, expected))
		}
	}
	want(m.Type == "BPE", "type", m.Type, "BPE")
	want(m.ByteFallback, "byte_fallback", m.ByteFallback, true)
	want(m.Dropout == 0, "dropout", m.Dropout, "null")
	want(m.Prefix == "", "continuing_subword_prefix", m.Prefix, "null")
	want(m.Suffix == "", "end_of_word_suffix", m.Suffix, "null")
	want(!m.IgnoreMerges, "ignore_merges", m.IgnoreMerges, false)
	want(m.Unknown != nil, "unk_token", nil, "the text of a piece")
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if err := d.readVocab(m.Vocab, *m.Unknown); err != nil {
		return fmt.Errorf("vocab: %w", err)
	}
	if err := d.readMerges(m.Merges); err != nil {
		return fmt.Errorf("merges: %w", err)
	}
	return nil
}

// readVocab lists the pieces by id; ids must be 0, 1, 2, ...
func (d *definition) readVocab(b []byte, unknownText string) error {
	members, err := strictjson.Object(b)
	if err != nil {
		return err
	}
	if len(members) > maxPieces {
		return fmt.Errorf("%d pieces, expected at most %d", len(members), maxPieces)
	}
	d.pieces = make([]piece, len(members))
	for _, m := range members {
		var id int
		if err := json.Unmarshal(m.Value, &id); err != nil {
			return fmt.Errorf("id of %q: %w", m.Key, err)
		}
		if id < 0 || id >= len(members) {
			return fmt.Errorf("%q has the id %d, expected 0 to %d", m.Key, id, len(members)-1)
		}
		if d.pieces[id].kind != 0 {
			return fmt.Errorf("%q and %q have the id %d", d.pieces[id].text, m.Key, id)
		}
		d.pieces[id] = piece{m.Key, normal}
		if m.Key == unknownText {
			d.pieces[id].kind = unknown
		} else if _, ok := parseByte(m.Key); ok {
			d.pieces[id].kind = byteValue
		}
	}
	return nil
}

// readMerges takes both forms: "a b", and the newer ["a", "b"].
func (d *definition) readMerges(b []byte) error {
	d.merges = [][2]string{}
	if json.Unmarshal(b, &d.merges) == nil {
		return nil
	}
	var lines []string
	if err := json.Unmarshal(b, &lines); err != nil {
		return err
	}
	d.merges = make([][2]string, len(lines))
	for i, line := range lines {
		left, right, ok := bytes.Cut([]byte(line), []byte(" "))
		if !ok {
			return fmt.Errorf("merge %d is %q, expected two pieces with a space between", i, line)
		}
		d.merges[i] = [2]string{string(left), string(right)}
	}
	return nil
}
