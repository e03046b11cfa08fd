package page_test

import (
	"context"
	"testing"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// key presses a key as a keyboard with an input method does: without a character.
func (p *tab) key(name string, code int64, modifiers int64) {
	p.t.Helper()
	p.Run(chromedp.Func(func(ctx context.Context, _ *chromedp.Target) error {
		for _, kind := range []input.DispatchKeyEventType{input.DispatchKeyEventTypeRawKeyDown, input.DispatchKeyEventTypeKeyUp} {
			if _, err := chromedp.Call(ctx, input.DispatchKeyEvent, input.DispatchKeyEventParams{
				Type: kind, Key: name, Code: name, WindowsVirtualKeyCode: code, Modifiers: modifiers,
			}); err != nil {
				return err
			}
		}
		return nil
	}))
}

// TestEnterThatEndsACompositionSendsNothing: in Japanese, Enter accepts what the
// input method proposes. The Enter after it sends.
func TestEnterThatEndsACompositionSendsNothing(t *testing.T) {
	s := newServer(t, options{script: saying("はい")})
	p := newTab(t)
	p.open(s.URL)
	p.Run(chromedp.Focus(chromedp.CSS("#message")))
	eval[bool](p, `(window.seen = [], document.querySelector("#message").addEventListener("keydown", (e) => seen.push(e.isComposing || e.keyCode === 229)), true)`)
	call(p, input.ImeSetComposition, input.ImeSetCompositionParams{Text: "こんにちは", SelectionStart: 5, SelectionEnd: 5})
	p.key("Enter", 13, 0)  // within the composition
	p.key("Enter", 229, 0) // as Safari reports it, after the composition
	call(p, input.InsertText, input.InsertTextParams{Text: "こんにちは"})
	p.Until(`document.querySelector("#message").value === "こんにちは"`)
	if got := eval[[]bool](p, `seen`); len(got) != 2 || !got[0] || !got[1] {
		t.Fatalf("the keys of the composition were seen as %v", got)
	}
	if n := len(s.requests()); n != 0 {
		t.Fatalf("%d requests were sent by a composition", n)
	}
	p.key("Enter", 13, 0)
	p.answered(1, "done")
	if got := s.last().Messages[0]["content"]; got != "こんにちは" {
		t.Errorf("the message is %q", got)
	}
	p.Until(`document.querySelector(".question-text").lang === "ja" && document.querySelector(".answer-text").lang === "ja"`)
}

// TestKeyboardOnly: a message of two lines is written and sent, an answer stopped
// and asked for again, a slider set, and the focus can always be seen.
func TestKeyboardOnly(t *testing.T) {
	s := newServer(t, options{script: beginning("Well")})
	p := newTab(t)
	p.open(s.URL)
	p.Until(`document.activeElement.id === "message"`)
	p.Run(chromedp.KeyEvent("one"))
	p.Run(chromedp.KeyEvent(kb.Enter, chromedp.KeyModifiers(chromedp.ModifierShift)))
	p.Run(chromedp.KeyEvent("two"))
	p.Until(`document.querySelector("#message").value === "one\ntwo"`)
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.WantText(".answer-text", "Well")
	if got := s.last().Messages[0]["content"]; got != "one\ntwo" {
		t.Errorf("the message is %q", got)
	}
	p.Run(chromedp.KeyEvent(kb.Escape))
	p.answered(1, "stopped")
	eval[bool](p, `(document.activeElement.blur(), window.getSelection().removeAllRanges(), document.body.focus(), true)`)
	var order []string
	for range 12 {
		p.Run(chromedp.KeyEvent(kb.Tab))
		order = append(order, eval[string](p, `(() => {
			const e = document.activeElement, style = getComputedStyle(e), frame = getComputedStyle(e.closest(".field") ?? e);
			const seen = style.outlineStyle !== "none" || frame.borderColor !== getComputedStyle(document.querySelector(".field")).color && e.id === "message";
			return (e.id || e.textContent) + (seen ? "" : " unseen");
		})()`))
		if order[len(order)-1] == "message" {
			break
		}
	}
	want := []string{"Skip to the message", "new", "settings-toggle", "theme", "Edit", "Copy", "Retry", "message"}
	if len(order) < len(want) || !equalTail(order, want) {
		t.Errorf("Tab goes through %q, want %q", order, want)
	}
	eval[bool](p, `(document.querySelector("#settings-toggle").focus(), true)`)
	p.Run(chromedp.KeyEvent(kb.Enter))
	p.Until(`document.querySelector("#settings").open`)
	eval[bool](p, `(document.querySelector("#attribute-humor").focus(), true)`)
	p.Run(chromedp.KeyEvent(kb.ArrowRight))
	p.WantText(".slider:has(#attribute-humor) output", "0")
}

// equalTail reports whether all ends with tail.
func equalTail(all, tail []string) bool {
	for i := range tail {
		if all[len(all)-len(tail)+i] != tail[i] {
			return false
		}
	}
	return true
}
