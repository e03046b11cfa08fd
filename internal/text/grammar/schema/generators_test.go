package schema

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"testing"
)

// TestGeneratedSchemasCompile: schemas as zod, pydantic and generators of TypeScript
// print them are supported as a whole.
func TestGeneratedSchemasCompile(t *testing.T) {
	raw, err := os.ReadFile("testdata/generators/schemas.json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]json.RawMessage
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	if len(all) < 24 {
		t.Errorf("%d schemas", len(all))
	}
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if _, err := Compile(all[name], limits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
