package page_test

import (
	"errors"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// background is the color behind the page.
func background(p *tab) string {
	return eval[string](p, `getComputedStyle(document.documentElement).backgroundColor`)
}

// TestThemeFollowsTheSystemUntilItIsChosen: a choice survives a reload.
func TestThemeFollowsTheSystemUntilItIsChosen(t *testing.T) {
	s := newServer(t, options{})
	p := newTab(t)
	p.Dark(false)
	p.open(s.URL)
	light := background(p)
	p.Dark(true)
	dark := background(p)
	if light == dark {
		t.Fatalf("both themes are %s", light)
	}
	p.click("#theme")
	if got := background(p); got != light {
		t.Errorf("the button made dark %s, want %s", got, light)
	}
	p.Run(chromedp.Reload())
	p.WantText("#theme", "Dark")
	if got := background(p); got != light {
		t.Errorf("after a reload the page is %s, want %s", got, light)
	}
	p.click("#theme")
	if got := background(p); got != dark {
		t.Errorf("the button made light %s, want %s", got, dark)
	}
}

// wide is an answer with everything that could be too wide for a phone.
const wide = "https://example.org/" + "averylongpathwithoutanyspace" + "averylongpathwithoutanyspace" + "averylongpathwithoutanyspace\n\n" +
	"```\nvar aVeryLongLineOfCode = thatDoesNotFit(onto, a, phone, at, all, because, it, is, long)\n```\n\n" +
	"| one | two | three | four | five | six | seven | eight |\n|-|-|-|-|-|-|-|-|\n| 11111111 | 22222222 | 33333333 | 44444444 | 55555555 | 66666666 | 77777777 | 88888888 |"

// TestPhone: nothing is wider than the viewport, and what is scrolls by itself.
// The settings cover the page, and Escape closes them.
func TestPhone(t *testing.T) {
	s := newServer(t, options{script: saying(wide)})
	p := newTab(t)
	p.Size(360, 740, 1, true)
	p.open(s.URL)
	fits := func(when string) {
		t.Helper()
		if width := eval[int](p, `Math.max(document.documentElement.scrollWidth, document.body.scrollWidth, document.querySelector("#settings").scrollWidth)`); width > 360 {
			t.Errorf("%s the page is %d pixels wide", when, width)
		}
		if small := eval[[]string](p, `[...document.querySelectorAll("button, input, textarea, a")].filter((e) => e.checkVisibility()).filter((e) => {
			const box = e.getBoundingClientRect();
			return e.className !== "skip" && !e.closest(".answer-text p") && box.height < 24;
		}).map((e) => e.id || e.textContent)`); len(small) > 0 {
			t.Errorf("%s too small to be touched: %q", when, small)
		}
	}
	fits("at first")
	p.say("averylongwordwithoutanyspaceaverylongwordwithoutanyspaceaverylongwordwithoutanyspace")
	p.answered(1, "done")
	fits("after an answer")
	p.click("#settings-toggle")
	p.Until(`document.querySelector("#settings").matches(":modal")`)
	fits("with settings")
	p.key("Escape", 27, 0)
	p.Until(`!document.querySelector("#settings").open`)
	// The composer stays in sight at the end and at the beginning.
	for _, y := range []string{"0", "1e6"} {
		eval[bool](p, `(scrollTo(0, `+y+`), true)`)
		if bottom := eval[float64](p, `document.querySelector("#composer").getBoundingClientRect().bottom`); bottom > 741 {
			t.Errorf("scrolled to %s the composer ends at %g", y, bottom)
		}
	}
}

func TestReducedMotionStopsAnimations(t *testing.T) {
	s := newServer(t, options{script: beginning("Well")})
	p := newTab(t)
	p.open(s.URL)
	p.say("Move")
	p.WantText(".answer-text", "Well")
	if n := eval[int](p, `document.getAnimations().length`); n == 0 {
		t.Fatal("nothing moves, so the test shows nothing")
	}
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-reduced-motion", Value: "reduce"}}})
	p.Until(`document.getAnimations().length === 0`)
}

// TestAxeFindsNoViolation in every state of the page, in both themes, wide and on a
// phone.
func TestAxeFindsNoViolation(t *testing.T) {
	for _, look := range []struct {
		name  string
		dark  bool
		phone bool
	}{{"light", false, false}, {"dark", true, false}, {"phone", false, true}, {"dark phone", true, true}} {
		t.Run(look.name, func(t *testing.T) {
			s := newServer(t, options{model: "hachi-mini", template: apitest.ThinkTemplate, script: beginning("<think>Hm.</think># Title\n\n" + wide + "\n\n> quote\n\n- `code` [link](https://example.org)")})
			p := newTab(t)
			p.Dark(look.dark)
			if look.phone {
				p.Size(360, 740, 1, true)
			}
			p.open(s.URL)
			p.LoadAxe()
			check := p.CheckAxe
			check("at first")
			p.say("Hello")
			p.WantText(".answer-text", "link")
			check("during an answer")
			s.end()
			p.answered(1, "done")
			check("after an answer")
			p.Run(chromedp.SendKeys(chromedp.CSS(".answer details summary"), kb.Enter))
			p.WantText(".reasoning", "Hm.")
			check("with reasoning")
			p.say("And then?")
			p.Until(`document.querySelectorAll(".answer-text").length === 2 && document.querySelectorAll(".answer-text")[1].innerText.includes("link")`)
			s.call().End(engine.Event{Err: errors.New("the disk is full")})
			p.answered(2, "failed")
			p.WantText(".answer:last-child .failure", "the disk is full")
			check("after a failure")
			p.click("#settings-toggle")
			check("with settings")
			p.click("#settings-close")
			p.click(".turns > :nth-last-child(2) .below button")
			check("while editing")
			s.ready.Store(false)
			eval[bool](p, `(window.dispatchEvent(new Event("online")), true)`)
			p.WantText("#notice", "not ready")
			check("not ready")
		})
	}
}
