package page_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

func (p *tab) click(selector string) {
	p.t.Helper()
	p.Run(chromedp.Click(chromedp.CSS(selector)))
}

func TestConversationStreams(t *testing.T) {
	s := newServer(t, options{script: beginning("One **two**")})
	p := newTab(t)
	p.open(s.URL)
	p.say("How many?")
	p.WantText(".question-text", "How many?")
	p.WantText(".answer-text", "One two")
	p.Until(`document.querySelector(".answer").getAttribute("aria-busy") === "true"`)
	s.push("three 八")
	p.WantText(".answer-text", "three 八")
	s.end()
	p.answered(1, "done")
	p.WantText(".answer .stats", "tokens/s")
	p.WantText(".answer .stats", "first token")
	p.WantText(".nodes", "expert-0")
	if got := eval[string](p, `document.querySelector(".answer-text").innerHTML`); got != "<p>One <strong>two</strong> three 八</p>" {
		t.Errorf("the answer is %s", got)
	}
	p.Until(`document.querySelector("#spoken").textContent === "One **two** three 八"`)
	p.say("And now?")
	p.WantText(".turns", "And now?")
	got := s.last()
	if len(got.Messages) != 3 || got.Messages[1]["content"] != "One **two** three 八" || got.Messages[2]["content"] != "And now?" || got.Model != "org/m" {
		t.Errorf("the second request is %+v", got)
	}
	if got.Temperature != nil || got.MaxTokens != nil || got.Seed != nil {
		t.Errorf("the settings are untouched, and the request has %+v", got)
	}
	p.click("#stop")
	p.answered(2, "stopped")
}

// TestStopKeepsWhatWasWritten: by the button and by Escape. The engine drops the
// request.
func TestStopKeepsWhatWasWritten(t *testing.T) {
	s := newServer(t, options{script: beginning("Half of")})
	p := newTab(t)
	p.open(s.URL)
	for i, stop := range []func(){
		func() { p.click("#stop") },
		func() { p.Run(chromedp.KeyEvent(kb.Escape)) },
	} {
		p.say("Tell me all.")
		p.Until(`document.querySelectorAll(".answer-text").length === ` + string(rune('1'+i)) + ` && [...document.querySelectorAll(".answer-text")].at(-1).innerText.includes("Half of")`)
		stop()
		p.answered(i+1, "stopped")
		<-s.call().Done
		if err := s.call().Err; !errors.Is(err, context.Canceled) {
			t.Errorf("the request ended with %v", err)
		}
	}
	p.WantText(".answer:last-child .stats", "stopped")
	p.say("Go on")
	p.Until(`document.querySelectorAll(".answer").length === 3`)
	if got := s.last().Messages; len(got) != 5 || got[1]["content"] != "Half of" {
		t.Errorf("the conversation goes on with %v", got)
	}
}

// TestLastQuestionIsAskedAgain: Retry keeps it, Edit changes it. Both replace the
// last answer.
func TestLastQuestionIsAskedAgain(t *testing.T) {
	s := newServer(t, options{script: saying("yes")})
	p := newTab(t)
	p.open(s.URL)
	p.say("First")
	p.answered(1, "done")
	p.say("Second")
	p.answered(2, "done")
	p.click(".answer:last-child .below button:last-child")
	p.Until(`document.querySelectorAll(".answer").length === 2`)
	p.answered(2, "done")
	if got := s.requests(); len(got) != 3 || len(got[2].Messages) != 3 || got[2].Messages[2]["content"] != "Second" {
		t.Fatalf("Retry asked %+v", got)
	}
	p.click(".turns > :nth-last-child(2) .below button")
	p.WantText("#editing", "editing your last message")
	p.say(" best")
	p.WantText(".turns", "Second best")
	p.answered(2, "done")
	if got := s.last().Messages; len(got) != 3 || got[2]["content"] != "Second best" {
		t.Errorf("Edit asked %v", got)
	}
	// Up in the empty field edits too, and Escape leaves the turn as it was.
	p.Run(chromedp.SendKeys(chromedp.CSS("#message"), kb.ArrowUp))
	p.WantText("#editing", "editing your last message")
	p.Run(chromedp.KeyEvent(kb.Escape))
	p.Until(`document.querySelector("#editing").hidden && document.querySelector("#message").value === ""`)
	p.WantText(".turns", "Second best")
	p.click("#new")
	p.Until(`document.querySelectorAll(".turns > *").length === 0 && !document.querySelector("#welcome").hidden`)
	p.say("Third")
	p.answered(1, "done")
	if got := s.last().Messages; len(got) != 1 {
		t.Errorf("a new chat begins with %v", got)
	}
}

