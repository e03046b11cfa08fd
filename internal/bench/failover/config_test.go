package failover

import (
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/mix"
)

func TestValidateTellsEverything(t *testing.T) {
	err := Config{Fault: "rust", Streams: 0, Tokens: settled}.Validate()
	for _, want := range []string{`"rust"`, "router-kill", "0 streams of 4 tokens", "needs a duration"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v does not tell of %s", err, want)
		}
	}
	if err := (Config{Fault: Drop, StopFor: time.Second, Streams: 1, Tokens: settled + 1, Repeat: 1}).Validate(); err != nil {
		t.Error(err)
	}
	err = Config{Fault: RouterKill, Streams: 1, Tokens: mix.MinTokens - 1, Repeat: 1}.Validate()
	if err == nil || !strings.Contains(err.Error(), "at least 30") {
		t.Errorf("an answer shorter than its min_tokens: %v", err)
	}
}

// TestPromptsAreOfTheVocabulary, whatever its size.
func TestPromptsAreOfTheVocabulary(t *testing.T) {
	for _, vocab := range []int{2, 300, 301, 8000, 32000} {
		for i := range 64 {
			for _, id := range (streams{vocab: vocab}).request(i).GetTokens().GetIds() {
				if int(id) >= vocab {
					t.Fatalf("stream %d has token %d of a vocabulary of %d", i, id, vocab)
				}
			}
		}
	}
}
