package browsertest

import (
	"context"
	_ "embed"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

//go:embed testdata/axe/axe.min.js
var axe string

// Variable names the browser. .ci/run sets it: where it is set, a missing browser is a
// failure.
const Variable = "HACHI_BROWSER"

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
		chromedp.Flag("ignore-certificate-errors", true), // a test knows which server it asks
		chromedp.Flag("disable-extensions", true), chromedp.Flag("lang", "en-US"), chromedp.Flag("hide-scrollbars", true))
	allocator, stop := chromedp.NewExecAllocator(context.Background(), options...)
	browser, _ := chromedp.NewContext(allocator)
	stopBrowser = stop
	return browser, chromedp.Do(browser)
})

// stopBrowser ends the browser, if one was started.
var stopBrowser = func() {}

// Stop ends the browser, if one was started.
func Stop() { stopBrowser() }

// Main runs the tests of a package, ends the browser and exits.
func Main(m *testing.M) {
	code := m.Run()
	Stop()
	os.Exit(code)
}

func browserPath() (string, error) {
	if name := os.Getenv(Variable); name != "" {
		return exec.LookPath(name)
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "google-chrome-stable"} {
		if found, err := exec.LookPath(name); err == nil {
			return found, nil
		}
	}
	return "", fmt.Errorf("no Chromium in PATH")
}

// Tab is a page of the browser with its own storage.
type Tab struct {
	t   *testing.T
	ctx context.Context

	mu     sync.Mutex // guards faults
	faults []string   // that the page reported: exceptions, violations of its policy
}

// New opens an empty page. Where no browser is installed the test is skipped,
// unless one is required. At the end of the test the page must have reported no
// fault.
func New(t *testing.T) *Tab {
	t.Helper()
	if testing.Short() {
		t.Skip("a browser takes seconds")
	}
	if _, err := browserPath(); err != nil && os.Getenv(Variable) == "" {
		t.Skipf("%v: install chromium, or name a browser in %s", err, Variable)
	}
	browser, err := startBrowser()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := chromedp.NewContext(browser, chromedp.WithNewBrowserContext())
	ctx, stop := context.WithTimeout(ctx, patience)
	p := &Tab{t: t, ctx: ctx}
	if err := chromedp.Listen(ctx, p.note); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		for _, fault := range p.Reported() {
			t.Errorf("the page reported %s", fault)
		}
		stop()
		cancel()
	})
	Call(p, log.Enable, cdp.Empty{})
	p.Size(1280, 800, 1, false)
	return p
}

// note keeps what the page reports. A request that the server fails is no fault
// of the page.
func (p *Tab) note(event any) {
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

// Reported are the faults so far.
func (p *Tab) Reported() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.faults
}

// Forgive drops the faults that a test provoked.
func (p *Tab) Forgive(part string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults = slices.DeleteFunc(p.faults, func(fault string) bool { return strings.Contains(fault, part) })
}

// Open opens an address. Chromium gives up what it loads when an interface of the machine
// comes or goes, as in tests with network namespaces: it asks again.
func (p *Tab) Open(url string) {
	p.t.Helper()
	for range 20 {
		err := chromedp.Do(p.ctx, chromedp.Navigate(url))
		if err == nil {
			return
		}
		if !strings.Contains(err.Error(), "ERR_NETWORK_CHANGED") {
			p.t.Fatal(err)
		}
	}
	p.t.Fatalf("%s cannot be opened: interfaces of this machine come and go", url)
}

// Run carries actions out.
func (p *Tab) Run(actions ...chromedp.Action[chromedp.Void]) {
	p.t.Helper()
	if err := chromedp.Do(p.ctx, actions...); err != nil {
		p.t.Fatalf("%v\nthe page shows:\n%s", err, p.Text())
	}
}

// Call sends a command of the DevTools protocol.
func Call[P, R any](p *Tab, command cdp.Command[P, R], params P) R {
	p.t.Helper()
	result, err := chromedp.Call(p.ctx, command, params)
	if err != nil {
		p.t.Fatal(err)
	}
	return result
}

