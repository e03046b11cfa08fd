// Package tokenizer turns text into vocabulary ids and back, bit for bit as
// the checkpoint's own tokenizer does.
//
// What it is: byte-pair encoding with byte fallback, the form of Mistral and
// Llama 2 vocabularies, read from either file a checkpoint carries.
// tokenizer.json wins where both are there: it is what transformers and vLLM
// read, and it holds the tokens that fine-tuning added. tokenizer.model, the
// SentencePiece original, serves where it is alone, with tokenizer_config.json
// (or the older special_tokens_map.json and added_tokens.json) for what it does
// not know: legacy, add_prefix_space, added tokens, the names of BOS and EOS.
// A file of another form (another algorithm, normalizer, pre-tokenizer or
// decoder, tokens that eat the space around them) is refused by the name of
// its field. Keys that do not change ids are not looked at.
//
// What it owns: the vocabulary, the merges, and the state of a Decoder.
//
// Invariants:
//   - Special tokens come from ids and from templates, never from text. "</s>"
//     in a prompt is four characters. Tokens that were added without being
//     special are part of the vocabulary and are found whole in any text, as
//     both libraries do; Reserve takes those away that a template is made of.
//     A template's special tokens are found as they are spelled, also those
//     whose entry says normalized.
//   - Encode never fails: what has no piece becomes bytes, and a byte that is
//     not UTF-8 counts as U+FFFD. Its time is n log n for every text.
//   - Each run of text between special tokens gets the space in front that its
//     file says: every run, the first, or none.
//   - A Decoder emits whole characters, and what it emits is what Decode gives,
//     wherever the ids are split.
//
// SentencePiece merges what makes the piece of the best score, Hugging Face
// what stands first in a list of merges. Each file is read in its own way; for
// the Mistral v1 vocabulary and its conversion both give equal ids, in all
// goldens.
//
// Decoding is that of Hugging Face with skip_special_tokens: special, unknown
// and foreign ids are left out, one space is taken from the start of an answer
// whether a piece or a byte wrote it, and no space is cleaned up afterwards.
// The two libraries differ where byte tokens are no text. Hugging Face turns a
// whole run of bytes into U+FFFD when any of it is broken, which a stream
// cannot know in time; here, as in SentencePiece, every byte that is part of no
// character becomes one U+FFFD and the characters stay.
//
// Concurrency: a Tokenizer is immutable; a Decoder belongs to one goroutine.
//
// References: Kudo and Richardson, SentencePiece, arXiv 1808.06226 (section
// 3.2 on merging with a heap); sentencepiece_model.proto; Hugging Face
// tokenizers and LlamaConverter of transformers. testdata/goldens.py makes the
// goldens from both.
package tokenizer