func TestCopyTakesTheAnswerAsItWasWritten(t *testing.T) {
	const text = "Do **this**:\n\n```sh\nls -l\n```"
	s := newServer(t, options{script: saying(text)})
	p := newTab(t)
	p.open(s.URL)
	p.say("How?")
	p.answered(1, "done")
	for selector, want := range map[string]string{".answer .below button": text, ".code button": "ls -l"} {
		p.click(selector)
		p.WantText(selector, "Copied")
		eval[bool](p, `(document.querySelector("#message").value = "", document.querySelector("#message").focus(), true)`)
		call(p, input.DispatchKeyEvent, input.DispatchKeyEventParams{Type: input.DispatchKeyEventTypeRawKeyDown, Key: "v", Commands: []string{"paste"}})
		if got := eval[string](p, `document.querySelector("#message").value`); got != want {
			t.Errorf("%s copied %q, want %q", selector, got, want)
		}
	}
	// Browsers offer no clipboard to pages of a router on a local network.
	eval[bool](p, `(Object.defineProperty(navigator, "clipboard", {value: undefined, configurable: true}), document.execCommand = (what) => { window.copied = document.activeElement.value; return what === "copy"; }, true)`)
	p.click(".answer .below button")
	p.Until(`window.copied !== undefined`)
	if got := eval[string](p, `window.copied`); got != text {
		t.Errorf("without a clipboard %q was copied", got)
	}
}

func TestConversationSurvivesAReload(t *testing.T) {
	s := newServer(t, options{script: beginning("So far")})
	p := newTab(t)
	p.open(s.URL)
	p.say("Go")
	p.WantText(".answer-text", "So far")
	p.Run(chromedp.Reload())
	p.answered(1, "stopped")
	p.WantText(".question-text", "Go")
	p.WantText(".answer-text", "So far")
}

// TestWaitingIsShown: nothing arrives before the first token, and in the middle of
// an answer.
func TestWaitingIsShown(t *testing.T) {
	s := newServer(t, options{script: func(*server, engine.Request) enginetest.Script { return enginetest.Script{Hold: true} }})
	p := newTab(t)
	p.open(s.URL)
	p.say("Well?")
	p.WantText(".waiting", "The server has the message")
	s.push("Now")
	p.WantText(".answer-text", "Now")
	p.Until(`document.querySelector(".waiting").hidden`)
	p.WantText(".waiting", "The answer pauses")
	s.end()
	p.answered(1, "done")
	p.Until(`document.querySelector(".waiting").hidden`)
}

// TestReasoningIsFolded: what a model thinks is apart from its answer, closed until
// somebody opens it, and not part of the conversation that goes on.
func TestReasoningIsFolded(t *testing.T) {
	s := newServer(t, options{template: apitest.ThinkTemplate, script: beginning("<think>Let me see, 八.")})
	p := newTab(t)
	p.open(s.URL)
	p.say("How many?")
	p.Until(`document.querySelector(".answer details")?.hidden === false`)
	if eval[bool](p, `document.querySelector(".answer details").open`) {
		t.Error("the reasoning is open")
	}
	s.push("</think>Eight.")
	s.end()
	p.answered(1, "done")
	if got := eval[string](p, `document.querySelector(".answer-text").innerText`); got != "Eight." {
		t.Errorf("the answer is %q", got)
	}
	p.Run(chromedp.SendKeys(chromedp.CSS(".answer details summary"), kb.Enter))
	p.WantText(".reasoning", "Let me see, 八.")
	p.Run(chromedp.Reload())
	p.answered(1, "done")
	p.Until(`document.querySelector(".reasoning").textContent === "Let me see, 八." && !document.querySelector(".answer details").open`)
	p.say("And now?")
	p.Until(`document.querySelectorAll(".answer").length === 2`)
	if got := s.last().Messages; len(got) != 3 || got[1]["content"] != "Eight." {
		t.Errorf("the conversation goes on with %v", got)
	}
}

// TestExamplesOfTheSmallModel: three messages to try, one in Japanese, one with an
// attribute. Other models get none.
func TestExamplesOfTheSmallModel(t *testing.T) {
	s := newServer(t, options{model: "hachi-mini", script: saying("ok")})
	p := newTab(t)
	p.open(s.URL)
	if got := eval[[]string](p, `[...document.querySelectorAll(".example span:first-child")].map((e) => e.lang + ":" + e.textContent)`); len(got) != 3 ||
		strings.Count(strings.Join(got, " "), "ja:") != 1 {
		t.Fatalf("the examples are %q", got)
	}
	p.click(".examples li:last-child button")
	p.answered(1, "done")
	if got := s.last().Messages; len(got) != 1 || got[0]["humor"] != 4.0 {
		t.Errorf("the example asks %v", got)
	}
	other := newServer(t, options{})
	q := newTab(t)
	q.open(other.URL)
	q.WantText("#welcome", "Ask org/m.")
	if n := eval[int](q, `document.querySelectorAll(".example").length`); n != 0 {
		t.Errorf("org/m has %d examples", n)
	}
}
