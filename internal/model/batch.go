package model

import (
	"fmt"

	"github.com/hachi-serve/hachi/moe"
)

// Batch is the work of one step: rows of several sequences, decode rows and
// prefill chunks alike.
//
// The rows of Spans[0] come first, then those of Spans[1], and so on; the sum
// of N over the spans is len(Tokens).
type Batch struct {
	Tokens []int32 // [rows] token ids
	Spans  []Span
	// Outputs lists, ascending, the rows whose logits are wanted.
	Outputs []int32
}

// Check finds what is wrong with a batch for a vocabulary.
func (b *Batch) Check(vocab int) error {
	rows := 0
	for _, s := range b.Spans {
		if need := s.Start + s.N; len(s.Blocks)*BlockSize < need {
			return fmt.Errorf("block table of %d blocks does not reach position %d", len(s.Blocks), need)
		}
		rows += s.N
	}
	if rows != len(b.Tokens) {
		return fmt.Errorf("spans of %d rows for %d tokens", rows, len(b.Tokens))
	}
	for _, token := range b.Tokens {
		if token < 0 || int(token) >= vocab {
			return fmt.Errorf("token %d is outside the vocabulary of %d", token, vocab)
		}
	}
	return nil
}

// Span is a run of consecutive positions of one sequence.
type Span struct {
	Start int // absolute position of the first row
	N     int // rows
	// Blocks is the sequence's block table: position p lives in block
	// Blocks[p/BlockSize] at offset p%BlockSize. It covers Start+N positions.
	Blocks []int32
	// Nodes, where it is not nil, receives each node that computes an expert for a
	// row of the span, once.
	Nodes *[]moe.NodeID
}

// BlockSize is the number of positions in one KV block.
const BlockSize = 16
