package verify

import (
	"crypto/sha256"
	"debug/elf"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"
)

// TestImage: one static binary, run by a user who is not root.
func TestImage(t *testing.T) {
	t.Parallel()
	i := builtImage(t)
	if len(i.files) != 1 || len(i.entrypoint) != 1 || i.program() == "" {
		t.Fatalf("the image holds %v and starts %v, want one file", i.files, i.entrypoint)
	}
	if user, group, _ := strings.Cut(i.user, ":"); user != "65532" || group != "65532" {
		t.Errorf("it runs as %q, want the number that the manifests name", i.user)
	}
	if runtime.GOOS != "linux" {
		return // the binary is no ELF file here
	}
	binary, err := elf.Open(i.program())
	if err != nil {
		t.Fatal(err)
	}
	defer binary.Close()
	if libraries, err := binary.ImportedLibraries(); err == nil && len(libraries) > 0 {
		t.Errorf("the binary needs %v", libraries)
	}
	for _, p := range binary.Progs {
		if p.Type == elf.PT_INTERP {
			t.Error("the binary needs a dynamic linker")
		}
	}
}

// TestImageForGPUs: beside the binary it holds the loader and the libraries that the
// binary and the driver's library need, and nothing of CUDA. The loader of the image
// runs the binary with the libraries of the image.
func TestImageForGPUs(t *testing.T) {
	t.Parallel()
	i := built(t, cudaDockerfile)
	system := i.files["/"]
	if len(i.files) != 2 || i.program() == "" || system == "" || i.user != "65532:65532" {
		t.Fatalf("the image holds %v and runs as %s", i.files, i.user)
	}
	var loader string
	names := map[string]bool{}
	err := filepath.WalkDir(system, func(path string, d os.DirEntry, err error) error {
		if name := d.Name(); err == nil && !d.IsDir() {
			names[name] = true
			if strings.HasPrefix(name, "ld-linux") {
				loader = path
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, need := range []string{"libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0"} {
		if !names[need] {
			t.Errorf("the image has no %s: %v", need, names)
		}
	}
	if len(names) != 6 || loader == "" {
		t.Fatalf("the image has the files %v, want five libraries and a loader", names)
	}
	libraries, err := filepath.Glob(system + "/lib/*-linux-gnu")
	if err != nil || len(libraries) != 1 {
		t.Fatalf("libraries in %v, %v", libraries, err)
	}
	out, err := exec.Command(loader, "--library-path", libraries[0], i.program(), "version").CombinedOutput()
	if want := "hachi " + testRelease; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("with the image's own loader: %v\n%s", err, out)
	}
}

// TestImageNamesItsBuild: the build sees no repository, so that the builder
// says what it builds.
func TestImageNamesItsBuild(t *testing.T) {
	t.Parallel()
	out, err := exec.Command(builtImage(t).program(), "version").Output()
	if want := "hachi " + testRelease + " commit " + testCommit + " go"; err != nil || !strings.HasPrefix(string(out), want) {
		t.Errorf("hachi version prints %q, %v; want %q", out, err, want)
	}
}

// TestImageIsReproducible: the same files give the same binary, wherever they are.
func TestImageIsReproducible(t *testing.T) {
	t.Parallel()
	again, err := follow(dockerfile, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	var sums [2][sha256.Size]byte
	for i, program := range []string{builtImage(t).program(), again.program()} {
		raw, err := os.ReadFile(program)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(raw)
	}
	if sums[0] != sums[1] {
		t.Errorf("two builds give %x and %x", sums[0], sums[1])
	}
}

// TestTheImageWithoutAnEngineIsTheSame: make image takes the same binary, and puts it to
// the same place.
func TestTheImageWithoutAnEngineIsTheSame(t *testing.T) {
	t.Parallel()
	i := builtImage(t)
	layout := gomod(t, root+"/tools/image/layout.go")
	for _, want := range []string{fmt.Sprintf("path = %q", strings.TrimPrefix(i.entrypoint[0], "/")), fmt.Sprintf("user = %q", i.user)} {
		if !strings.Contains(layout, want) {
			t.Errorf("tools/image has no constant %s", want)
		}
	}
	flags := regexp.MustCompile(`go build (?:-tags cuda )?(-trimpath -buildvcs=false \S+="[^"]*")`)
	variables := regexp.MustCompile(`\$\(?(RELEASE|COMMIT)\)?`)
	var found []string
	for _, file := range []string{root + "/Makefile", dockerfile, cudaDockerfile} {
		for _, match := range flags.FindAllStringSubmatch(gomod(t, file), -1) {
			found = append(found, variables.ReplaceAllString(match[1], "$1"))
		}
	}
	if len(found) != 3 || found[0] != found[1] || found[1] != found[2] {
		t.Errorf("make image and the Dockerfiles build with %q", found)
	}
}

// pinned names an image by version and by content.
var pinned = regexp.MustCompile(`^[a-z./-]+:[0-9.]+@sha256:[0-9a-f]{64}$`)

// TestBaseImagesArePinned: a tag can be moved to another image.
func TestBaseImagesArePinned(t *testing.T) {
	for _, file := range []string{dockerfile, cudaDockerfile, neuronDockerfile} {
		stages, err := parseDockerfile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, stage := range stages {
			given := file == neuronDockerfile && strings.HasPrefix(stage.BaseName, "${") // by who builds
			if !given && stage.BaseName != "scratch" && !pinned.MatchString(stage.BaseName) {
				t.Errorf("%s: stage %q is built from %s, want VERSION@sha256:DIGEST", file, stage.Name, stage.BaseName)
			}
		}
	}
	for _, moving := range []string{"golang:1.26.8", "golang@sha256:" + strings.Repeat("0", 64), "golang:1.26.8@sha256:0"} {
		if pinned.MatchString(moving) {
			t.Errorf("%s counts as pinned", moving)
		}
	}
}

// TestUsers: the pods run as the image's user.
func TestUsers(t *testing.T) {
	t.Parallel()
	i := builtImage(t)
	for _, w := range render(t, "cpu").Workloads() {
		s := w.Template.Spec.SecurityContext
		if got := fmt.Sprintf("%d:%d", *s.RunAsUser, *s.RunAsGroup); got != i.user {
			t.Errorf("%s runs as %s, the image as %s", w.Name, got, i.user)
		}
	}
}
