package episode

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/logtest"
)

// TestAFaultHasTwoLinesHoweverOftenItIsSeen.
func TestAFaultHasTwoLinesHoweverOftenItIsSeen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out logtest.Log
		l := New(out.Logger(), slog.LevelWarn, "fails", "works again", "node", Flapping)
		lines := func() int { return out.Count("\n") }
		l.Worked("a")
		for range 1000 { // a node that fails every other call
			l.Failed("a", "kind", "busy")
			l.Worked("a")
			time.Sleep(50 * time.Millisecond)
		}
		if l.Failed("b", "kind", "gone"); lines() != 2 || !strings.Contains(out.String(), "msg=fails node=a kind=busy") {
			t.Fatalf("%s", out.String())
		}
		time.Sleep(Flapping)
		for range 3 {
			l.Worked("a")
		}
		if lines() != 3 || !strings.Contains(out.String(), `msg="works again" node=a lasted=49.95s seen=1000`) {
			t.Fatalf("%s", out.String())
		}
		if l.Failed("a"); lines() != 4 {
			t.Errorf("a second fault has no line: %s", out.String())
		}
	})
}

// TestAnotherReasonHasALineOfItsOwn: the fault of a subject ends once, whatever its
// reasons were.
func TestAnotherReasonHasALineOfItsOwn(t *testing.T) {
	var out logtest.Log
	l := New(out.Logger(), slog.LevelError, "refused", "accepted again", "peer", State)
	for _, reason := range []string{"expired", "expired", "unknown authority", "unknown authority", "expired"} {
		l.FailedFor("a", errors.New(reason))
	}
	if n := out.Count("level=ERROR msg=refused peer=a"); n != 3 || l.Lasting()["a"] != "expired" {
		t.Errorf("%d lines, %v lasts:\n%s", n, l.Lasting(), &out)
	}
	l.Worked("a")
	if !strings.Contains(out.String(), `level=WARN msg="accepted again" peer=a`) || len(l.Lasting()) != 0 {
		t.Errorf("%v lasts:\n%s", l.Lasting(), &out)
	}
}

// TestNamesFromTheNetworkTakeBoundedMemory.
func TestNamesFromTheNetworkTakeBoundedMemory(t *testing.T) {
	l := New(slog.New(slog.DiscardHandler), slog.LevelWarn, "fails", "works again", "node", Flapping)
	for i := range 3 * maxSubjects {
		l.Failed(fmt.Sprint(i))
	}
	if len(l.faults) != maxSubjects {
		t.Errorf("%d subjects", len(l.faults))
	}
}
