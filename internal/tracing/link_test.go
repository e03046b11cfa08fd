package tracing

import "testing"

// TestALinkIsAPageOfATrace: a URL with a place for the id.
func TestALinkIsAPageOfATrace(t *testing.T) {
	for link, valid := range map[string]bool{
		"": true, "https://jaeger.example/trace/{trace}": true, "http://tempo:3000/explore?id={trace}&x=1": true,
		"https://jaeger.example/trace": false, "javascript:alert('{trace}')": false, "jaeger/{trace}": false, "https:///{trace}": false,
	} {
		if err := (Config{Link: link}).CheckLink(); (err == nil) != valid {
			t.Errorf("%q: %v", link, err)
		}
	}
	if got := (Config{Link: "https://jaeger.example/trace/{trace}"}).Page("0af7"); got != "https://jaeger.example/trace/0af7" {
		t.Errorf("the page is %q", got)
	}
	if got := (Config{}).Page("0af7"); got != "" {
		t.Errorf("without a link: %q", got)
	}
}
