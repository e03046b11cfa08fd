package gguf

import (
	"strings"
	"testing"
)

// TestTensorsThatTheModelDoesNotHaveAreNamed adds one tensor at a time: biases,
// shared experts, rotary factors, norms of other architectures, towers of images.
func TestTensorsThatTheModelDoesNotHaveAreNamed(t *testing.T) {
	if _, err := openEdited(t, func(*header) {}); err != nil {
		t.Fatalf("the unchanged file: %v", err)
	}
	for _, name := range []string{
		"blk.0.attn_q.bias", "blk.0.attn_k.bias", "blk.1.attn_v.bias", "blk.1.attn_output.bias", "blk.0.attn_qkv.weight", "blk.0.attn_qkv.bias",
		"blk.0.attn_norm.bias", "blk.0.ffn_norm.bias", "output_norm.bias", "output.bias", "token_embd.bias", "token_embd_norm.weight",
		"blk.0.attn_q_norm.weight", "blk.0.attn_k_norm.weight", "blk.0.attn_sub_norm.weight", "blk.0.attn_sinks", "blk.0.attn_sinks.weight",
		"blk.0.post_attention_norm.weight", "blk.0.post_ffw_norm.weight", "blk.0.attn_norm_2.weight", "blk.0.attn_rot_embd.weight",
		"blk.0.ffn_gate_inp.bias", "blk.0.exp_probs_b.bias", "blk.0.exp_probs_b", "blk.0.ffn_gate_inp_shexp.weight",
		"blk.0.ffn_gate_shexp.weight", "blk.0.ffn_up_shexp.weight", "blk.0.ffn_down_shexp.weight",
		"blk.0.ffn_gate_exps.bias", "blk.0.ffn_up_exps.bias", "blk.0.ffn_down_exps.bias", "blk.0.ffn_gate_exps.scale", "blk.0.attn_q.scale",
		"blk.0.ffn_gate.weight", "blk.0.ffn_up.weight", "blk.0.ffn_down.weight", "blk.0.ffn_gate.0.weight", "blk.0.ffn_norm_exps.weight",
		"blk.0.attn_q.weight.lora_a", "blk.2.attn_norm.weight", "blk.0.nextn.eh_proj.weight", "blk.0.layer_output_scale.weight",
		"rope_freqs.weight", "rope_factors_long.weight", "rope_factors_short.weight", "position_embd.weight", "position_types.weight",
		"v.blk.0.attn_q.weight", "v.patch_embd.weight", "mm.0.weight", "mm.0.bias", "cls.weight", "cls.output.weight", "anything",
	} {
		for _, k := range []kind{kindF32, kindQ80} {
			_, err := openEdited(t, func(h *header) { h.set(name, k, 32) })
			if err == nil || !strings.Contains(err.Error(), "tensor "+name+": unexpected") {
				t.Errorf("%s: error %v, want one that names the tensor", name, err)
			}
		}
	}
}

// TestKeysThatChangeTheArithmeticAreNamed sets one key at a time.
func TestKeysThatChangeTheArithmeticAreNamed(t *testing.T) {
	for key, value := range map[string]any{
		"llama.rope.scaling.type": "yarn", "llama.rope.scaling.factor": 2.0, "llama.rope.scale_linear": 4.0, "llama.rope.scaling.attn_factor": 1.2,
		"llama.rope.scaling.finetuned": true, "llama.rope.scaling.original_context_length": uint64(64), "llama.rope.scaling.orig_ctx_len": uint64(64),
		"llama.rope.scaling.yarn_log_multiplier": 0.1, "llama.rope.scaling.yarn_ext_factor": 1.0, "llama.rope.scaling.yarn_beta_fast": 32.0,
		"llama.rope.scaling": "linear", "llama.rope.freq_scale": 0.5, "llama.rope.freq_base_swa": 1e4, "llama.rope.dimension_sections": []any{uint64(1)},
		"llama.rope.dimension_count": uint64(4), "llama.attention.value_length": uint64(4), "llama.attention.key_length_mla": uint64(4),
		"llama.rope_scaling.type": "linear", "llama.rope.factor": 2.0, "llama.rope.attn_factor": 2.0,
		"llama.logit_scale": 0.5, "llama.residual_scale": 0.5, "llama.embedding_scale": 12.0, "llama.attention.scale": 0.1,
		"llama.attention.temperature_length": uint64(8), "llama.attention.temperature_scale": 0.1,
		"llama.attn_logit_softcapping": 50.0, "llama.final_logit_softcapping": 30.0, "llama.router_logit_softcapping": 30.0,
		"llama.attention.clamp_kqv": 8.0, "llama.attention.max_alibi_bias": 8.0, "llama.attention.causal": false,
		"llama.attention.sliding_window_pattern": uint64(2), "llama.attention.sliding_window": "all", "llama.attention.layer_norm_epsilon": 1e-5,
		"llama.attention.group_norm_epsilon": 1e-5, "llama.attention.shared_kv_layers": uint64(1), "llama.attention.q_lora_rank": uint64(4),
		"llama.expert_gating_func": uint64(2), "llama.expert_weights_scale": 2.5, "llama.expert_weights_norm": false, "llama.expert_shared_count": uint64(1),
		"llama.expert_shared_feed_forward_length": uint64(64), "llama.expert_feed_forward_length": uint64(32), "llama.expert_group_count": uint64(4),
		"llama.expert_group_used_count": uint64(2), "llama.leading_dense_block_count": uint64(1), "llama.interleave_moe_layer_step": uint64(2),
		"llama.moe_every_n_layers": uint64(2), "llama.expert_group_scale": 2.0, "llama.experts_per_group": uint64(2), "llama.nextn_predict_layers": uint64(1),
		"llama.use_parallel_residual": true, "llama.tensor_data_layout": "other", "llama.vocab_size": uint64(32), "llama.pooling_type": uint64(1),
		"llama.swin_norm": true, "llama.activation_sparsity_scale": []any{1.0}, "llama.hidden_activation": "gelu", "llama.decoder_start_token_id": uint64(1),
		"llama.vision.image_size": uint64(224), "clip.has_vision_encoder": true, "clip.vision.block_count": uint64(2), "adapter.type": "lora",
		"qwen3moe.rope.freq_base": 1e4, "mixtral.rope.scaling.factor": 2.0, "rope.scaling.factor": 2.0, "logit_scale": 2.0,
		"general.type": "mmproj", "general.quantization_version": uint64(1), "split.count": uint64(2), "anything": true,
	} {
		_, err := openEdited(t, func(h *header) { h.meta[key] = value })
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("%s = %v: error %v, want one that names the key", key, value, err)
		}
	}
}

