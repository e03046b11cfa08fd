package tool

import (
	"strings"
	"testing"
)

func TestChoice(t *testing.T) {
	f, g := Tool{Name: "f"}, Tool{Name: "get_weather-2"}
	for _, tt := range []struct {
		tools  []Tool
		choice Choice
		want   string
	}{
		{nil, Choice{}, ""},
		{nil, Choice{Mode: None}, ""},
		{[]Tool{f, g}, Choice{Mode: Named, Name: "f"}, ""},
		{[]Tool{f, g}, Choice{Mode: Required}, ""},
		{nil, Choice{Mode: Required}, "there are no functions"},
		{[]Tool{f}, Choice{Mode: Named, Name: "g"}, `"g" is required, but there is no such function`},
	} {
		err := tt.choice.Check(tt.tools)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, %v: error %v, want %q", tt.tools, tt.choice, err, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		"f": true, "get_weather-2": true, strings.Repeat("a", MaxName): true,
		"": false, "天気": false, `a"b`: false, "a b": false, strings.Repeat("a", MaxName+1): false,
	} {
		if ValidName(name) != want {
			t.Errorf("%q is valid: %v", name, !want)
		}
	}
}
