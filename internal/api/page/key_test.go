package page_test

import (
	"testing"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/internal/api/keys"
)

// TestThePageAsksForAKeyAndSendsIt: the field is there when the server asks, the key
// stays while the tab is open, and a key that was taken back is asked for again.
func TestThePageAsksForAKeyAndSendsIt(t *testing.T) {
	entry := func(key string) []keys.Entry {
		return []keys.Entry{{Name: "a", SHA256: keys.Hashes{keys.HashOf(key)}}}
	}
	guard := keys.NewGuard(entry("KEY"))
	s := newServer(t, options{script: saying("ok"), gate: &keys.Gate{Clients: guard}})
	p := newTab(t)
	p.Run(chromedp.Navigate(s.URL))
	p.Until(`document.activeElement.id === "api-key" && document.querySelector("#notice").textContent.includes("API key")`)
	p.Run(chromedp.SendKeys(chromedp.CSS("#api-key"), "WRONG"+kb.Enter))
	p.Until(`document.querySelector("#connection-text").textContent === "no API key"`)
	eval[bool](p, `document.querySelector("#api-key").select() ?? true`)
	p.Run(chromedp.SendKeys(chromedp.CSS("#api-key"), " KEY"+kb.Enter))
	p.Until(`document.querySelector("#connection").dataset.ready === "true"`)
	p.Run(chromedp.Reload())
	p.Until(`document.querySelector("#connection").dataset.ready === "true"`)
	if kept := eval[string](p, `JSON.stringify(localStorage)`); kept != "{}" {
		t.Errorf("the page keeps %s longer than the tab", kept)
	}
	p.say("Hello")
	p.answered(1, "done")
	guard.Replace(entry("OTHER"))
	p.say("Again")
	p.answered(2, "failed")
	p.WantText(`.answer[data-state="failed"] .failure`, "Write the API key of this server into the settings")
	if u := guard.Usage(); u[1].PromptTokens == 0 || u[0].Refused[keys.Unknown] == 0 {
		t.Errorf("usage %+v", u)
	}
}
