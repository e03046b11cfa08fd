package hachi_test

import (
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi"
)

// TestAModelElsewhereAnswersAsItsDirectory: by HTTP, as it is and quantized.
func TestAModelElsewhereAnswersAsItsDirectory(t *testing.T) {
	server := httptest.NewServer(http.FileServer(http.Dir(tiny)))
	defer server.Close()
	cache := t.TempDir()
	for _, format := range []string{"", "int8"} {
		here := start(t, func(c *hachi.Config) { c.Quantize = format })
		there := start(t, func(c *hachi.Config) { c.Quantize, c.Model, c.Source.Cache = format, server.URL, cache })
		if want, got := answers(t, here.Client()), answers(t, there.Client()); !reflect.DeepEqual(got, want) {
			t.Errorf("quantized to %q: %v of the URL, %v of the directory", format, got, want)
		}
	}
}

func TestPlacesThatAClusterInAProgramRefuses(t *testing.T) {
	for place, want := range map[string]string{"ftp://host/m": "unknown scheme", "peer://": "PLACE", "https://user:secret@host/m": "process lists"} {
		cfg := config()
		cfg.Model = place
		if err := cfg.Validate(); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "secret@") {
			t.Errorf("%s: %v, expected %q", place, err, want)
		}
	}
}
