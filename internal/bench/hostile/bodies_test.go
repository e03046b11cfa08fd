package hostile

import (
	"encoding/json"
	"testing"
)

func TestBodiesAreAsLargeAsTheRouterReads(t *testing.T) {
	seen := map[string]bool{}
	for _, b := range Bodies() {
		if n := len(b.JSON); n > Size || n < Size/2 {
			t.Errorf("%s has %d bytes", b.Name, n)
		}
		if seen[b.Name] {
			t.Errorf("two bodies are %q", b.Name)
		}
		seen[b.Name] = true
		if b.Name != "a deep value" && !json.Valid([]byte(b.JSON)) {
			t.Errorf("%s is no JSON: ...%s", b.Name, b.JSON[len(b.JSON)-80:])
		}
	}
}
