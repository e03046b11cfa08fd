package checkpoint

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// Diagnose finds, from names and the first bytes of files, what kind of model
// path is no checkpoint directory, and says how to get one. It returns nil for a
// path that Open can judge by its contents. A wrong path is an *Error of one
// line.
func Diagnose(path string) error {
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.ENOTDIR):
		return foreign(path, absent(path))
	case err != nil:
		return &Error{File: path, Fault: Unreadable, Err: err}
	case !info.IsDir():
		return foreign(path, describeFile(path))
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return &Error{File: path, Fault: Unreadable, Err: err}
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if !slices.Contains(names, configFile) {
		return describeWithoutConfig(path, names)
	}
	if why := describeConfig(path, names); why != "" {
		return foreign(path, why)
	}
	if !slices.ContainsFunc(names, hasSuffix(".safetensors", ".safetensors.index.json")) {
		return describeWithoutWeights(path, names)
	}
	if why := describeOtherNames(names); why != "" {
		return foreign(path, why)
	}
	return describePartial(path)
}

func foreign(path, why string) error {
	return &Error{File: path, Fault: Foreign, Err: errors.New(why)}
}

// hubName matches what the Hugging Face hub calls a model: OWNER/NAME.
var hubName = regexp.MustCompile(`^[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*$`)

// hubURL matches the address of a model on the hub; the first group is its name.
var hubURL = regexp.MustCompile(`^(?:https?://)?(?:huggingface\.co|hf\.co)/([^/?#]+/[^/?#]+)`)

// absent describes a path without a file.
func absent(path string) string {
	if m := hubURL.FindStringSubmatch(path); m != nil {
		return download(m[1])
	}
	switch {
	case strings.Contains(path, "://"):
		return "a URL, and a directory is needed here: download the model, then give its directory"
	case path == "~" || strings.HasPrefix(path, "~/"):
		return "no such directory: the shell did not replace ~; write the home directory in full"
	case hubName.MatchString(path):
		return "no such directory here; if it is a name on the Hugging Face hub: " + download(path)
	}
	return "no such directory"
}

// DiagnoseURL finds, from a URL only, that it is not the place of a checkpoint, and says
// how to get one. It returns nil for a URL that may be one.
func DiagnoseURL(text string) error {
	path, _, _ := strings.Cut(text, "?")
	path = strings.TrimRight(path, "/")
	if m := hubURL.FindStringSubmatch(path); m != nil && strings.HasSuffix(path, "/"+m[1]) {
		return foreign(text, fmt.Sprintf("the page of a model, not its files: %s; or give https://huggingface.co/%s/resolve/main with --model-redirect-host for each host to which it leads", download(m[1]), m[1]))
	}
	name := strings.ToLower(path[strings.LastIndex(path, "/")+1:])
	switch {
	case strings.HasSuffix(name, ".gguf"):
		return foreign(text, "a GGUF file: download it, run `hachi model import FILE DIR`, then give DIR")
	case hasSuffix(".safetensors", ".json")(name):
		return foreign(text, "a file of a checkpoint: give the URL of its directory")
	case hasSuffix(pickled...)(name):
		return foreign(text, "a PyTorch file: "+convertFirst)
	case hasSuffix(archived...)(name):
		return foreign(text, "an archive: download and unpack it, then give the directory")
	}
	return nil
}

// archived are the suffixes of archives.
var archived = []string{".zip", ".tar", ".tgz", ".gz", ".xz", ".zst", ".7z"}

// download says how to get a model of the hub.
func download(name string) string {
	dir := name[strings.LastIndex(name, "/")+1:]
	return fmt.Sprintf("run `hf download %s --local-dir %s`, then give the directory %s", name, dir, dir)
}

const ggufMagic = "GGUF"

// describeFile describes a file where a directory is needed.
func describeFile(path string) string {
	name := strings.ToLower(filepath.Base(path))
	switch {
	case startsWith(path, ggufMagic) || strings.HasSuffix(name, ".gguf"):
		return importFirst("a GGUF file", path)
	case startsWith(path, lfsPrefix):
		return "a Git LFS pointer, not the file itself: " + pullFirst
	case hasSuffix(".safetensors", ".json")(name):
		return "a file of a checkpoint: give its directory, " + filepath.Dir(path)
	case hasSuffix(pickled...)(name):
		return "a PyTorch file: " + convertFirst
	case hasSuffix(archived...)(name):
		return "an archive: unpack it, then give the directory"
	}
	return "a file: give the directory with " + configFile + " and the safetensors files"
}

// pickled are the suffixes of files that PyTorch pickles.
var pickled = []string{".bin", ".pt", ".pth", ".ckpt"}

const (
	lfsPrefix    = "version https://git-lfs"
	pullFirst    = "run `git lfs pull` in the repository of the model"
	mergeFirst   = "an adapter (PEFT, LoRA), not a model: merge it into its base model (merge_and_unload, save_pretrained), then give that directory"
	convertFirst = "hachi reads safetensors only; convert with transformers: AutoModelForCausalLM.from_pretrained(SOURCE).save_pretrained(DIR), and copy the tokenizer files"
)

// importFirst names the command that makes a checkpoint of a source.
func importFirst(what, source string) string {
	return fmt.Sprintf("%s: run `hachi model import %s DIR`, then give DIR", what, source)
}

