package api

import (
	"encoding/json"
	"os"
	"regexp"
	"strings"
	"testing"
)

// docs is docs/api.md.
func docs(t *testing.T) string {
	raw, err := os.ReadFile("../../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// section is the text of a page below a heading, to the next heading.
func section(t *testing.T, page, heading string) string {
	_, text, ok := strings.Cut(page, "\n"+heading+"\n")
	if !ok {
		t.Fatalf("docs/api.md has no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n#")
	return text
}

var quoted = regexp.MustCompile("`([^`]+)`")

// harmlessValues are the values of unsupported parameters that docs/api.md calls
// harmless, as JSON.
func harmlessValues(t *testing.T) map[string][]string {
	values := map[string][]string{}
	for line := range strings.SplitSeq(section(t, docs(t), "### Not supported"), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 4 {
			continue
		}
		for _, name := range quoted.FindAllStringSubmatch(cells[1], -1) {
			for _, value := range strings.Split(cells[2], ",") {
				if value = strings.Trim(value, " `"); json.Valid([]byte(value)) {
					values[name[1]] = append(values[name[1]], value)
				}
			}
		}
	}
	return values
}
