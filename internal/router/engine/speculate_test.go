package engine

import (
	"slices"
	"testing"
)

func TestLookupFindsTheLongestThenTheLatest(t *testing.T) {
	tests := []struct {
		name   string
		tokens []int32
		want   int
	}{
		{"nothing", nil, 0},
		{"one token", []int32{1}, 1},
		{"one equal token is too few", []int32{1, 2, 1}, 3},
		{"two", []int32{1, 2, 3, 1, 2}, 2},
		{"the latest of equals", []int32{1, 2, 3, 1, 2, 4, 1, 2}, 5},
		{"the longest", []int32{7, 1, 2, 3, 1, 2, 4, 7, 1, 2}, 3},
		{"four are enough", []int32{9, 1, 2, 3, 4, 5, 8, 1, 2, 3, 4, 6, 9, 1, 2, 3, 4}, 11},
		{"a run repeats itself", []int32{5, 5, 5}, 2},
	}
	for _, tt := range tests {
		if got := lookup(tt.tokens); got != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestGuessesGrowWithSuccessAndRestAfterFailure(t *testing.T) {
	tokens := slices.Repeat([]int32{1, 2, 3, 4, 5, 6, 7, 8}, 3)
	s := speculation{max: 8}
	if got := s.propose(tokens, 100); !slices.Equal(got, tokens[:8]) {
		t.Errorf("guessed %v", got)
	}
	if got := s.propose(tokens, 3); len(got) != 3 {
		t.Errorf("guessed %v with room for 3", got)
	}
	if got := s.propose(tokens, 0); got != nil {
		t.Errorf("guessed %v with no room", got)
	}
	s.learn(8, 0)
	steps := func() int {
		for n := 1; ; n++ {
			if got := s.propose(tokens, 100); got != nil {
				if len(got) != 1 {
					t.Errorf("guessed %v after a failure", got)
				}
				return n
			}
		}
	}
	for i, want := range []int{2, 4, 8, 16, 32, 32} {
		if got := steps(); got != want {
			t.Errorf("after %d failures the next guess comes after %d steps, want %d", i+1, got, want)
		}
		s.learn(1, 0)
	}
	steps()
	s.learn(1, 1)
	if got := s.propose(tokens, 100); len(got) != 2 {
		t.Errorf("guessed %v after a success", got)
	}
	if got := (&speculation{}).propose(tokens, 100); got != nil {
		t.Errorf("guessed %v though it is off", got)
	}
}