// describeWithoutConfig describes a directory that has no config.json.
func describeWithoutConfig(dir string, names []string) error {
	find := func(suffixes ...string) string {
		if i := slices.IndexFunc(names, hasSuffix(suffixes...)); i >= 0 {
			return names[i]
		}
		return ""
	}
	if len(names) == 0 {
		return foreign(dir, "an empty directory: download a model into it, or give another directory")
	}
	if name := find(".gguf"); name != "" {
		return foreign(dir, importFirst("no "+configFile+", but a GGUF file", filepath.Join(dir, name)))
	}
	if inner := checkpointsIn(filepath.Join(dir, "snapshots")); len(inner) > 0 {
		return foreign(dir, "a cache of the Hugging Face hub: give the directory of the snapshot, "+inner[0])
	}
	if inner := checkpointsIn(dir); len(inner) == 1 {
		return foreign(dir, "no "+configFile+" here, but in a directory below: give "+inner[0])
	}
	switch {
	case slices.Contains(names, "adapter_config.json"):
		return foreign(dir, mergeFirst)
	case slices.Contains(names, "params.json"):
		return foreign(dir, makersFormat("params.json"))
	}
	if name := find(pickled...); name != "" {
		return foreign(dir, "no "+configFile+", but weights of PyTorch ("+name+"): download the Hugging Face format of the model, with "+configFile+" and safetensors files")
	}
	return &Error{File: filepath.Join(dir, configFile), Fault: Unreadable,
		Err: fmt.Errorf("no such file: give a directory with %s, the safetensors files and the tokenizer of a Mixtral", configFile)}
}

// describeWithoutWeights describes a directory that has a config.json and no
// safetensors file.
func describeWithoutWeights(dir string, names []string) error {
	for _, kind := range []struct {
		suffixes []string
		what     string
	}{
		{pickled, "weights of PyTorch only"},
		{[]string{".h5"}, "weights of TensorFlow only"},
		{[]string{".msgpack"}, "weights of Flax only"},
	} {
		if i := slices.IndexFunc(names, hasSuffix(kind.suffixes...)); i >= 0 {
			return foreign(dir, fmt.Sprintf("%s (%s): %s", kind.what, names[i], convertFirst))
		}
	}
	if i := slices.IndexFunc(names, hasSuffix(".gguf")); i >= 0 {
		return foreign(dir, importFirst("no safetensors file, but a GGUF file", filepath.Join(dir, names[i])))
	}
	return &Error{File: filepath.Join(dir, singleFile), Fault: Unreadable,
		Err: errors.New("no such file: the directory has no weights; download the model again, with its safetensors files")}
}

// describeOtherNames describes safetensors files that are no checkpoint by their names;
// "" leaves them to Open.
func describeOtherNames(names []string) string {
	if slices.Contains(names, singleFile) || slices.Contains(names, indexFile) {
		return ""
	}
	name := names[slices.IndexFunc(names, hasSuffix(".safetensors", ".safetensors.index.json"))]
	switch {
	case slices.Contains(names, "adapter_config.json"):
		return mergeFirst
	case strings.HasPrefix(name, "consolidated"):
		return makersFormat(name)
	case strings.Contains(name, "-of-"):
		return fmt.Sprintf("%s is a part of the weights, and %s, which lists the parts, is missing: finish the download", name, indexFile)
	}
	return fmt.Sprintf("%s is no name of a checkpoint's file: expected %s, or %s and its parts", name, singleFile, indexFile)
}

// makersFormat describes files that are not in the Hugging Face format.
func makersFormat(name string) string {
	return fmt.Sprintf("a checkpoint in the format of its maker (%s): download the Hugging Face format of the model, with %s", name, configFile)
}

// describePartial describes a directory without some of the files that its index
// names. It leaves a wrong index to Open.
func describePartial(dir string) error {
	names, _, err := listFiles(dir)
	if err != nil {
		return nil
	}
	var missing []string
	for _, name := range names {
		path := filepath.Join(dir, name)
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, path)
		} else if startsWith(path, lfsPrefix) {
			return &Error{File: path, Fault: BadHeader, Expected: "weights", Found: "a Git LFS pointer: " + pullFirst}
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return &Error{File: missing[0], Fault: Unreadable,
		Err: fmt.Errorf("no such file: %d of the checkpoint's %d files are missing; finish the download", len(missing), len(names))}
}

// startsWith reports whether a file begins with some bytes.
func startsWith(path, prefix string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, len(prefix))
	n, _ := f.Read(head) // a shorter file begins otherwise
	return string(head[:n]) == prefix
}

// hasSuffix reports whether a name ends with one of some suffixes.
func hasSuffix(suffixes ...string) func(name string) bool {
	return func(name string) bool {
		return slices.ContainsFunc(suffixes, func(s string) bool { return strings.HasSuffix(name, s) })
	}
}

// checkpointsIn lists the directories with a config.json below a directory.
func checkpointsIn(dir string) (found []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil
	}
	for _, e := range entries {
		inner := filepath.Join(dir, e.Name())
		if _, err := os.Stat(filepath.Join(inner, configFile)); err == nil {
			found = append(found, inner)
		}
	}
	return found
}