// Text is what the page shows, for messages of failures.
func (p *Tab) Text() string {
	ctx, cancel := context.WithTimeout(p.ctx, 5*time.Second)
	defer cancel()
	text, err := chromedp.Run(ctx, chromedp.Evaluate[string](`document.body.innerText`))
	if err != nil {
		return err.Error()
	}
	return text
}

// Eval evaluates JavaScript and waits for its promise.
func Eval[T any](p *Tab, expression string) T {
	p.t.Helper()
	out, err := chromedp.Run(p.ctx, chromedp.Evaluate[T](expression, chromedp.EvalAwaitPromise))
	if err != nil {
		p.t.Fatalf("%s: %v", expression, err)
	}
	return out
}

// Until waits for a condition in the page.
func (p *Tab) Until(condition string) {
	p.t.Helper()
	met := Eval[bool](p, `new Promise((done) => {
		const end = performance.now() + 20000;
		const look = () => {
			if (`+condition+`) { done(true); } else if (performance.now() > end) { done(false); } else { setTimeout(look, 20); }
		};
		look();
	})`)
	if !met {
		p.t.Fatalf("%s does not hold; the page shows:\n%s", condition, p.Text())
	}
}

// Arrive waits until a page has a title of its own, while the tab may leave the page
// before.
func (p *Tab) Arrive(title string) {
	p.t.Helper()
	for end := time.Now().Add(patience / 4); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		got, err := chromedp.Run(p.ctx, chromedp.Evaluate[string](`document.readyState === "complete" ? document.querySelector("h1")?.innerText ?? "" : ""`))
		if err == nil && got == title { // an error is that of the page that was left
			return
		}
	}
	p.t.Fatalf("no page is called %q; the page shows:\n%s", title, p.Text())
}

// WantText waits until an element shows a text.
func (p *Tab) WantText(selector, text string) {
	p.t.Helper()
	p.Until(fmt.Sprintf(`document.querySelector(%q)?.innerText.includes(%q)`, selector, text))
}

// focused is what has the focus: its id, or its text, and whether that can be seen.
const focused = `(() => {
	const e = document.activeElement;
	return (e.id || e.textContent.trim()) + (getComputedStyle(e).outlineStyle === "none" ? " unseen" : "");
})()`

// Press presses keys.
func (p *Tab) Press(keys string) {
	p.t.Helper()
	p.Run(chromedp.KeyEvent(keys))
}

// TabTo presses Tab until an element has the focus, which must be seen on the way.
func (p *Tab) TabTo(want string) {
	p.t.Helper()
	for range 60 {
		p.Press(kb.Tab)
		switch got := Eval[string](p, focused); {
		case strings.HasSuffix(got, " unseen"):
			p.t.Errorf("the focus cannot be seen at %q", got)
		case got == want:
			return
		}
	}
	p.t.Fatalf("Tab does not reach %q; the page shows:\n%s", want, p.Text())
}

// Dark asks for the color scheme of the system.
func (p *Tab) Dark(on bool) {
	p.t.Helper()
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	Call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// Size sets the viewport.
func (p *Tab) Size(width, height int64, scale float64, phone bool) {
	p.t.Helper()
	Call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale, Mobile: phone})
}

// Save writes what the viewport shows as a PNG.
func (p *Tab) Save(file string) {
	p.t.Helper()
	shot := Call(p, page.CaptureScreenshot, page.CaptureScreenshotParams{Format: page.CaptureScreenshotFormatPng})
	if err := os.WriteFile(file, shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// LoadAxe brings axe-core into the page that is open.
func (p *Tab) LoadAxe() {
	p.t.Helper()
	p.Run(chromedp.Evaluate[chromedp.Void](axe))
}

// CheckAxe reports what axe-core finds wrong with the page in a state.
func (p *Tab) CheckAxe(state string) {
	p.t.Helper()
	for _, v := range Eval[[]string](p, `axe.run(document, { resultTypes: ["violations"] }).then((found) => found.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.html.slice(0, 200) + " " + n.failureSummary)))`) {
		p.t.Errorf("%s: %s", state, v)
	}
}
