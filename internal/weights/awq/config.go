package awq

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

const quantization = "quantization_config"

// parseConfig reads config.json: the model, its configuration without the part
// about quantization, and the size of a group.
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
		if group, err = parseQuantization(m.Value); err != nil {
			return c, nil, 0, fmt.Errorf("%s: %w", quantization, err)
		}
	}
	if group == 0 {
		return c, nil, 0, fmt.Errorf("%s: missing: this is no AWQ checkpoint", quantization)
	}
	if plain, err = json.MarshalIndent(rest, "", "  "); err != nil {
		return c, nil, 0, err
	}
	c, _, err = arch.ParseConfig(plain)
	return c, append(plain, '\n'), group, err
}

// parseQuantization checks everything that decides how bits are read.
func parseQuantization(raw json.RawMessage) (group int, err error) {
	members, err := strictjson.Object(raw)
	if err != nil {
		return 0, err
	}
	var faults []error
	want := map[string]string{"quant_method": `"awq"`, "bits": "4", "version": `"gemm"`, "zero_point": "true"}
	for _, m := range members {
		value := strings.ToLower(string(m.Value))
		switch m.Key {
		case "group_size":
			if json.Unmarshal(m.Value, &group) != nil || group < tensor.GroupCols || group%tensor.GroupCols != 0 {
				faults = append(faults, fmt.Errorf("group_size: found %s, expected a multiple of %d", m.Value, tensor.GroupCols))
			}
		case "modules_to_not_convert", "backend", "do_fuse", "exllama_config", "fuse_max_seq_len", "modules_to_fuse":
			// Which modules are plain shows in the tensors; the rest is about
			// other programs.
		default:
			expected, ok := want[m.Key]
			if !ok {
				faults = append(faults, fmt.Errorf("%s: unknown key: it may change the arithmetic, and hachi does not implement it", m.Key))
			} else if value != expected {
				faults = append(faults, fmt.Errorf("%s: found %s, expected %s", m.Key, m.Value, expected))
			}
			delete(want, m.Key)
		}
	}
	for _, key := range []string{"quant_method", "bits"} {
		if _, missing := want[key]; missing {
			faults = append(faults, fmt.Errorf("%s: missing", key))
		}
	}
	if group == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("group_size: missing"))
	}
	return group, errors.Join(faults...)
}
