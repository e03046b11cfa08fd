// Package tokenizer turns text into vocabulary ids and back.
package tokenizer
