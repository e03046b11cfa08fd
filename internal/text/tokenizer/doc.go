// Package tokenizer turns text into vocabulary ids and back, bit for bit as
// the checkpoint's own tokenizer does.
//
// What it is: byte-pair encoding with byte fallback, the form of Mistral and
// Llama 2 vocabularies. A checkpoint has one or both of two files:
//
//	tokenizer.json    read if present: transformers and vLLM read it, and it has
//	                  the tokens that fine-tuning added
//	tokenizer.model   the SentencePiece original, read if there is no other, with
//	                  tokenizer_config.json (or the older special_tokens_map.json
//	                  and added_tokens.json) for legacy, add_prefix_space, added
//	                  tokens and the names of BOS and EOS
//
// A file of another form (another algorithm, normalizer, pre-tokenizer or
// decoder, tokens that strip the space around them) is refused, and the error
// names the field. Keys that do not change ids are ignored.
//
// What it owns: the vocabulary, the merges, and the state of a Decoder.
//
// Invariants:
//   - Special tokens come from ids and from templates, never from text. "</s>"
//     in a prompt is four characters. Tokens that were added without being
//     special are part of the vocabulary and are found whole in any text, as
//     both libraries do; Reserve makes those special that a template contains.
//     A template's special tokens are found as they are spelled, also those
//     whose entry says normalized.
//   - Encode never fails: what has no piece becomes bytes, and a byte that is
//     not UTF-8 counts as U+FFFD. Its time is n log n for every text.
//   - Cut leaves special tokens out for which a model has no row. No text changes.
//   - A space is put in front of runs of text between special tokens as the file
//     says: of every run, of the first, or of none.
//   - A Decoder emits whole characters. Its output, concatenated, is that of
//     Decode, however the ids are split.
//
// SentencePiece merges the pair that makes the piece of the highest score; Hugging
// Face the pair that comes first in a list of merges. Each file is read in its own
// way. For the Mistral v1 vocabulary both give equal ids in all goldens.
//
// Decoding is that of Hugging Face with skip_special_tokens: special, unknown
// and foreign ids are left out, one space is taken from the start of an answer
// whether a piece or a byte wrote it, and no space is cleaned up afterwards.
// The two libraries differ where byte tokens are not valid UTF-8. Hugging Face
// turns a whole run of bytes into U+FFFD if any of it is invalid, which a stream
// cannot know in time. Here, as in SentencePiece, every byte that is part of no
// character becomes one U+FFFD, and the characters stay.
//
// Concurrency: a Tokenizer is immutable; a Decoder belongs to one goroutine.
//
// References: Kudo and Richardson, SentencePiece, arXiv 1808.06226 (section
// 3.2 on merging with a heap); sentencepiece_model.proto; Hugging Face
// tokenizers and LlamaConverter of transformers. testdata/goldens.py makes the
// goldens from both.
package tokenizer
