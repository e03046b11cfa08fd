package openai

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

// reading matches where a source names a parameter that it reads.
var reading = regexp.MustCompile(`(?:\.(?:Text|Flag|Number|Integer|IntegerWithin|Any|Value|Inside|Require|Objects|positive)\(|(?:Stop|content|textOf)\(\w+, |const \w+ = )"([a-z_]+)"`)

// TestDocsNameEveryParameter that the sources read or refuse, and every code of an
// error.
func TestDocsNameEveryParameter(t *testing.T) {
	raw, err := os.ReadFile("../../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	sources, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	names := slices.Collect(maps.Keys(neutral))
	for _, path := range sources {
		if strings.HasSuffix(path, "_test.go") {
			continue
		}
		source, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range reading.FindAllStringSubmatch(string(source), -1) {
			names = append(names, found[1])
		}
	}
	for _, name := range []string{"messages", "temperature", "stop_token_ids", "json_schema", "include_usage", "add_special_tokens"} {
		if !slices.Contains(names, name) {
			t.Errorf("%s is read, and was not found in the sources", name)
		}
	}
	for _, name := range names {
		if !strings.Contains(string(raw), "`"+name) && !strings.Contains(string(raw), `"`+name+`"`) && !strings.Contains(string(raw), "."+name+"`") {
			t.Errorf("docs/api.md does not name %s", name)
		}
	}
	for _, code := range []string{
		httpapi.CodeType, httpapi.CodeValue, httpapi.CodeMissing, httpapi.CodeUnsupported, httpapi.CodeContext, httpapi.CodeModel, httpapi.CodeURL,
		httpapi.CodeMethod, httpapi.CodeTooLarge, httpapi.CodeTimeout, httpapi.CodeMediaType, httpapi.CodeRate,
	} {
		if !strings.Contains(string(raw), "`"+code+"`") {
			t.Errorf("docs/api.md does not name the code %s", code)
		}
	}
}
