package mix

import (
	"encoding/json"
	"regexp"
	"strconv"
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

func TestNoRequestNeedsMoreThanMinTokens(t *testing.T) {
	minimum := regexp.MustCompile(`"min_tokens":(\d+)`)
	largest := 0
	for _, k := range kinds {
		if m := minimum.FindStringSubmatch(k.body); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			largest = max(largest, n)
		}
	}
	if largest != MinTokens {
		t.Errorf("a request needs %d tokens, MinTokens is %d", largest, MinTokens)
	}
}
