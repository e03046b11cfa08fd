// One goroutine reads every word, for minutes under the race detector.

package lint

import (
	"regexp"
	"strings"
	"testing"
)

// word is a word or an identifier that hachi does not use, and what it uses.
type word struct {
	forbidden *regexp.Regexp
	instead   string
}

// words are forbidden in all text: code, comments, help, logs and docs.
// Spelling is that of the United States; `make spell` knows more words of it.
var words = []word{
	{regexp.MustCompile(`\b[Tt]old\b`), "say who is notified, reported to or informed, and by what"},
	{regexp.MustCompile(`\b[Nn]obody\b`), "name the subject: no node, no caller, no table"},
	{regexp.MustCompile(`\b[Ww]hoever\b`), "name the subject: the caller, the process that"},
	{regexp.MustCompile(`\bfor ever\b`), "forever, without end, or a bound"},
	{regexp.MustCompile(`\banew\b`), "again, or name the verb: re-read, re-place"},
	{regexp.MustCompile(`\b[Ss]o many\b`), "name the number: at most n, this many"},
	{regexp.MustCompile(`\b[Ii]n so ?far\b`), "as far as, or where"},
	{regexp.MustCompile(`\b([mM]ost|[lL]east)[A-Z]\w*`), "max and min"},
	{regexp.MustCompile(`\b\w+(Most|Least)([A-Z]\w*)?\b`), "max and min"},
	{regexp.MustCompile(`[qQ]uantis`), "quantize"},
	{regexp.MustCompile(`\bTickets?\b`), "PendingCall"},
	{regexp.MustCompile(`\bCarriers?\b`), "Transport"},
	{regexp.MustCompile(`[uU]nawareness`), "local health score"},
	{regexp.MustCompile(`\b[Mm]aths\b`), "arithmetic, or math"},
	{regexp.MustCompile(`\b[Ll]icen[c]e\b`), "license"},
	{regexp.MustCompile(`\b\w*(author|final|general|initial|maxim|minim|normal|optim|organ|penal|random|real|recogn|serial|special|summar|synchron|token|util)is(e|ed|er|es|ing|ation)(s|d)?\b`), "the same with z"},
	{regexp.MustCompile(`\b\w*([bB]ehaviour|[cC]olour|[hH]onour|[nN]eighbour|[fF]avour)\w*`), "the same without u"},
	{regexp.MustCompile(`\b\w*[cC]ancell(ed|ing)\w*`), "canceled, canceling"},
}

// comments are forbidden in comments and docs only: in code they have uses.
var comments = []word{
	{regexp.MustCompile(`\balone\b`), "only, or by itself"},
}

// quoting are the file that names forbidden words to forbid them, and texts that
// hachi-mini learns or says.
var quoting = []string{"internal/lint/vocabulary_test.go", "docs/mini-attributes.md", "tools/mini/corpus/"}

// anyOf matches what any word of the lists matches: one pass for the many lines
// that have none.
func anyOf(lists ...[]word) *regexp.Regexp {
	var all []string
	for _, list := range lists {
		for _, w := range list {
			all = append(all, w.forbidden.String())
		}
	}
	return regexp.MustCompile(strings.Join(all, "|"))
}

func TestVocabulary(t *testing.T) {
	suspect := anyOf(words, comments)
	check := func(name string, number int, line string, list []word) {
		for _, w := range list {
			for _, found := range w.forbidden.FindAllString(line, -1) {
				t.Errorf("%s:%d: %q: %s", name, number, found, w.instead)
			}
		}
	}
	texts(t, func(name, text string) {
		for _, other := range quoting {
			if strings.HasPrefix(name, other) {
				return
			}
		}
		for i, line := range strings.Split(text, "\n") {
			if !suspect.MatchString(line) {
				continue
			}
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
	if strings.HasSuffix(name, ".go") || strings.HasSuffix(name, ".proto") || strings.HasSuffix(name, ".mjs") || strings.HasSuffix(name, ".js") {
		mark = "//"
	}
	_, comment, ok := strings.Cut(line, mark)
	return comment, ok
}
