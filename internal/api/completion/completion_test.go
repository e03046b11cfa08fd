package completion

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unicode/utf8"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func load(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// scripted answers with events it was given, and keeps the request.
type scripted struct {
	events  []engine.Event
	request engine.Request
	ctx     context.Context
}

func (s *scripted) Submit(ctx context.Context, r engine.Request) (*engine.Stream, error) {
	s.request, s.ctx = r, ctx
	stream := engine.NewStream()
	for _, e := range s.events {
		stream.Push(e)
	}
	return stream, nil
}

// tokens are events that end with a finish.
func tokens(ids []int32, finish engine.FinishReason) []engine.Event {
	var out []engine.Event
	for _, id := range ids {
		out = append(out, engine.Event{Token: id})
	}
	switch {
	case finish == engine.Stop:
		out = append(out, engine.Event{Token: -1, Finish: finish})
	case len(out) > 0:
		out[len(out)-1].Finish = finish
	}
	return out
}

// all reads an answer to its end.
func all(t testing.TB, r *Reader) (string, []Token, engine.FinishReason) {
	t.Helper()
	var text strings.Builder
	var out []Token
	for {
		d, err := r.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		text.WriteString(d.Text())
		out = append(append(out, d.Prompt...), d.Tokens...)
		if d.Finish != engine.NotFinished {
			return text.String(), out, d.Finish
		}
	}
}

func ids(tokens []Token) []int32 {
	var out []int32
	for _, t := range tokens {
		out = append(out, t.Token)
	}
	return out
}

// TestStopTextsAcrossTokens feeds one token per character and checks what is
// released.
func TestStopTextsAcrossTokens(t *testing.T) {
	tests := []struct {
		name    string
		stops   []string
		pieces  []string
		want    string
		stopped bool
	}{
		{"none", nil, []string{"ab", "cd"}, "abcd", false},
		{"within a piece", []string{"b"}, []string{"abc"}, "a", true},
		{"across pieces", []string{"bcd"}, []string{"ab", "c", "de"}, "a", true},
		{"a false start is released", []string{"bcd"}, []string{"ab", "c", "xe"}, "abcxe", false},
		{"overlapping start", []string{"aab"}, []string{"a", "a", "a", "b"}, "a", true},
		{"the first of several", []string{"z", "c"}, []string{"abcz"}, "ab", true},
		{"the one that is complete first", []string{"abcd", "bc"}, []string{"ab", "c", "d"}, "a", true},
		{"held text comes at the end", []string{"xyz"}, []string{"abx"}, "abx", false},
		{"whole characters", []string{"日本"}, []string{"東京", "日", "本語"}, "東京", true},
		{"a line break at once", []string{"\n"}, []string{"\n", "x"}, "", true},
	}
	for _, tt := range tests {
		r := &text{stops: tt.stops}
		var got strings.Builder
		stopped := false
		for i, p := range tt.pieces {
			r.grow(p)
			var d Delta
			stopped = r.release(&d, i == len(tt.pieces)-1, true)
			got.WriteString(d.Text())
			if stopped {
				break
			}
		}
		if got.String() != tt.want || stopped != tt.stopped {
			t.Errorf("%s: %q, stopped %v, want %q, %v", tt.name, got.String(), stopped, tt.want, tt.stopped)
		}
	}
}

// TestDeltasMakeTheAnswer: whatever the tokens and the stop texts, deltas
// concatenate to the text before the first stop text, and no delta holds a
// token whose text is not out.
func TestDeltasMakeTheAnswer(t *testing.T) {
	tok := load(t)
	pieces := []string{"a", "b", "ab", "日", "本", "\n", " ", "x", "é", "👩‍👩‍👧"}
	rapid.Check(t, func(rt *rapid.T) {
		var answer []int32
		for range rapid.IntRange(0, 12).Draw(rt, "n") {
			if rapid.Bool().Draw(rt, "byte") {
				answer = append(answer, int32(rapid.IntRange(3, 258).Draw(rt, "id"))) // byte tokens
			} else {
				answer = append(answer, tok.Encode(rapid.SampledFrom(pieces).Draw(rt, "piece"))...)
			}
		}
		var stops []string
		for range rapid.IntRange(0, 3).Draw(rt, "stops") {
			stops = append(stops, rapid.SampledFrom(pieces).Draw(rt, "a")+rapid.SampledFrom(pieces).Draw(rt, "b"))
		}
		c := &Completer{Engine: Local{Engine: &scripted{events: tokens(answer, engine.Stop)}}, Tokenizer: tok, Context: 100}
		r, err := c.Start(t.Context(), Request{Request: engine.Request{Prompt: []int32{1}}, Stop: stops, NewText: true})
		if err != nil {
			rt.Fatal(err)
		}
		got, out, finish := all(t, r)
		want := tok.Decode(answer)
		if at, _ := firstOf(want, stops); at >= 0 {
			// A stop text that is complete earlier may begin later.
			if early, _ := firstOf(got, stops); !strings.HasPrefix(want, got) || early >= 0 || len(got) < at {
				rt.Fatalf("%q of %q with stops %q", got, want, stops)
			}
		} else if got != want || !slices.Equal(ids(out), answer) {
			rt.Fatalf("%q %v, want %q %v", got, ids(out), want, answer)
		}
		if finish != engine.Stop || !utf8.ValidString(got) {
			rt.Fatalf("%q, finish %q", got, finish)
		}
		for _, token := range out {
			if token.Offset > utf8.RuneCountInString(got) {
				rt.Fatalf("token %d is at %d of %q", token.Token, token.Offset, got)
			}
		}
	})
}

