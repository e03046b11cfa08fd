package lint

import (
	"regexp"
	"strings"
	"testing"
)

// word is a word or an identifier that hachi does not use, and what it uses.
type word struct {
	forbidden string // a regular expression
	instead   string
}

// words are forbidden in all text: code, comments, help, logs and docs.
// Spelling is that of the United States; `make spell` knows more words of it.
var words = []word{
	{`\b[Tt]old\b`, "say who is notified, reported to or informed, and by what"},
	{`\b[Nn]obody\b`, "name the subject: no node, no caller, no table"},
	{`\b[Ww]hoever\b`, "name the subject: the caller, the process that"},
	{`\bfor ever\b`, "forever, without end, or a bound"},
	{`\banew\b`, "again, or name the verb: re-read, re-place"},
	{`\b[Ss]o many\b`, "name the number: at most n, this many"},
	{`\b[Ii]n so ?far\b`, "as far as, or where"},
	{`\b([mM]ost|[lL]east)[A-Z]\w*`, "max and min"},
	{`\b\w+(Most|Least)([A-Z]\w*)?\b`, "max and min"},
	{`[qQ]uantis`, "quantize"},
	{`\bTickets?\b`, "PendingCall"},
	{`\bCarriers?\b`, "Transport"},
	{`[uU]nawareness`, "local health score"},
	{`\b[Mm]aths\b`, "arithmetic, or math"},
	{`\b[Ll]icen[c]e\b`, "license"},
	{`\b\w*(author|final|general|initial|maxim|minim|normal|optim|organ|penal|random|real|recogn|serial|special|summar|synchron|token|util)is(e|ed|er|es|ing|ation)(s|d)?\b`, "the same with z"},
	{`\b\w*([bB]ehaviour|[cC]olour|[hH]onour|[nN]eighbour|[fF]avour)\w*`, "the same without u"},
	{`\b\w*[cC]ancell(ed|ing)\w*`, "canceled, canceling"},
}

// comments are forbidden in comments and docs only: in code they have uses.
var comments = []word{
	{`\balone\b`, "only, or by itself"},
}

// quoting are files that name forbidden words to forbid them.
var quoting = []string{"internal/lint/vocabulary_test.go"}

func TestVocabulary(t *testing.T) {
	check := func(name string, number int, line string, list []word) {
		for _, w := range list {
			for _, found := range regexp.MustCompile(w.forbidden).FindAllString(line, -1) {
				t.Errorf("%s:%d: %q: %s", name, number, found, w.instead)
			}
		}
	}
	texts(t, func(name, text string) {
		for _, other := range append(quoting, unfinished...) {
			if strings.HasPrefix(name, other) {
				return
			}
		}
		for i, line := range strings.Split(text, "\n") {
			check(name, i+1, line, words)
			if comment, ok := commentOf(name, line); ok {
				check(name, i+1, comment, comments)
			}
		}
	})
}

// commentOf is the part of a line that is prose.
func commentOf(name, line string) (string, bool) {
	if strings.HasSuffix(name, ".md") {
		return line, true
	}
	mark := "#"
	if strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".proto") || strings.HasSuffix(name, ".mjs") {
		mark = "//"
	}
	_, comment, ok := strings.Cut(line, mark)
	return comment, ok
}
