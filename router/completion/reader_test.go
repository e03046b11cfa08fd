package completion

import (
	"strings"
	"testing"
)

// TestStopTextsAcrossTokens feeds pieces of text and checks what is released.
func TestStopTextsAcrossTokens(t *testing.T) {
	tests := []struct {
		name    string
		stops   []string
		pieces  []string
		want    string
		stopped bool
	}{
		{"none", nil, []string{"ab", "cd"}, "abcd", false},
		{"within a piece", []string{"b"}, []string{"abc"}, "a", true},
		{"across pieces", []string{"bcd"}, []string{"ab", "c", "de"}, "a", true},
		{"a false start is released", []string{"bcd"}, []string{"ab", "c", "xe"}, "abcxe", false},
		{"overlapping start", []string{"aab"}, []string{"a", "a", "a", "b"}, "a", true},
		{"the first of several", []string{"z", "c"}, []string{"abcz"}, "ab", true},
		{"held text comes at the end", []string{"xyz"}, []string{"abx"}, "abx", false},
		{"whole characters", []string{"日本"}, []string{"東京", "日", "本語"}, "東京", true},
	}
	for _, tt := range tests {
		r := &Reader{stops: tt.stops}
		var got strings.Builder
		stopped := false
		for i, p := range tt.pieces {
			r.held += p
			var text string
			text, stopped = r.release(i == len(tt.pieces)-1)
			got.WriteString(text)
			if stopped {
				break
			}
		}
		if got.String() != tt.want || stopped != tt.stopped {
			t.Errorf("%s: %q, stopped %v, want %q, %v", tt.name, got.String(), stopped, tt.want, tt.stopped)
		}
	}
}
