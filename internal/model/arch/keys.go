package arch

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/model"
)

// harmlessKeys change nothing about the forward pass: training, bookkeeping,
// and generation defaults that a request states for itself.
const harmlessKeys = ` _attn_implementation _attn_implementation_autoset _attn_implementation_internal
 _commit_hash _name_or_path add_cross_attention attention_dropout attn_implementation bad_words_ids
 begin_suppress_tokens chunk_size_feed_forward cross_attention_hidden_size decoder_start_token_id
 diversity_penalty do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty
 finetuning_task forced_bos_token_id forced_eos_token_id id2label initializer_range is_decoder
 is_encoder_decoder keys_to_ignore_at_inference label2id length_penalty max_length min_length name_or_path
 no_repeat_ngram_size num_beam_groups num_beams num_return_sequences output_attentions
 output_hidden_states output_router_logits output_scores pad_token_id prefix problem_type pruned_heads
 remove_invalid_values repetition_penalty return_dict return_dict_in_generate router_aux_loss_coef
 router_jitter_noise sep_token_id suppress_tokens task_specific_params temperature tf_legacy_loss
 tie_encoder_decoder tokenizer_class top_k top_p torchscript transformers_version typical_p
 unsloth_version use_bfloat16 use_cache `

func harmless(key string) bool {
	return slices.Contains(strings.Fields(harmlessKeys), key)
}

// Int reads a whole number into a field.
func Int(field func(*model.Config) *int) Key {
	return func(c *model.Config, raw json.RawMessage) error { return value(raw, field(c), "an integer") }
}

// Float reads a number into a field.
func Float(field func(*model.Config) *float64) Key {
	return func(c *model.Config, raw json.RawMessage) error { return value(raw, field(c), "a number") }
}

// Bool reads true or false into a field.
func Bool(field func(*model.Config) *bool) Key {
	return func(c *model.Config, raw json.RawMessage) error { return value(raw, field(c), "true or false") }
}

// Read decodes the value of a key for Arch.Finish. An absent key leaves dst as
// it is.
func Read(raw map[string]json.RawMessage, key string, dst any, expected string) error {
	if raw[key] == nil {
		return nil
	}
	if err := value(raw[key], dst, expected); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	return nil
}

// InFinish leaves the value of a key to Arch.Finish.
func InFinish(*model.Config, json.RawMessage) error { return nil }

// MustBe accepts only values for which hachi's arithmetic is right.
func MustBe(check func(json.RawMessage) error) Key {
	return func(_ *model.Config, raw json.RawMessage) error { return check(raw) }
}

// value decodes raw into dst. null is refused: encoding/json would leave dst
// as it was.
func value(raw json.RawMessage, dst any, expected string) error {
	if string(raw) == "null" || json.Unmarshal(raw, dst) != nil {
		return fmt.Errorf("found %s, expected %s", excerpt(raw), expected)
	}
	return nil
}

func expectText(raw json.RawMessage, want string) error {
	var s string
	if value(raw, &s, "") != nil || s != want {
		return fmt.Errorf("found %s, expected %q", excerpt(raw), want)
	}
	return nil
}

func expectFalse(raw json.RawMessage) error {
	var b bool
	if value(raw, &b, "") != nil || b {
		return fmt.Errorf("found %s, expected false", excerpt(raw))
	}
	return nil
}

func expectOne(raw json.RawMessage) error {
	var f float64
	if value(raw, &f, "") != nil || f != 1 {
		return fmt.Errorf("found %s, expected 1", excerpt(raw))
	}
	return nil
}

// excerpt keeps an error message readable when the value is a page long.
func excerpt(raw json.RawMessage) string {
	if len(raw) > 80 {
		return string(raw[:80]) + "..."
	}
	return string(raw)
}
