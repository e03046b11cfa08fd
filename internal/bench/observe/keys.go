package observe

import (
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/api/keys"
)

// written is a key, and the file that has its entry.
type written struct{ key, file string }

// writeKeys makes the keys of a client and of an operator, and their files.
func writeKeys(dir string) (client, operator written, err error) {
	if client, err = writeKey(dir, "client"); err != nil {
		return client, operator, err
	}
	operator, err = writeKey(dir, "operator")
	return client, operator, err
}

func writeKey(dir, name string) (written, error) {
	key, entry, err := keys.New(name, keys.Limits{})
	if err != nil {
		return written{}, err
	}
	text, err := yaml.Marshal([]keys.Entry{entry})
	if err != nil {
		return written{}, err
	}
	out := written{key, filepath.Join(dir, name+"s.yaml")}
	return out, os.WriteFile(out.file, text, 0o600)
}
