package page_test

import (
	"bufio"
	"flag"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/chromedp/chromedp/kb"

	"github.com/hachi-serve/hachi/internal/freeport"
)

var (
	screens = flag.String("screens", "", "write screenshots into this folder")
	binary  = flag.String("hachi", "", "the hachi that the screenshots show")
)

// save writes what the viewport shows.
func (p *tab) save(name string) {
	p.t.Helper()
	p.Save(filepath.Join(*screens, name))
}

var serving = regexp.MustCompile(`serving hachi-mini at (http://\S+)`)

// startCluster runs hachi up until the test ends, and returns its URL.
func startCluster(t *testing.T) string {
	t.Helper()
	up := exec.Command(*binary, "up", "--listen", freeport.Address(t), "--data-dir", t.TempDir())
	out, err := up.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := up.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = up.Process.Signal(os.Interrupt)
		_, _ = io.Copy(io.Discard, out)
		_ = up.Wait()
	})
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if found := serving.FindStringSubmatch(lines.Text()); found != nil {
			go func() { _, _ = io.Copy(io.Discard, out) }()
			return found[1]
		}
	}
	t.Fatalf("%s up ended: %v", *binary, lines.Err())
	return ""
}

// TestScreens writes the screenshots of the documentation, of a cluster that
// serves hachi-mini; make screens runs it.
func TestScreens(t *testing.T) {
	if *screens == "" {
		t.Skip("-screens names no folder")
	}
	url := startCluster(t)
	p := newTab(t)
	p.Size(1180, 800, 1, false)
	p.Dark(false)
	p.open(url)
	p.Until(`document.querySelectorAll(".example").length === 3`)
	p.save("page-welcome.png")
	p.click("#settings-toggle")
	p.Run(typeInto("#temperature", "0"))
	p.say("カレーの作り方を教えて")
	p.answered(1, "done")
	p.Run(typeInto("#attribute-humor", kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight+kb.ArrowRight))
	p.say("Why is the sky blue?")
	p.answered(2, "done")
	p.save("page-light.png")
	p.click("#attributes-reset")
	p.click("#settings-close")
	p.click("#new")
	p.Size(360, 740, 2, true)
	p.Dark(true)
	p.say("Write hello world in Go.")
	p.answered(1, "done")
	p.save("page-phone.png")
}
