package role

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"

	"go.yaml.in/yaml/v3"
)

// ReadConfig reads a YAML file into a configuration, whose other fields keep
// their values. A field that the configuration does not have is an error.
func ReadConfig(path string, into any) error {
	raw, err := os.ReadFile(path)
	if err != nil {
		return &ConfigError{Err: err}
	}
	if err := decode(raw, into); err != nil {
		return &ConfigError{Err: fmt.Errorf("%s: %w", path, err)}
	}
	return nil
}

func decode(raw []byte, into any) error {
	d := yaml.NewDecoder(bytes.NewReader(raw))
	d.KnownFields(true)
	err := d.Decode(into)
	if errors.Is(err, io.EOF) { // an empty file says nothing
		return nil
	}
	if err != nil {
		return plainly(err)
	}
	if err := d.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return errors.New("want one YAML document")
	}
	return nil
}

var (
	unknownField = regexp.MustCompile(`^(line \d+): field (\S+) not found in type .*$`)
	goType       = regexp.MustCompile(` into \S+$`)
	yamlTag      = regexp.MustCompile(`cannot unmarshal !!\S+ `)
)

// plainly rewrites the errors of the YAML library, which speak of Go's types.
func plainly(err error) error {
	var types *yaml.TypeError
	if !errors.As(err, &types) {
		return err
	}
	var all []error
	for _, text := range types.Errors {
		text = unknownField.ReplaceAllString(text, `$1: unknown field "$2"`)
		text = yamlTag.ReplaceAllString(goType.ReplaceAllString(text, ""), "value of a wrong type: ")
		all = append(all, errors.New(text))
	}
	return errors.Join(all...)
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
