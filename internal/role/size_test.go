package role

import (
	"math"
	"strings"
	"testing"
)

func TestSizesAreReadInEveryUnit(t *testing.T) {
	for text, want := range map[string]Size{
		"0": 0, "17": 17, "17B": 17, "1Ki": 1024, "1KiB": 1024, "512MiB": 512 * Mi, "16Gi": 16 * Gi, "2Ti": 2048 * Gi,
		"3k": 3000, "3KB": 3000, "3M": 3e6, "3GB": 3e9, "3T": 3e12, "9223372036854775807": math.MaxInt64,
	} {
		var got Size
		if err := got.Set(text); err != nil || got != want {
			t.Errorf("%q: %d, %v; want %d", text, got, err, want)
		}
	}
	for _, text := range []string{"", "Gi", "-1", "1.5Gi", "1 Gi", "1Xi", "1Gib", "1iB", "1BB", "9223372036854775808", "9007199254740992Ki", "8388608Ti"} {
		got := Size(7)
		if err := got.Set(text); err == nil || !strings.Contains(err.Error(), `"`+text+`"`) || got != 7 {
			t.Errorf("%q: %d, %v; want an error that names it", text, got, err)
		}
	}
}

func TestSizesAreWrittenAsTheyAreRead(t *testing.T) {
	for size, want := range map[Size]string{0: "0", 1: "1", 1023: "1023", 1024: "1Ki", 1536 * Mi: "1536Mi", 16 * Gi: "16Gi", 1 << 41: "2Ti", 1e9: "1000000000"} {
		var again Size
		if got := size.String(); got != want || again.Set(got) != nil || again != size {
			t.Errorf("%d: %q, read again %d; want %q", int64(size), got, int64(again), want)
		}
	}
}
