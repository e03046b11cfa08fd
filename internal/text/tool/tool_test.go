package tool

import (
	"strings"
	"testing"
)

func TestValidate(t *testing.T) {
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
		{[]Tool{f, g, f}, Choice{}, `"f" is there twice`},
		{[]Tool{f, {Name: ""}}, Choice{}, "function 1 has the name"},
		{[]Tool{{Name: "天気"}}, Choice{}, "function 0 has the name"},
		{[]Tool{{Name: `a"b`}}, Choice{}, "function 0 has the name"},
		{[]Tool{{Name: strings.Repeat("a", 129)}}, Choice{}, "expected 1 to 128"},
	} {
		err := Validate(tt.tools, tt.choice)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%v, %v: error %v, want %q", tt.tools, tt.choice, err, tt.want)
		}
	}
}
