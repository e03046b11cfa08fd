package page_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	cdppage "github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

var screens = flag.String("screens", "", "write screenshots into this folder")

// conversation is what the screenshots show.
var conversation = map[string]string{
	"How does hachi work?": "A router holds attention, the KV cache and sampling. The experts run on **other machines**.\n\n" +
		"1. The gate picks two experts for each row.\n2. The router sends the row to the nodes that hold them.\n3. The answers are added in a fixed order.\n\n" +
		"So a node may die in the middle of a word:\n\n```sh\nhachi status\nkill -9 PID\n```\n\nThe stream pauses, and goes on with the same tokens.",
	"日本の首都は？": "日本の首都は**東京**です。人口は約1400万人です。",
}

// dark asks for the color scheme of the system.
func (p *tab) dark(on bool) {
	scheme := map[bool]string{true: "dark", false: "light"}[on]
	call(p, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}})
}

// size sets the viewport.
func (p *tab) size(width, height int64, scale float64, phone bool) {
	call(p, emulation.SetDeviceMetricsOverride, emulation.SetDeviceMetricsOverrideParams{Width: width, Height: height, DeviceScaleFactor: scale, Mobile: phone})
}

// save writes what the viewport shows.
func (p *tab) save(name string) {
	p.t.Helper()
	shot := call(p, cdppage.CaptureScreenshot, cdppage.CaptureScreenshotParams{Format: cdppage.CaptureScreenshotFormatPng})
	if err := os.WriteFile(filepath.Join(*screens, name), shot.Data, 0o644); err != nil {
		p.t.Fatal(err)
	}
}

// TestScreens writes the screenshots of the documentation; make screens runs it.
func TestScreens(t *testing.T) {
	if *screens == "" {
		t.Skip("-screens names no folder")
	}
	s := newServer(t, options{model: "hachi-mini", script: func(s *server, r engine.Request) enginetest.Script {
		messages := s.last().Messages
		question, _ := messages[len(messages)-1]["content"].(string)
		return saying(conversation[question])(s, r)
	}})
	p := newTab(t)
	p.size(1180, 780, 1, false)
	p.dark(false)
	p.open(s.URL)
	p.until(`document.querySelectorAll(".example").length === 3`)
	p.save("page-welcome.png")
	p.say("日本の首都は？")
	p.answered(1, "done")
	p.say("How does hachi work?")
	p.answered(2, "done")
	p.run(chromedp.Click(chromedp.CSS("#settings-toggle")))
	p.save("page-light.png")
	p.dark(true)
	p.save("page-dark.png")
	p.run(chromedp.Click(chromedp.CSS("#settings-close")))
	p.size(360, 740, 2, true)
	p.save("page-phone.png")
	p.run(chromedp.Click(chromedp.CSS("#settings-toggle")))
	p.save("page-phone-settings.png")
}
