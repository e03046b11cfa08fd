package gguf

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/model/arch"
)

// WriteConfig writes config.json and generation_config.json into dir and returns
// their paths. The second has no ends of turns: they belong to a vocabulary.
func (f *File) WriteConfig(dir string) ([]string, error) {
	return f.write(dir, map[string]any{"config.json": arch.JSON(f.cfg), "generation_config.json": f.generation(nil)})
}

// WriteSideFiles writes everything but the weights into dir and returns the
// paths: what WriteConfig writes, and from the vocabulary inside the file
// tokenizer.model and tokenizer_config.json with the chat templates.
func (f *File) WriteSideFiles(dir string) ([]string, error) {
	v, err := readVocabulary(f.header.meta, f.o.IgnoredKeys)
	if err != nil {
		return nil, fmt.Errorf("%s: vocabulary: %w", f.path, err)
	}
	paths, err := f.write(dir, map[string]any{
		"config.json": arch.JSON(f.cfg), "generation_config.json": f.generation(v.ends), "tokenizer_config.json": v.config(f.cfg.MaxContext),
	})
	model := filepath.Join(dir, "tokenizer.model")
	return append(paths, model), errors.Join(err, os.WriteFile(model, v.sentencePieces(), 0o644))
}

func (f *File) write(dir string, files map[string]any) (paths []string, err error) {
	for _, name := range slices.Sorted(maps.Keys(files)) {
		var data bytes.Buffer
		e := json.NewEncoder(&data)
		e.SetEscapeHTML(false) // tokens are full of < and >
		e.SetIndent("", "  ")
		if err := e.Encode(files[name]); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, data.Bytes(), 0o644); err != nil {
			return nil, err
		}
		paths = append(paths, path)
	}
	return paths, nil
}

// sampling are the keys of sampling defaults, and their names in
// generation_config.json.
var sampling = map[string]string{
	"general.sampling.temp": "temperature", "general.sampling.top_k": "top_k", "general.sampling.top_p": "top_p",
	"general.sampling.min_p": "min_p", "general.sampling.penalty_repeat": "repetition_penalty",
}

// generation is generation_config.json: which tokens end an answer, and the
// sampling defaults of the file.
func (f *File) generation(ends []int) map[string]any {
	eos := slices.Concat(f.cfg.EOS, ends)
	out := map[string]any{"bos_token_id": f.cfg.BOS, "eos_token_id": eos}
	if len(eos) == 1 {
		out["eos_token_id"] = eos[0]
	}
	for key, name := range sampling {
		switch v := f.header.meta[key].(type) {
		case float64:
			out[name], out["do_sample"] = float32(v), true // the file has f32: 0.7 and not 0.699999988
		case int64, uint64:
			out[name], out["do_sample"] = v, true
		}
	}
	return out
}

// config is tokenizer_config.json. Added tokens are found in the text as it is
// written, and every run of text between them gets a space in front, as the
// readers of the format have it.
func (v *vocabulary) config(context int) map[string]any {
	added := map[string]any{}
	for id, p := range v.pieces {
		// A user-defined piece with marks for spaces is found in normalized text.
		if p.kind == control || p.kind == unknown || p.kind == userDefined && !strings.Contains(p.text, "▁") {
			added[strconv.Itoa(id)] = map[string]any{
				"content": p.text, "special": p.kind != userDefined, "normalized": false, "lstrip": false, "rstrip": false, "single_word": false,
			}
		}
	}
	out := map[string]any{
		"tokenizer_class": "LlamaTokenizer", "legacy": true, "clean_up_tokenization_spaces": false, "model_max_length": context,
		"add_bos_token": v.addBOS, "add_eos_token": v.addEOS, "added_tokens_decoder": added,
		"bos_token": v.pieces[v.bos].text, "eos_token": v.pieces[v.eos].text, "unk_token": v.pieces[v.unknown].text,
	}
	if !v.addSpace {
		out["add_prefix_space"] = false
	}
	if v.padding >= 0 {
		out["pad_token"] = v.pieces[v.padding].text
	}
	if t := v.chatTemplate(); t != nil {
		out["chat_template"] = t
	}
	return out
}

// chatTemplate is one template, or a list of named ones; nil if there is none.
func (v *vocabulary) chatTemplate() any {
	if len(v.templates) == 0 {
		if v.template == "" {
			return nil
		}
		return v.template
	}
	var list []map[string]string
	if _, named := v.templates["default"]; v.template != "" && !named {
		list = append(list, map[string]string{"name": "default", "template": v.template})
	}
	for _, name := range slices.Sorted(maps.Keys(v.templates)) {
		list = append(list, map[string]string{"name": name, "template": v.templates[name]})
	}
	return list
}
