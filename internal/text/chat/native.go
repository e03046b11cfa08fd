package chat

import (
	"crypto/sha256"
	"math/big"
	"regexp"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// What the conversations say that find how a template writes calls. No template is
// likely to write these itself.
const (
	probeName, probeOther = "probe_first", "probe_second"
	probeKey, probeValue  = "probe_key", "probe_value"
	probeID, probeOtherID = "probeid01", "probeid02" // 9 letters and digits, as Mistral's templates demand
	probeLongID           = "call_0123456789"
	probeResult           = "probe_result"
)

// shortID is the length of an id for templates that demand one.
const shortID = 9

// probeCalls is a conversation with calls by the assistant.
func probeCalls(ids ...string) Conversation {
	names := []string{probeName, probeOther}
	c := Conversation{Messages: []Message{{Role: "user", Content: "A"}, {Role: "assistant"}}, Bare: true}
	for i, id := range ids {
		schema := `{"type":"object","properties":{"` + probeKey + `":{"type":"string"}},"required":["` + probeKey + `"]}`
		c.Tools = append(c.Tools, tool.Tool{Name: names[i], Description: "D", Parameters: []byte(schema)})
		c.Messages[1].ToolCalls = append(c.Messages[1].ToolCalls, tool.Call{ID: id, Name: names[i], Arguments: `{"` + probeKey + `":"` + probeValue + `"}`})
	}
	return c
}

// probeTools finds how the template writes calls, and returns what the template
// itself wrote. It sets format if the template has tools, calls and results.
func (t *Template) probeTools() (written string) {
	t.probing = true
	defer func() { t.probing = false }()
	one := probeCalls(probeID)
	asked := one
	asked.Messages, asked.Bare = one.Messages[:1], false
	prompt, err := t.write(asked)
	if err != nil || !strings.Contains(prompt.String(), probeName) {
		return "" // the template does not read tools
	}
	called, err := t.write(one)
	results := one
	results.Messages = append(one.Messages[:2:2], Message{Role: "tool", Content: probeResult, ToolCallID: probeID, Name: probeName})
	results.Bare = false
	answered, errAnswered := t.write(results)
	said, errSaid := t.write(Conversation{Messages: []Message{one.Messages[0], {Role: "assistant", Content: "B"}}, Tools: one.Tools, Bare: true})
	if err != nil || errAnswered != nil || errSaid != nil || !strings.Contains(answered.String(), probeResult) {
		return ""
	}
	tail := said.String()
	tail = tail[strings.LastIndex(tail, "B")+1:]
	answer := t.afterPrompt(prompt, called)
	if eos := t.specials["eos_token"]; eos != "" && !strings.HasSuffix(answer, tail) {
		// Another end than that of a text: the end of the sequence is part of neither.
		answer, _, _ = strings.Cut(answer, eos)
	}
	f, ok := readFormat(answer, tail)
	if !ok {
		return ""
	}
	many := probeCalls(probeID, probeOtherID)
	asked.Tools = many.Tools
	promptMany, errPrompt := t.write(asked)
	calledMany, errMany := t.write(many)
	if errPrompt == nil && errMany == nil {
		readNext(f, t.afterPrompt(promptMany, calledMany))
	}
	long := results
	long.Messages = append([]Message{}, results.Messages...)
	long.Messages[1].ToolCalls = []tool.Call{{ID: probeLongID, Name: probeName, Arguments: "{}"}}
	long.Messages[2].ToolCallID = probeLongID
	_, errLong := t.write(long)
	t.shortID, t.format = errLong != nil, f
	return ownText(prompt) + ownText(called) + ownText(answered)
}

// afterPrompt is what follows the prompt in a conversation that continues it; "" if
// it does not continue it. A prompt may end with the beginning of reasoning, which
// the conversation does not have.
func (t *Template) afterPrompt(prompt, whole jinja.Text) string {
	p, w := prompt.String(), whole.String()
	if rest, ok := strings.CutPrefix(w, p); ok {
		return rest
	}
	for _, r := range reasoningMarks {
		if before, ok := strings.CutSuffix(strings.TrimSpace(p), r[0]); ok && strings.HasPrefix(w, before) {
			return w[len(before):]
		}
	}
	return ""
}

// arguments is the arguments of the probe as JSON.
var arguments = regexp.MustCompile(`^(\{\s*"` + probeKey + `"\s*:\s*"` + probeValue + `"\s*\})`)

// id is the id of a probe's call as a member of JSON, or behind a mark of its own.
var id = regexp.MustCompile(`,\s*"\w+":\s*"probeid0[12]"|"\w+":\s*"probeid0[12]",\s*|(\[[A-Z_]+\]|<[^<>]+>)probeid0[12]`)

// readFormat reads the format from an answer with one call, which ends as every
// answer ends with tail.
func readFormat(answer, tail string) (*tool.Format, bool) {
	answer = id.ReplaceAllString(strings.TrimSuffix(answer, tail), "")
	begin, rest, ok := strings.Cut(answer, probeName)
	if !ok || strings.Contains(answer, "probeid0") {
		return nil, false
	}
	at := strings.IndexByte(rest, '{')
	if at < 0 {
		return nil, false
	}
	between, rest := rest[:at], rest[at:]
	found := arguments.FindString(rest)
	if found == "" || strings.Contains(rest[len(found):], probeName) {
		return nil, false
	}
	f := &tool.Format{Begin: gaps(begin), Between: gaps(between), End: strings.TrimRight(gaps(rest[len(found):]), " ")}
	mark := strings.TrimLeft(f.Between, " ")
	// A reader must know where a name ends.
	return f, mark == "" || !tool.IsNameByte(mark[0])
}

// readNext reads what stands between calls from an answer with two.
func readNext(f *tool.Format, answer string) {
	answer = id.ReplaceAllString(answer, "")
	_, rest, ok := strings.Cut(answer, probeName)
	if !ok {
		return
	}
	at := strings.IndexByte(rest, '{')
	if at < 0 {
		return
	}
	rest = rest[at:]
	next, _, ok := strings.Cut(rest[len(arguments.FindString(rest)):], probeOther)
	if mark := gaps(next); ok && strings.Trim(mark, " ") != "" {
		f.Next, f.Many = mark, true
	}
}

// space is a run of white space.
var space = regexp.MustCompile(`\s+`)

// gaps makes a gap of every run of white space.
func gaps(mark string) string { return space.ReplaceAllString(mark, " ") }

// settleMarker finds from where on a text is a call: behind a special token, or
// behind a word that is no JSON. A format without either begins an answer.
func (t *Template) settleMarker() {
	f := t.format
	if f == nil {
		return
	}
	f.Begin = strings.TrimLeft(f.Begin, " ")
	start, end, token := t.tokens.FindSpecial(f.Begin)
	marker := f.Begin[start:end]
	if token < 0 || start > 0 {
		marker = f.Begin[:strings.IndexAny(f.Begin+" ", " {")]
	}
	if strings.ContainsFunc(marker, func(r rune) bool { return r >= 0x80 || tool.IsNameByte(byte(r)) }) && !bordered(marker) {
		f.Marker, f.Anywhere = marker, true
	}
}

// bordered reports whether a text begins as it ends, so that it can overlap itself.
func bordered(s string) bool {
	for n := 1; n < len(s); n++ {
		if s[:n] == s[len(s)-n:] {
			return true
		}
	}
	return false
}

// Format is how the model writes calls: as its template does, or in the generic way.
func (t *Template) Format() tool.Format {
	if t.format == nil {
		return tool.Generic
	}
	return *t.format
}

// Answers is the tokenizer of answers: the special tokens that a model writes in
// calls and around reasoning stand for their texts.
func (t *Template) Answers() *tokenizer.Tokenizer { return t.answers }

// marks are the special tokens that an answer may have in calls and reasoning.
func (t *Template) marks() []int32 {
	var all []int32
	marks := t.open + "\n" + t.close
	if t.format != nil {
		marks += "\n" + t.format.Begin + "\n" + t.format.Between + "\n" + t.format.Next + "\n" + t.format.End
	}
	for marks != "" {
		_, end, token := t.tokens.FindSpecial(marks)
		if token >= 0 && token != t.tokens.EOS() {
			all = append(all, token)
		}
		marks = marks[end:]
	}
	return all
}

// renameCalls gives calls ids that the template accepts.
func (t *Template) renameCalls(messages []Message) {
	if !t.shortID {
		return
	}
	for i := range messages {
		m := &messages[i]
		m.ToolCallID = short(m.ToolCallID)
		m.ToolCalls = append([]tool.Call{}, m.ToolCalls...)
		for j := range m.ToolCalls {
			m.ToolCalls[j].ID = short(m.ToolCalls[j].ID)
		}
	}
}

// short is an id of 9 letters and digits: the same for the same id.
func short(id string) string {
	alphanumeric := func(r rune) bool { return r != '_' && r != '-' && r < 0x80 && tool.IsNameByte(byte(r)) }
	if id == "" || len(id) == shortID && strings.IndexFunc(id, func(r rune) bool { return !alphanumeric(r) }) < 0 {
		return id
	}
	sum := sha256.Sum256([]byte(id))
	return new(big.Int).SetBytes(sum[:]).Text(62)[:shortID]
}
