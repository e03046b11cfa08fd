package openai

import (
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestDocsNameEveryParameter: docs/api.md and the table of parameters agree.
func TestDocsNameEveryParameter(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Concat(chatParameters, completionParameters, tokenizeParameters, detokenizeParameters, harmless, slices.Collect(maps.Keys(neutral)))
	for _, name := range names {
		if !strings.Contains(string(raw), "`"+name) {
			t.Errorf("docs/api.md does not name %s", name)
		}
	}
	for _, code := range []string{
		codeType, codeValue, codeMissing, codeUnsupported, codeContext, codeModel, codeURL, codeMethod, codeTooLarge, codeTimeout, codeMediaType, codeRate,
	} {
		if !strings.Contains(string(raw), "`"+code+"`") {
			t.Errorf("docs/api.md does not name the code %s", code)
		}
	}
}
