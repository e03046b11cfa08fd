package metric

import (
	"regexp"
	"strings"
	"testing"
)

// TestNamesAreThoseOfPrometheus: one definition a name, and the suffix of its kind.
// The names of vLLM's metrics that hachi keeps are the exception.
func TestNamesAreThoseOfPrometheus(t *testing.T) {
	pattern := regexp.MustCompile(`^[a-z][a-z0-9_]*[a-z0-9]$`)
	seen := map[string]bool{}
	for _, d := range All() {
		switch {
		case seen[d.Name]:
			t.Errorf("%s is defined twice", d.Name)
		case !pattern.MatchString(d.Name), d.Help == "", len(d.Roles) == 0:
			t.Errorf("%+v", d)
		case (d.Kind == Counter) != strings.HasSuffix(d.Name, "_total"):
			t.Errorf("%s is a %s", d.Name, d.Kind)
		case (d.Unit == Seconds) != strings.Contains(d.Name, "_seconds"), (d.Unit == Bytes) != strings.Contains(d.Name, "_bytes"):
			if d.Unit != UnixTime {
				t.Errorf("%s counts %s", d.Name, d.Unit)
			}
		}
		seen[d.Name] = true
	}
}
