package page_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// browserVariable names the browser. .ci/run sets it: where it is set, a missing
// browser is a failure.
const browserVariable = "HACHI_BROWSER"

// patience bounds a test in the browser.
const patience = 2 * time.Minute

// startBrowser starts one browser for all tests of the binary.
var startBrowser = sync.OnceValues(func() (context.Context, error) {
	name, err := browserPath()
	if err != nil {
		return nil, err
	}
	options := append([]chromedp.ExecAllocatorOption{},
		chromedp.ExecPath(name), chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true), chromedp.Flag("disable-dev-shm-usage", true),
		chromedp.Flag("disable-extensions", true), chromedp.Flag("lang", "en-US"), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	stopBrowser = stop
	return browser, chromedp.Do(browser)
})

// stopBrowser ends the browser, if one was started.
var stopBrowser = func() {}

func TestMain(m *testing.M) {
	code := m.Run()
	stopBrowser()
	os.Exit(code)
}

func browserPath() (string, error) {
	if name := os.Getenv(browserVariable); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("no Chromium in PATH")
}

// tab is a page of the browser with its own storage.
type tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex // guards faults
	faults []string   // that the page reported: exceptions, violations of its policy
}

// newTab opens an empty page. Where no browser is installed the test is skipped,
// unless one is required. At the end of the test the page must have reported no
// fault.
func newTab(t *testing.T) *tab {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	if _, err := browserPath(); err != nil && os.Getenv(browserVariable) == "" {
		t.Skipf("%v: install chromium, or name a browser in %s", err, browserVariable)
	}
	browser, err := startBrowser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	ctx, stop := context.WithTimeout(ctx, patience)
	p := &tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fault := range p.reported() {
			t.Errorf("the page reported %s", fault)
		}
		stop()
		cancel()
	})
	call(p, log.Enable, cdp.Empty{})
	p.size(1280, 800, 1, false)
	return p
}

// note keeps what the page reports. A request that the server fails is no fault
// of the page.
func (p *tab) note(event any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		p.faults = append(p.faults, fmt.Sprintf("%s %s", e.ExceptionDetails.Text, e.ExceptionDetails.Exception.Description))
	case *log.EventEntryAdded:
		if e.Entry.Level == log.EntryLevelError && e.Entry.Source != log.EntrySourceNetwork {
			p.faults = append(p.faults, fmt.Sprintf("%s: %s", e.Entry.Source, e.Entry.Text))
		}
	}
}

func (p *tab) reported() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// forgive drops the faults that a test provoked.
func (p *tab) forgive(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(fault string) bool { return strings.Contains(fault, part) })
}

// run carries actions out.
func (p *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("%v\nthe page shows:\n%s", err, p.text())
	}
}

// call sends a command of the DevTools protocol.
func call[P, R any](p *tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// text is what the page shows, for messages of failures.
func (p *tab) text() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// eval evaluates JavaScript and waits for its promise.
func eval[T any](p *tab, expression string) T {
	p.t.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// until waits for a condition in the page.
func (p *tab) until(condition string) {
	p.t.Helper()
	met := eval[bool](p, `new Promise((done) => {
		const end = performance.now() + 20000;
		const look = () => {
			if (`+condition+`) { done(true); } else if (performance.now() > end) { done(false); } else { setTimeout(look, 20); }
		};
		look();
	})`)
	if !met {
		p.t.Fatalf("%s does not hold; the page shows:\n%s", condition, p.text())
	}
}

// wantText waits until an element shows a text.
func (p *tab) wantText(selector, text string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

// open opens the page of a server and waits until it is connected.
func (p *tab) open(url string) {
	p.t.Helper()
	p.run(navigate(url))
	p.until(`document.querySelector("#connection").dataset.ready === "true"`)
}

// say types a message and sends it.
func (p *tab) say(text string) {
	p.t.Helper()
	p.run(chromedp.SendKeys(chromedp.CSS("#message"), text))
	p.run(chromedp.Click(chromedp.CSS("#send")))
}

// answered waits until the n-th answer has ended as it should: done, stopped or
// failed.
func (p *tab) answered(n int, state string) {
	p.t.Helper()
	p.until(fmt.Sprintf(`document.querySelectorAll(".answer")[%d]?.dataset.state === %q`, n-1, state))
}

// typeInto types a text into an element.
func typeInto(selector, text string) chromedp.Action[chromedp.Void] {
	return chromedp.SendKeys(chromedp.CSS(selector), text)
}

func navigate(url string) chromedp.Action[chromedp.Void] { return chromedp.Navigate(url) }

// script runs a program in the page.
func script(text string) chromedp.Action[chromedp.Void] {
	return chromedp.Evaluate[chromedp.Void](text)
}
