package chat

import (
	"strings"
)

// reasoningMarks are what public templates write around reasoning.
var reasoningMarks = [][2]string{{"<think>", "</think>"}, {"[THINK]", "[/THINK]"}, {"<thinking>", "</thinking>"}, {"<reasoning>", "</reasoning>"}}

// probeReasoning finds the marks around reasoning: a pair that the source of the
// template names the end of. Templates that leave old reasoning out of a prompt cut
// it there.
func (t *Template) probeReasoning(source string) {
	for _, r := range reasoningMarks {
		if strings.Contains(source, r[1]) {
			t.open, t.close = r[0], r[1]
			return
		}
	}
	messages := []Message{{Role: "user", Content: "A"}, {Role: "assistant", Content: "B", Reasoning: probeResult}}
	text, err := t.write(Conversation{Messages: messages, Bare: true})
	if err != nil {
		return
	}
	before, after, ok := strings.Cut(text.String(), probeResult)
	before, after = strings.TrimSpace(before), strings.TrimSpace(after)
	if !ok || before == "" || !strings.HasSuffix(before, ">") && !strings.HasSuffix(before, "]") {
		return
	}
	open := before[strings.LastIndexAny(before, "<["):]
	end := strings.IndexAny(after, ">]")
	if strings.ContainsAny(open, " \n") || end < 0 || strings.ContainsAny(after[:end], " \n") {
		return
	}
	t.open, t.close = open, after[:end+1]
}

// Reasoning returns the marks around reasoning; both are "" for a template without.
func (t *Template) Reasoning() (open, close string) { return t.open, t.close }

// EndsInReasoning reports whether a prompt ends with the mark that opens reasoning.
func (t *Template) EndsInReasoning(prompt []int32) bool {
	end := t.answers.Decode(prompt[max(0, len(prompt)-len(t.open)-maxTail):])
	return t.open != "" && strings.HasSuffix(strings.TrimSpace(end), t.open)
}

// maxTail is the maximum number of tokens of white space at the end of a prompt.
const maxTail = 8
