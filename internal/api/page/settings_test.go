package page_test

import (
	"reflect"
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/internal/text/chat"
)

// TestSliderReachesTheRequest: a slider begins at the model's default, which sends
// nothing. A message keeps its values when the sliders move.
func TestSliderReachesTheRequest(t *testing.T) {
	s := newServer(t, options{script: saying("ok")})
	p := newTab(t)
	p.open(s.URL)
	p.click("#settings-toggle")
	if got := eval[string](p, `document.querySelector("#attribute-humor").getAttribute("aria-valuetext")`); got != "model default" {
		t.Errorf("a slider begins at %q", got)
	}
	p.Run(chromedp.SendKeys(chromedp.CSS("#attribute-humor"), kb.ArrowRight+kb.ArrowRight+kb.ArrowRight), chromedp.SendKeys(chromedp.CSS("#attribute-toxicity"), kb.ArrowRight))
	p.say("Hello")
	p.answered(1, "done")
	want := map[string]any{"role": "user", "content": "Hello", "humor": 2.0, "toxicity": 0.0}
	if got := s.last().Messages[0]; !reflect.DeepEqual(got, want) {
		t.Errorf("the message is %v, want %v", got, want)
	}
	p.WantText(".question .stats", "toxicity 0 · humor 2")
	p.click("#attributes-reset")
	p.say("Again")
	p.answered(2, "done")
	got := s.last().Messages
	if !reflect.DeepEqual(got[0], want) || !reflect.DeepEqual(got[2], map[string]any{"role": "user", "content": "Again"}) {
		t.Errorf("the messages are %v", got)
	}
}

// TestSlidersThatTheTemplateDoesNotRead: they can not be set.
func TestSlidersThatTheTemplateDoesNotRead(t *testing.T) {
	for template, want := range map[string]int{chat.MistralTemplate: 9, chat.KarakuriTemplate: 0, `{{ bos_token }}{% for m in messages %}{{ m['content'] }}{% if m['humor'] is defined %}{{ m['humor'] }}{% endif %}{% endfor %}`: 8} {
		s := newServer(t, options{template: template})
		p := newTab(t)
		p.open(s.URL)
		if n := eval[int](p, `document.querySelectorAll("#attributes input:disabled").length`); n != want {
			t.Errorf("%d sliders are disabled, want %d: %s", n, want, template)
		}
	}
}

func TestSamplingAndSystemMessageReachTheRequest(t *testing.T) {
	s := newServer(t, options{script: saying("ok")})
	p := newTab(t)
	p.open(s.URL)
	p.click("#settings-toggle")
	for id, text := range map[string]string{"#system": "Be short.", "#temperature": "0.5", "#max-tokens": "7", "#seed": "42"} {
		p.Run(chromedp.SendKeys(chromedp.CSS(id), text))
	}
	p.Run(chromedp.Reload()) // settings stay
	p.Until(`document.querySelector("#connection").dataset.ready === "true"`)
	p.say("Hello")
	p.answered(1, "done")
	got := s.last()
	if len(got.Messages) != 2 || got.Messages[0]["role"] != "system" || got.Messages[0]["content"] != "Be short." {
		t.Errorf("the messages are %v", got.Messages)
	}
	if got.Temperature == nil || *got.Temperature != 0.5 || got.MaxTokens == nil || *got.MaxTokens != 7 || got.Seed == nil || *got.Seed != 42 {
		t.Errorf("the request is %+v", got)
	}
	// A value that the server would refuse is shown where it is.
	p.click("#settings-toggle")
	p.Run(chromedp.SendKeys(chromedp.CSS("#temperature"), "9"))
	p.say("Hello again")
	p.Until(`document.activeElement.id === "temperature" && document.querySelector("#message").value === "Hello again"`)
	if n := len(s.requests()); n != 1 {
		t.Errorf("%d requests were sent", n)
	}
}
