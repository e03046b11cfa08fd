package jinja

import (
	"testing"
	"time"
)

// The expected texts are those of Python's datetime.strftime.
func TestClock(t *testing.T) {
	now := time.Date(2024, time.July, 6, 5, 4, 3, 21000, time.UTC)
	for format, want := range map[string]string{
		"%d %b %Y": "06 Jul 2024", "%Y-%m-%d": "2024-07-06", "%B %-d, %Y": "July 6, 2024", "%A %a": "Saturday Sat", "%H:%M:%S": "05:04:03",
		"%-I %p": "5 AM", "%j": "188", "%-H": "5", "%y%%": "24%", "%e": " 6", "%f": "000021", "%u %w": "6 6", "%F %T": "2024-07-06 05:04:03",
		"": "", "年%Y月%m": "年2024月07",
	} {
		template, err := Parse("{{ strftime_now(f) }}")
		if err != nil {
			t.Fatal(err)
		}
		got, err := template.Render(map[string]any{"f": Own(format), "strftime_now": Clock(now)}, 1<<20)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v, want %q", format, got, err, want)
		}
	}
	for _, format := range []string{"%", "%-", "%Q"} {
		template, _ := Parse("{{ strftime_now(f) }}")
		if got, err := template.Render(map[string]any{"f": Own(format), "strftime_now": Clock(now)}, 1<<20); err == nil {
			t.Errorf("%q: %q without an error", format, got)
		}
	}
}

func TestReads(t *testing.T) {
	template, err := Parse("{% if enable_thinking is defined and x.y %}{{ z | default('w') }}{% endif %} text")
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]bool{"enable_thinking": true, "x": true, "z": true, "w": false, "text": false} {
		if template.Reads(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
}
