package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// document is what tells an operator how to run the manifests.
const document = root + "/docs/kubernetes.md"

// operator runs the commands of the document, with the hachi of the image and a
// kubectl that keeps Secrets in files.
type operator struct {
	dir     string // certs, and files of keys
	hachi   string
	secrets string              // NAME/KEY
	locally func(string) string // makes names of a script addresses of this machine; nil makes none
}

// kubectlEnv makes the test binary kubectl, and names the folder of its Secrets.
const kubectlEnv = "HACHI_VERIFY_KUBECTL"

func newOperator(t *testing.T, locally func(string) string) *operator {
	t.Helper()
	o := &operator{dir: t.TempDir(), hachi: builtImage(t).program(), secrets: filepath.Join(t.TempDir(), "secrets"), locally: locally}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	kubectl := fmt.Sprintf("#!/bin/sh\n%s='%s' exec '%s' \"$@\"\n", kubectlEnv, o.secrets, self)
	base, err := filepath.Abs(manifests)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		os.MkdirAll(filepath.Join(o.dir, "bin"), 0o700), os.MkdirAll(filepath.Join(o.dir, "deploy"), 0o700),
		os.WriteFile(filepath.Join(o.dir, "bin", "kubectl"), []byte(kubectl), 0o700),
		os.Symlink(o.hachi, filepath.Join(o.dir, "bin", "hachi")), os.Symlink(base, filepath.Join(o.dir, "deploy", "k8s")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	return o
}

// documentedScript is the block of commands of the document that begins with a line.
func documentedScript(t *testing.T, first string) string {
	t.Helper()
	raw, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, found := strings.Cut(string(raw), "```sh\n"+first)
	block, _, closed := strings.Cut(rest, "```")
	if !found || !closed {
		t.Fatalf("%s has no block of commands that begins with %q", document, first)
	}
	return first + block
}

// run runs a script. It returns what the commands print for an operator.
func (o *operator) run(t *testing.T, script string) string {
	t.Helper()
	if o.locally != nil {
		script = o.locally(script)
	}
	cmd := exec.Command("sh", "-ec", script)
	cmd.Dir = o.dir
	cmd.Env = append(os.Environ(), "PATH="+filepath.Join(o.dir, "bin")+":"+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s\n%v\n%s", script, err, out)
	}
	return string(out)
}

// prepare makes the Secrets, and returns the key of the client and that of the admin.
func (o *operator) prepare(t *testing.T) (client, admin string) {
	t.Helper()
	said := o.run(t, documentedScript(t, "kubectl apply -f deploy/k8s/base/namespace.yaml\n"))
	keys := regexp.MustCompile(`hachi_[A-Z2-7]+`).FindAllString(said, -1)
	if len(keys) != 2 {
		t.Fatalf("the keys are %v, want one of a client and one of an admin: %s", keys, said)
	}
	return keys[0], keys[1]
}

// kubectl is a kubectl that knows what the document uses.
func kubectl(secrets string, args []string) error {
	args = slices.DeleteFunc(slices.Clone(args), func(arg string) bool { return arg == "-n" || arg == "hachi" || arg == "--server-side" })
	switch command := strings.Join(args[:min(2, len(args))], " "); {
	case slices.Equal(args, []string{"apply", "-f", "-"}):
		return applySecrets(secrets)
	case command == "apply -f" && len(args) == 3:
		_, err := os.Stat(args[2])
		return err
	case command == "create secret" && len(args) > 4 && args[2] == "generic":
		return createSecret(filepath.Join(secrets, args[3]), args[4:])
	}
	return fmt.Errorf("this kubectl does not know %q", args)
}

// applySecrets keeps the Secrets of a list.
func applySecrets(secrets string) error {
	var list struct {
		Items []struct {
			Kind     string
			Metadata struct{ Name, Namespace string }
			Data     map[string][]byte
		}
	}
	in := json.NewDecoder(os.Stdin)
	if err := in.Decode(&list); err != nil {
		return err
	}
	for _, s := range list.Items {
		if s.Kind != "Secret" || s.Metadata.Namespace != "hachi" {
			return fmt.Errorf("%s %s of namespace %q", s.Kind, s.Metadata.Name, s.Metadata.Namespace)
		}
		if err := keepSecret(filepath.Join(secrets, s.Metadata.Name), s.Data); err != nil {
			return err
		}
	}
	return nil
}

func createSecret(dir string, flags []string) error {
	data := map[string][]byte{}
	for _, flag := range flags {
		file, ok := strings.CutPrefix(flag, "--from-file=")
		if !ok {
			return fmt.Errorf("this kubectl does not know %q", flag)
		}
		key, path, named := strings.Cut(file, "=")
		if !named {
			key, path = filepath.Base(file), file
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		data[key] = raw
	}
	return keepSecret(dir, data)
}

// keepSecret replaces the files of a Secret.
func keepSecret(dir string, data map[string][]byte) error {
	errs := []error{os.MkdirAll(dir, 0o700)}
	for key, value := range data {
		next := filepath.Join(dir, "..new-"+key)
		errs = append(errs, os.WriteFile(next, value, 0o600), os.Rename(next, filepath.Join(dir, key)))
	}
	return errors.Join(errs...)
}

// TestDocumentedSecretsAreThoseOfThePods: the commands of the document make every
// Secret and every key that the pods mount, and no other; none has the key of the
// authority or that of an operator.
func TestDocumentedSecretsAreThoseOfThePods(t *testing.T) {
	t.Parallel()
	o := newOperator(t, nil)
	o.prepare(t)
	got := map[string][]string{}
	files, err := filepath.Glob(filepath.Join(o.secrets, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		got[name] = append(got[name], filepath.Base(file))
	}
	for _, overlay := range []string{"cpu", "gpu", "trn1"} {
		want := render(t, overlay).Secrets()
		for name, keys := range want {
			slices.Sort(keys)
			if !slices.Equal(got[name], keys) {
				t.Errorf("%s: the Secret %s has %v, the pods need %v", overlay, name, got[name], keys)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: the document makes %v, the pods need %v", overlay, got, want)
		}
	}
	for _, outside := range []string{"certs/ca.key", "certs/operator/alice/tls.key"} {
		key, err := os.ReadFile(filepath.Join(o.dir, outside))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if raw, err := os.ReadFile(file); err != nil || bytes.Contains(raw, key) {
				t.Errorf("%s has %s, %v", file, outside, err)
			}
		}
	}
}
