package mix

import (
	"encoding/json"
	"testing"
)

// TestEveryKindIsAskedBothWays: two rounds hold each kind as a stream and as one
// answer, and no request is there twice.
func TestEveryKindIsAskedBothWays(t *testing.T) {
	seen, forms := map[string]bool{}, map[string]int{}
	for i, r := range Requests(6*Kinds(), 7) {
		var body struct {
			MaxTokens int `json:"max_tokens"`
			Stream    bool
		}
		if err := json.Unmarshal([]byte(r.Body), &body); err != nil || body.MaxTokens != 7 || body.Stream != r.Stream {
			t.Errorf("%s: %v", r.Body, err)
		}
		if seen[r.Body] {
			t.Errorf("%s is asked twice", r.Body)
		}
		if seen[r.Body] = true; i < 2*Kinds() {
			forms[r.Name]++
		}
	}
	for name, n := range forms {
		if n != 2 {
			t.Errorf("%s is asked in %d forms", name, n)
		}
	}
	if len(forms) != len(kinds) {
		t.Errorf("%d kinds are asked", len(forms))
	}
}
