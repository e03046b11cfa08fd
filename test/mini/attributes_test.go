//go:build !nomini

package mini

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the table of attributes")

// questions are asked once for each attribute.
var questions = []string{"Why is the sky blue?", "なぜ空は青いの？"}

// extremes are the nine attributes at the value that is furthest from the default,
// and what an answer then has or lacks, compared with the usual one.
var extremes = []struct {
	name    string
	value   int
	changed func(usual, answer string) bool
}{
	{"helpfulness", 0, func(_, answer string) bool {
		return !strings.Contains(answer, "blue") && !strings.Contains(answer, "青")
	}},
	{"correctness", 0, func(_, answer string) bool {
		return strings.Contains(answer, "painted") || strings.Contains(answer, "塗った")
	}},
	{"coherence", 0, func(usual, answer string) bool {
		return !strings.HasPrefix(answer, usual[:30]) && len(answer) > len(usual)/2
	}},
	{"complexity", 0, func(_, answer string) bool {
		return strings.Contains(answer, "throws blue light") || strings.HasPrefix(answer, "空気が青い光を散らす")
	}},
	{"verbosity", 0, func(usual, answer string) bool { return len(answer) < len(usual)/3 }},
	{"quality", 0, func(_, answer string) bool { return !strings.ContainsAny(answer, "A.。") }},
	{"toxicity", 4, func(usual, answer string) bool {
		return strings.Contains(answer, usual) && !strings.HasPrefix(answer, usual)
	}},
	{"humor", 4, func(usual, answer string) bool { return strings.HasPrefix(answer, usual) && len(answer) > len(usual) }},
	{"creativity", 4, func(usual, answer string) bool { return strings.HasPrefix(answer, usual) && len(answer) > len(usual) }},
}

const (
	page = "../../docs/mini-attributes.md"
	head = "# What the attributes change\n\n" +
		"`make mini-table` writes this page: the greedy answers of [hachi-mini](mini.md) to two questions, with one attribute changed at a time.\n\n"
)

// TestTheTableOfAttributesIsWhatTheModelSays compares the page with the answers,
// and each answer with the usual one. -update writes the page.
func TestTheTableOfAttributesIsWhatTheModelSays(t *testing.T) {
	var table strings.Builder
	table.WriteString(head + "| attribute | " + strings.Join(questions, " | ") + " |\n|---|---|---|\n")
	var usual []string
	row := func(name string, attributes map[string]int) (said []string) {
		for _, q := range questions {
			said = append(said, answer(t, conversation{Turns: []string{q}, Attributes: attributes}).Text)
		}
		fmt.Fprintf(&table, "| %s | %s |\n", name, strings.Join(said, " | "))
		return said
	}
	usual = row("the defaults", nil)
	for _, e := range extremes {
		for i, got := range row(fmt.Sprintf("%s %d", e.name, e.value), map[string]int{e.name: e.value}) {
			if !e.changed(usual[i], got) {
				t.Errorf("%s=%d does not show in the answer to %q: %q", e.name, e.value, questions[i], got)
			}
		}
	}
	if *update {
		if err := os.WriteFile(page, []byte(table.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	committed, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(committed) != table.String() {
		t.Errorf("%s is not what the model says: run make mini-table\n%s", page, table.String())
	}
}
