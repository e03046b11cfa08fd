package awq

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

const (
	configFile   = "config.json"
	quantization = "quantization_config" // its key in config.json

	// QuantizationFile is where AutoAWQ wrote the quantization in 2023, before it
	// moved into config.json.
	QuantizationFile = "quant_config.json"
)

// readConfig reads config.json and, if there is one, quant_config.json: the
// model, config.json without the part about quantization, and the size of a
// group. Where both files describe the quantization, both must agree.
func readConfig(dir string) (c model.Config, plain []byte, group int, err error) {
	path := filepath.Join(dir, configFile)
	data, err := os.ReadFile(path)
	if err != nil {
		return c, nil, 0, err
	}
	c, plain, inside, err := parseConfig(data)
	if err != nil {
		return c, nil, 0, fmt.Errorf("%s: %w", path, err)
	}
	beside, err := readQuantizationFile(filepath.Join(dir, QuantizationFile))
	switch {
	case err != nil:
		return c, nil, 0, err
	case inside == 0 && beside == 0:
		return c, nil, 0, fmt.Errorf("%s: %s: missing, and there is no %s: this is no AWQ checkpoint", path, quantization, QuantizationFile)
	case inside != 0 && beside != 0 && inside != beside:
		return c, nil, 0, fmt.Errorf("%s: group size %d, but %s has %d", path, inside, QuantizationFile, beside)
	}
	return c, plain, max(inside, beside), nil
}

// readQuantizationFile is 0 for a file that does not exist.
func readQuantizationFile(path string) (group int, err error) {
	data, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if group, err = parseQuantization(data, false); err != nil {
		return 0, fmt.Errorf("%s: %w", path, err)
	}
	return group, nil
}

// parseConfig reads config.json. group is 0 if it does not describe a
// quantization.
func parseConfig(data []byte) (c model.Config, plain []byte, group int, err error) {
	members, err := strictjson.Object(data)
	if err != nil {
		return c, nil, 0, err
	}
	rest := map[string]json.RawMessage{}
	for _, m := range members {
		if m.Key != quantization {
			rest[m.Key] = m.Value
			continue
		}
		if group, err = parseQuantization(m.Value, true); err != nil {
			return c, nil, 0, fmt.Errorf("%s: %w", quantization, err)
		}
	}
	if plain, err = json.MarshalIndent(rest, "", "  "); err != nil {
		return c, nil, 0, err
	}
	c, _, err = arch.ParseConfig(plain)
	return c, append(plain, '\n'), group, err
}

// older are the names that keys had in quant_config.json.
var older = map[string]string{"w_bit": "bits", "q_group_size": "group_size"}

// expected are the values of the keys that decide how bits are read.
var expected = map[string]string{"quant_method": `"awq"`, "bits": "4", "version": `"gemm"`, "zero_point": "true"}

// parseQuantization checks everything that decides how bits are read. The method
// must be named unless the name of the file says it.
func parseQuantization(raw json.RawMessage, needsMethod bool) (group int, err error) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return 0, err
	}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	seen := map[string]bool{}
	for _, m := range members {
		key := m.Key
		if newer, ok := older[key]; ok {
			key = newer
		}
		if seen[key] {
			fault("%s: stands twice, once under its older name", m.Key)
		}
		seen[key] = true
		switch key {
		case "group_size":
			if json.Unmarshal(m.Value, &group) != nil || group < tensor.GroupCols || group%tensor.GroupCols != 0 {
				fault("%s: found %s, expected a multiple of %d", m.Key, m.Value, tensor.GroupCols)
			}
		case "modules_to_not_convert", "backend", "do_fuse", "exllama_config", "fuse_max_seq_len", "modules_to_fuse":
			// Which modules are plain shows in the tensors; the rest is about
			// other programs.
		default:
			want, ok := expected[key]
			if !ok {
				fault("%s: unknown key: it may change the arithmetic, and hachi does not implement it", m.Key)
			} else if strings.ToLower(string(m.Value)) != want {
				fault("%s: found %s, expected %s", m.Key, m.Value, want)
			}
		}
	}
	if needsMethod && !seen["quant_method"] {
		fault("quant_method: missing")
	}
	for _, key := range []string{"bits", "group_size"} {
		if !seen[key] {
			fault("%s: missing", key)
		}
	}
	return group, errors.Join(faults...)
}
