package role

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"go.yaml.in/yaml/v3"
)

// ReadConfig reads a YAML file into a configuration, whose other fields keep
// their values. A field that the configuration does not have is an error. What can
// be read is read in spite of the faults, which are a *ConfigError.
func ReadConfig(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return &ConfigError{Err: err}
	}
	return DecodeConfig(path, raw, into)
}

// DecodeConfig is ReadConfig for a file that has been read. The faults begin with its
// name.
func DecodeConfig(name string, raw []byte, into any) error {
	var f Faults
	for _, fault := range decode(raw, into) {
		f = append(f, fmt.Errorf("%s: %w", name, fault))
	}
	return f.Err()
}

func decode(raw []byte, into any) Faults {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	err := d.Decode(into)
	if errors.Is(err, io.EOF) { // an empty file says nothing
		return nil
	}
	var doc yaml.Node
	var faults Faults
	if yaml.Unmarshal(raw, &doc) == nil {
		faults = fractions(&doc, reflect.TypeOf(into), "")
	}
	if err != nil {
		return append(plainly(err, raw, into), faults...)
	}
	if faults != nil {
		return faults
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return Faults{errors.New("want one YAML document")}
	}
	return nil
}

// WriteConfig writes a configuration as ReadConfig reads it. Only this user may
// read the file.
func WriteConfig(path string, c any) error {
	raw, err := yaml.Marshal(c)
	if err != nil {
		return err
	}
	return os.WriteFile(path, raw, 0o600)
}
