package page_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// TestFailuresAreShownWithTheWayOut: of a request that is refused, of an answer
// that fails in its middle, and of a connection that ends.
func TestFailuresAreShownWithTheWayOut(t *testing.T) {
	var script enginetest.Script
	s := newServer(t, options{script: func(*server, engine.Request) enginetest.Script { return script }})
	half := enginetest.Script{Tokens: s.tokenizer.Encode("Half of it")}
	half.Hold = true
	for _, tt := range []struct {
		name          string
		script        enginetest.Script
		message, hint string
		text          string
		then          func()
	}{
		{name: "full", script: enginetest.Script{Refuse: scheduler.ErrQueueFull}, message: "queue", hint: "Try again in 1 s."},
		{name: "broken", script: enginetest.Script{Refuse: errors.New("x")}, message: "", hint: "This is a fault of the server"},
		{name: "failing", script: half, message: "the disk is full", hint: "This is a fault of the server", text: "Half of it",
			then: func() { s.call().End(engine.Event{Err: errors.New("the disk is full")}) }},
		{name: "cut", script: half, message: "the connection ended in the middle of the answer", hint: "connects again by itself", text: "Half of it",
			then: func() { s.CloseClientConnections() }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			script = tt.script
			p := newTab(t)
			p.open(s.URL)
			p.say("Well?")
			if tt.then != nil {
				p.WantText(".answer-text", tt.text)
				tt.then()
			}
			p.answered(1, "failed")
			p.WantText(".failure", tt.message)
			p.WantText(".failure", tt.hint)
			p.WantText(".answer", tt.text)
			script = saying("Now it works")(s, engine.Request{})
			p.Until(`document.querySelector("#connection").dataset.ready === "true"`)
			p.click(".answer .below button:last-child")
			p.answered(1, "done")
			p.WantText(".answer-text", "Now it works")
			p.Until(`document.querySelector(".failure").hidden`)
		})
	}
}

// TestAFailedQuestionIsLeftOut: what was asked next is a conversation that the
// template accepts.
func TestAFailedQuestionIsLeftOut(t *testing.T) {
	fail := true
	s := newServer(t, options{script: func(s *server, r engine.Request) enginetest.Script {
		if fail {
			return enginetest.Script{Refuse: errors.New("x")}
		}
		return saying("yes")(s, r)
	}})
	p := newTab(t)
	p.open(s.URL)
	p.say("First")
	p.answered(1, "failed")
	fail = false
	p.say("Second")
	p.answered(2, "done")
	if got := s.last().Messages; len(got) != 1 || got[0]["content"] != "Second" {
		t.Errorf("the messages are %v", got)
	}
}

// TestTooLongConversationSaysWhatToDo: the message is the API's.
func TestTooLongConversationSaysWhatToDo(t *testing.T) {
	s := newServer(t, options{script: saying("yes")})
	p := newTab(t)
	p.open(s.URL)
	eval[bool](p, `(document.querySelector("#message").value = "`+strings.Repeat("long ", 6000)+`", document.querySelector("#message").dispatchEvent(new Event("input")))`)
	p.click("#send")
	p.answered(1, "failed")
	p.WantText(".failure", "Start a new chat, or shorten the message.")
}

// TestServerThatGoesAndComesBack: the page says why it can not send, and connects
// again without a reload. The written message stays.
func TestServerThatGoesAndComesBack(t *testing.T) {
	s := newServer(t, options{script: saying("yes")})
	s.ready.Store(false)
	p := newTab(t)
	p.Run(navigate(s.URL))
	p.WantText("#notice", "The server is not ready: not every expert has a serving replica")
	p.Run(typeInto("#message", "Hello"))
	p.Until(`document.querySelector("#send").disabled`)
	p.key("Enter", 13, 0)
	p.Until(`document.querySelector("#message").value === "Hello"`)
	s.ready.Store(true)
	p.Until(`document.querySelector("#notice").hidden && !document.querySelector("#send").disabled`)
	p.key("Enter", 13, 0)
	p.answered(1, "done")
	s.gone.Store(true)
	eval[bool](p, `(window.dispatchEvent(new Event("online")), true)`) // asks now, not in five seconds
	p.WantText("#notice", "No server answers at "+s.URL)
	p.WantText("#notice", "hachi up")
	s.gone.Store(false)
	p.Until(`document.querySelector("#notice").hidden`)
	p.say("Still there?")
	p.answered(2, "done")
}