// TestTokensDoNotTellWhatTheTextHoldsBack: tokens of a possible stop text wait
// with their text, and are dropped with it.
func TestTokensDoNotTellWhatTheTextHoldsBack(t *testing.T) {
	tok := load(t)
	answer := tok.Encode("one two three four")
	if len(answer) != 4 {
		t.Fatalf("%d tokens, the test expects 4", len(answer))
	}
	held := text{decoder: tok.NewDecoder(), stops: []string{" two three!", " three four"}}
	for i, want := range []struct {
		text    string
		tokens  []int32
		stopped bool
	}{
		{"one", answer[:1], false},
		{"", nil, false},
		{"", nil, false},
		{" two", answer[1:2], true},
	} {
		held.add(engine.Event{Token: answer[i]})
		var d Delta
		stopped := held.release(&d, false, true)
		if d.Text() != want.text || !slices.Equal(ids(d.Tokens), want.tokens) || stopped != want.stopped {
			t.Errorf("token %d: %q %v %v, want %q %v %v", i, d.Text(), ids(d.Tokens), stopped, want.text, want.tokens, want.stopped)
		}
	}
}

// TestNoStopBeforeMinTokens: what is said before them stops nothing, not
// even the beginning of a stop text that goes on after them.
func TestNoStopBeforeMinTokens(t *testing.T) {
	tok := load(t)
	answer := tok.Encode("one two one two one")
	c := &Completer{Engine: Local{Engine: &scripted{events: tokens(answer, engine.Stop)}}, Tokenizer: tok, Context: 100}
	for least, want := range []string{"one", "one", "one two one", "one two one", "one two one two one"} {
		r := Request{Stop: []string{" two"}, NewText: true}
		r.Prompt, r.Params.MinTokens = []int32{1}, least
		reader, err := c.Start(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		if got, _, _ := all(t, reader); got != want {
			t.Errorf("at least %d tokens: %q, want %q", least, got, want)
		}
	}
}

// TestStopTextIsNotGivingUp: the engine learns which it was.
func TestStopTextIsNotGivingUp(t *testing.T) {
	tok := load(t)
	e := &scripted{events: tokens(tok.Encode("one two"), engine.NotFinished)}
	c := &Completer{Engine: Local{Engine: e}, Tokenizer: tok, Context: 100}
	start := func() *Reader {
		r, err := c.Start(t.Context(), Request{Request: engine.Request{Prompt: []int32{1}}, Stop: []string{"two"}})
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	all(t, start())
	if cause := context.Cause(e.ctx); !errors.Is(cause, engine.ErrEnough) {
		t.Errorf("at a stop text: %v", cause)
	}
	start().Close()
	if cause := context.Cause(e.ctx); !errors.Is(cause, context.Canceled) {
		t.Errorf("given up: %v", cause)
	}
}

func TestEndOfSequenceCanBeIgnored(t *testing.T) {
	tok := load(t)
	e := &scripted{}
	c := &Completer{Engine: Local{Engine: e}, Tokenizer: tok, Context: 100}
	for _, ignore := range []bool{false, true} {
		r := Request{IgnoreEOS: ignore}
		r.Prompt, r.StopTokens = []int32{1}, []int32{13}
		if _, err := c.Start(t.Context(), r); err != nil {
			t.Fatal(err)
		}
		if slices.Contains(e.request.StopTokens, tok.EOS()) == ignore || !slices.Contains(e.request.StopTokens, 13) {
			t.Errorf("ignore %v: stops %v", ignore, e.request.StopTokens)
		}
	}
}

// TestHalfCharactersWaitForTheRest: the tokens of one character come together.
func TestHalfCharactersWaitForTheRest(t *testing.T) {
	tok := load(t)
	answer := []int32{3 + 0xe6, 3 + 0x97, 3 + 0xa5} // the bytes of 日
	held := text{decoder: tok.NewDecoder()}
	for i, id := range answer {
		held.add(engine.Event{Token: id})
		var d Delta
		held.release(&d, false, true)
		if i < 2 && !d.empty() || i == 2 && (d.Text() != "日" || !slices.Equal(ids(d.Tokens), answer)) {
			t.Errorf("byte %d: %q %v", i, d.Text(), ids(d.Tokens))
		}
	}
}

type submitted struct{ stream *engine.Stream }

func (s submitted) Submit(context.Context, engine.Request) (*engine.Stream, error) {
	return s.stream, nil
}

func TestContinuationKeepsTheSpaceAndOffsets(t *testing.T) {
	tok := load(t)
	prompt := append([]int32{tok.BOS()}, tok.Encode("日本 Hello")...)
	answer := tok.Encode("world")
	c := &Completer{Engine: Local{Engine: &scripted{events: tokens(answer, engine.Length)}}, Tokenizer: tok, Context: 100}
	start := func(r Request) *Reader {
		r.Prompt = prompt
		reader, err := c.Start(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return reader
	}
	if got, _, _ := all(t, start(Request{NewText: true})); got != "world" {
		t.Errorf("a new text is %q", got)
	}
	r := start(Request{Echo: true})
	got, out, _ := all(t, r)
	if got != " world" || r.Echo() != "日本 Hello" || out[0].Offset != 8 {
		t.Errorf("echo %q, continued by %q at %d", r.Echo(), got, out[0].Offset)
	}
	if _, out, _ := all(t, start(Request{})); out[0].Offset != 0 {
		t.Errorf("without echo the answer begins at %d", out[0].Offset)
	}
}

func TestPromptOnly(t *testing.T) {
	tok := load(t)
	prompt := append([]int32{tok.BOS()}, tok.Encode("a b c")...)
	var events []engine.Event
	for _, id := range prompt[1:] {
		events = append(events, engine.Event{Token: id, Prompt: true})
	}
	e := &scripted{events: append(events, engine.Event{Token: -1, Finish: engine.Stop})}
	c := &Completer{Engine: Local{Engine: e}, Tokenizer: tok, Context: 100}
	r, err := c.Start(t.Context(), Request{Request: engine.Request{Prompt: prompt, PromptLogprobs: true}, PromptOnly: true, Echo: true})
	if err != nil {
		t.Fatal(err)
	}
	text, out, finish := all(t, r)
	if text != "" || finish != engine.Length || r.Generated != 0 || !slices.Equal(ids(out), prompt[1:]) {
		t.Errorf("%q %v %q, %d generated", text, ids(out), finish, r.Generated)
	}
	offsets := []int{0, 1, 3}
	for i, token := range out {
		if token.Offset != offsets[i] {
			t.Errorf("token %d of the prompt is at %d, want %d", i+1, token.Offset, offsets[i])
		}
	}
	if e.request.MaxTokens != 1 || !slices.Contains(e.request.StopTokens, tok.EOS()) || e.ctx.Err() == nil {
		t.Errorf("asked for %+v; given up: %v", e.request, e.ctx.Err())
	}
}

func TestPromptsThatCannotBeCompleted(t *testing.T) {
	c := &Completer{Tokenizer: load(t), Context: 4}
	var tooLong *ContextError
	if err := c.Check(make([]int32, 4)); !errors.As(err, &tooLong) || !strings.Contains(err.Error(), "has 4 tokens") || !strings.Contains(err.Error(), "holds 4") {
		t.Errorf("too long: %v", err)
	}
	var outside *TokenError
	if err := c.Check([]int32{1, 32000}); !errors.As(err, &outside) || outside.Position != 1 {
		t.Errorf("outside the vocabulary: %v", err)
	}
	if _, err := Tokens(c, []int64{1, 1 << 40}); !errors.As(err, &outside) || outside.Token != 1<<40 {
		t.Errorf("far outside the vocabulary: %v", err)
	}
	if _, err := Tokens(c, []uint32{1<<32 - 1}); !errors.As(err, &outside) || outside.Token != 1<<32-1 {
		t.Errorf("the largest token: %v", err)
	}
	if err := c.Check(nil); !errors.Is(err, ErrEmpty) {
		t.Errorf("empty: %v", err)
	}
	if got := c.Tokenizer.Prompt("<s>"); got[0] != 1 || slices.Contains(got[1:], 1) {
		t.Errorf("<s> in a text became %v", got)
	}
}

// TestTimesAreOfOneAnswer: the first token counts from the arrival, the others
// from the one before, also while their text is held back.
func TestTimesAreOfOneAnswer(t *testing.T) {
	tok := load(t)
	answer := tok.Encode("one two three four")
	synctest.Test(t, func(t *testing.T) {
		var first, next []time.Duration
		stream := engine.NewStream()
		c := &Completer{Engine: Local{Engine: submitted{stream}}, Tokenizer: tok, Context: 100, Observe: Observer{
			FirstToken: func(d time.Duration, _ string) { first = append(first, d) },
			NextToken:  func(d time.Duration, _ string) { next = append(next, d) },
		}}
		arrived := time.Now()
		time.Sleep(time.Second)
		r, err := c.Start(t.Context(), Request{Request: engine.Request{Prompt: []int32{1}}, Arrived: arrived, Stop: []string{"one two three x"}, NewText: true})
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			for i, id := range answer {
				time.Sleep(time.Duration(i+1) * time.Second)
				stream.Push(engine.Event{Token: id})
			}
			stream.Push(engine.Event{Token: -1, Finish: engine.Stop})
		}()
		if text, _, _ := all(t, r); text != "one two three four" {
			t.Errorf("%q", text)
		}
		if !slices.Equal(first, []time.Duration{2 * time.Second}) || !slices.Equal(next, []time.Duration{2 * time.Second, 3 * time.Second, 4 * time.Second}) {
			t.Errorf("first %v, next %v", first, next)
		}
	})
}
