package checkpoint

import (
	"cmp"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

// describeConfig describes a config.json of weights that hachi does not read; ""
// leaves it to Open.
func describeConfig(dir string, names []string) string {
	path := filepath.Join(dir, configFile)
	if startsWith(path, lfsPrefix) {
		return configFile + " is a Git LFS pointer, not the file itself: " + pullFirst
	}
	method := quantMethod(path)
	for file, of := range methodFiles {
		if method == "" && slices.Contains(names, file) {
			method = of
		}
	}
	switch method {
	case "":
		return ""
	case "awq":
		return importFirst("weights quantized by AWQ", dir)
	}
	return fmt.Sprintf("weights quantized by %s, which hachi does not read: take the original checkpoint (`hachi model quantize` makes int8 and int4 of it), its AWQ or its GGUF form (`hachi model import`)", method)
}

// methodFiles have the configuration of a method beside config.json.
var methodFiles = map[string]string{"quant_config.json": "awq", "quantize_config.json": "gptq", "hf_quant_config.json": "modelopt"}

// quantMethod is the method of a config.json's quantization, in lower case; "" if
// there is none.
func quantMethod(path string) string {
	data, err := readSmall(path, maxConfig)
	if err != nil {
		return ""
	}
	members, err := strictjson.Object(data)
	if err != nil {
		return ""
	}
	for _, m := range members {
		if m.Null() {
			continue
		}
		var q struct {
			Method string `json:"quant_method"`
			In8Bit bool   `json:"load_in_8bit"`
			In4Bit bool   `json:"load_in_4bit"`
		}
		switch err := json.Unmarshal(m.Value, &q); {
		case m.Key == "quantization_config" && err != nil:
			return "" // Open describes the value
		case m.Key == "quantization_config" && q.Method == "" && (q.In8Bit || q.In4Bit):
			return "bitsandbytes"
		case m.Key == "quantization_config":
			return strings.ToLower(cmp.Or(q.Method, "a method without a name"))
		case m.Key == "quantization":
			return "mlx"
		case m.Key == "compression_config":
			return "compressed-tensors"
		}
	}
	return ""
}
