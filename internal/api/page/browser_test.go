package page_test

import (
	"fmt"
	"testing"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/chromedp"

	"github.com/hachi-serve/hachi/internal/browsertest"
)

func TestMain(m *testing.M) { browsertest.Main(m) }

// tab is the page in a browser.
type tab struct {
	*browsertest.Tab
	t *testing.T
}

func newTab(t *testing.T) *tab {
	t.Helper()
	return &tab{browsertest.New(t), t}
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	return browsertest.Call(p.Tab, command, params)
}

// eval evaluates JavaScript and waits for its promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	return browsertest.Eval[T](p.Tab, expression)
}

// open opens the page of a server and waits until it is connected.
func (p *tab) open(url string) {
	p.t.Helper()
	p.Run(navigate(url))
	p.Until(`document.querySelector("#connection").dataset.ready === "true"`)
}

// say types a message and sends it.
func (p *tab) say(text string) {
	p.t.Helper()
	p.Run(chromedp.SendKeys(chromedp.CSS("#message"), text))
	p.Run(chromedp.Click(chromedp.CSS("#send")))
}

// answered waits until the n-th answer has ended as it should: done, stopped or
// failed.
func (p *tab) answered(n int, state string) {
	p.t.Helper()
	p.Until(fmt.Sprintf(`document.querySelectorAll(".answer")[%d]?.dataset.state === %q`, n-1, state))
}

// typeInto types a text into an element.
func typeInto(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

func navigate(url string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(url) }