func TestKeysThatChangeNothingAreAccepted(t *testing.T) {
	f, err := openEdited(t, func(h *header) {
		for key, value := range map[string]any{
			"llama.rope.scaling.type": "none", "llama.rope.scaling.factor": 1.0, "llama.rope.scale_linear": 1.0, "llama.rope.scaling.finetuned": false,
			"llama.rope.scaling.attn_factor": 1.0, "llama.rope.scaling.original_context_length": uint64(128), "llama.rope.dimension_count": uint64(8),
			"llama.attention.key_length": uint64(8), "llama.attention.value_length": uint64(8), "llama.attention.causal": true,
			"llama.expert_gating_func": uint64(1), "llama.expert_weights_scale": 1.0, "llama.expert_weights_norm": true, "llama.expert_shared_count": uint64(0),
			"llama.expert_feed_forward_length": uint64(64), "llama.leading_dense_block_count": uint64(0), "llama.logit_scale": 1.0,
			"llama.final_logit_softcapping": 0.0, "llama.tensor_data_layout": "Meta AI original pth", "llama.vocab_size": uint64(360),
			"general.type": "model", "general.quantization_version": uint64(2), "general.name": "x", "general.file_type": uint64(15),
			"general.base_model.0.repo_url": "x", "general.languages": []any{"ja", "en"}, "general.alignment": uint64(32), "general.license": "apache-2.0",
			"quantize.imatrix.file": "x", "quantize.imatrix.chunks_count": int64(3), "split.no": uint64(0), "split.count": uint64(1), "split.tensors.count": int64(len(h.tensors)),
			"mradermacher.quantize_version": "2", "llama.attention.sliding_window": uint64(64),
		} {
			h.meta[key] = value
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if w := f.Config().SlidingWindow; w != 64 {
		t.Errorf("the sliding window is %d, want 64", w)
	}
}

// TestIgnoredKeys shows the way out for keys of programs that hachi does not
// know. It does not lead past a key that is known to change the arithmetic.
func TestIgnoredKeys(t *testing.T) {
	set := func(key string, value any) func(*header) { return func(h *header) { h.meta[key] = value } }
	if _, err := openEdited(t, set("studio.made_on", "Monday")); err == nil || !strings.Contains(err.Error(), "--ignore-key studio.made_on") {
		t.Errorf("error %v, want one with the way out", err)
	}
	if _, err := openEdited(t, set("studio.made_on", "Monday"), "studio.made_on"); err != nil {
		t.Error(err)
	}
	if _, err := openEdited(t, set("llama.logit_scale", 2.0), "llama.logit_scale"); err == nil || !strings.Contains(err.Error(), "llama.logit_scale") {
		t.Errorf("error %v, want one that names the key", err)
	}
}

func TestAllFaultsAreReportedAtOnce(t *testing.T) {
	_, err := openEdited(t, func(h *header) {
		h.meta["llama.logit_scale"], h.meta["llama.rope.scaling.factor"], h.meta["llama.expert_gating_func"] = 2.0, 2.0, uint64(2)
	})
	for _, key := range []string{"llama.logit_scale: found 2, expected 1", "llama.rope.scaling.factor: found 2, expected 0 or 1", "llama.expert_gating_func: found 2, expected 1"} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v, want %q", err, key)
		}
	}
}
