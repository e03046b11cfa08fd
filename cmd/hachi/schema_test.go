package main

import (
	"bytes"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// schemas are the configurations and the flags that set them.
func schemas() map[string]func() (config any, cmd *cobra.Command) {
	return map[string]func() (any, *cobra.Command){
		"up": func() (any, *cobra.Command) {
			c, cmd := local.DefaultUp(), &cobra.Command{}
			upFlags(cmd, &c)
			return &c, cmd
		},
		"coordinator": func() (any, *cobra.Command) {
			c, cmd := role.DefaultCoordinator(), &cobra.Command{}
			coordinatorFlags(cmd, &c)
			return &c, cmd
		},
		"expertnode": func() (any, *cobra.Command) {
			c, cmd := role.DefaultExpertNode(), &cobra.Command{}
			expertNodeFlags(cmd, &c)
			return &c, cmd
		},
		"gateway": func() (any, *cobra.Command) {
			c, cmd := role.DefaultGateway(), &cobra.Command{}
			gatewayFlags(cmd, &c)
			return &c, cmd
		},
		"router": func() (any, *cobra.Command) {
			c, cmd := role.DefaultRouter(), &cobra.Command{}
			routerFlags(cmd, &c)
			return &c, cmd
		},
	}
}

// fields lists the leaves of a configuration by their path in the file.
func fields(t *testing.T, config any) map[string]string {
	t.Helper()
	raw, err := yaml.Marshal(config)
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			if key, value := path+n.Content[i].Value, n.Content[i+1]; value.Kind == yaml.MappingNode {
				walk(value, key+".")
			} else {
				var text bytes.Buffer
				text.WriteString(value.Value)
				for _, item := range value.Content {
					text.WriteString(item.Value + ",")
				}
				out[key] = text.String()
			}
		}
	}
	walk(doc.Content[0], "")
	return out
}

// another is a value for a flag that differs from its default.
func another(t *testing.T, f *pflag.Flag) string {
	t.Helper()
	values := map[string]string{
		"string": "x", "int": "7", "size": "7Mi", "duration": "7s", "float64": "7.5", "stringSlice": "a,b", "stringArray": "a",
		"bool": map[string]string{"true": "false", "false": "true"}[f.Value.String()],
	}
	if values[f.Value.Type()] == "" {
		t.Fatalf("--%s is of type %s, for which this test has no value", f.Name, f.Value.Type())
	}
	return values[f.Value.Type()]
}

// TestEveryFieldHasAFlagThatSetsIt: and the flag sets no other field.
func TestEveryFieldHasAFlagThatSetsIt(t *testing.T) {
	for name, open := range schemas() {
		config, cmd := open()
		before := fields(t, config)
		if len(before) < 10 {
			t.Fatalf("%s has only %d fields", name, len(before))
		}
		for path := range before {
			config, cmd := open()
			f := flagOf(cmd, path)
			if f == nil {
				t.Errorf("%s: no flag sets %s", name, path)
				continue
			}
			if err := cmd.Flags().Set(f.Name, another(t, f)); err != nil {
				t.Errorf("%s: --%s: %v", name, f.Name, err)
			}
			after := fields(t, config)
			for _, key := range slices.Sorted(maps.Keys(after)) {
				if changed := after[key] != before[key]; changed != (key == path) {
					t.Errorf("%s: --%s: %s is %q, was %q", name, f.Name, key, after[key], before[key])
				}
			}
		}
		cmd.Flags().VisitAll(func(f *pflag.Flag) {
			if path := fieldOf(f); path != "" {
				if _, ok := before[path]; !ok {
					t.Errorf("%s: --%s sets %s, which is not in the file", name, f.Name, path)
				}
			}
		})
	}
}

// TestEveryFieldOfAConfigurationIsNamedOrLeftOut: a field without a name in the
// file would get the lower-case name of the Go field.
func TestEveryFieldOfAConfigurationIsNamedOrLeftOut(t *testing.T) {
	var walk func(typ reflect.Type)
	walk = func(typ reflect.Type) {
		for i := range typ.NumField() {
			f := typ.Field(i)
			tag := f.Tag.Get("yaml")
			if tag == "" {
				t.Errorf("%v.%s has no name in the configuration file", typ, f.Name)
			}
			if f.Type.Kind() == reflect.Struct && tag != "-" {
				walk(f.Type)
			}
		}
	}
	for _, open := range schemas() {
		config, _ := open()
		walk(reflect.TypeOf(config).Elem())
	}
}

// TestPrintedConfigurationIsReadBack: what hachi config prints is a file for
// --config, and every field in it has a comment.
func TestPrintedConfigurationIsReadBack(t *testing.T) {
	for name, open := range schemas() {
		config, cmd := open()
		var out bytes.Buffer
		cmd.SetOut(&out)
		if err := printConfig(cmd, config); err != nil {
			t.Fatal(err)
		}
		path := writeTemp(t, out.String())
		again, _ := open()
		if err := role.ReadConfig(path, again); err != nil {
			t.Errorf("%s: %v\n%s", name, err, &out)
		}
		if got, want := fields(t, again), fields(t, config); !maps.Equal(got, want) {
			t.Errorf("%s: read %v, want %v", name, got, want)
		}
		if comments := strings.Count(out.String(), "# --"); comments != len(fields(t, config)) {
			t.Errorf("%s: %d comments for %d fields\n%s", name, comments, len(fields(t, config)), &out)
		}
	}
}
