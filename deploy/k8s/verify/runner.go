package verify

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
)

// Runner runs the containers of pods as processes of this machine, each at the
// address of its pod. Volumes are folders; names are resolved before a process sees
// them.
type Runner struct {
	Manifests *Manifests // have the ConfigMaps
	Names     Names
	Images    map[string]Program // by name, without a tag
	Model     string             // the folder of the claim model
	Secrets   string             // a folder with NAME/KEY of every Secret
	Authority string             // a folder with ca.crt and ca.key, of the Issuer
	Dir       string             // of logs, and of the root of each pod, which has its volumes
}

// Program is what an image runs, and variables NAME=VALUE that it needs here besides.
type Program struct {
	Path string
	Env  []string
}

// program is that of a container's image.
func (r *Runner) program(c *corev1.Container) (Program, error) {
	name, _, _ := cutLast(c.Image, ":")
	p, ok := r.Images[name]
	if !ok {
		return p, fmt.Errorf("there is no image %q", c.Image)
	}
	return p, nil
}

// Start starts a pod: its volumes, and then its containers.
func (r *Runner) Start(p Pod) (*Process, error) {
	if err := r.mount(p); err != nil {
		return nil, err
	}
	if err := r.initialize(p); err != nil {
		return nil, err
	}
	return r.Restart(p)
}

// Restart starts the container of a pod whose volumes are there, as a kubelet does when a
// container has ended.
func (r *Runner) Restart(p Pod) (*Process, error) {
	cmd, err := r.Command(p)
	if err != nil {
		return nil, err
	}
	out, err := os.OpenFile(filepath.Join(r.Dir, p.Name+".log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return nil, err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = out, out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	run := &Process{Pod: p, cmd: cmd, log: out.Name(), done: make(chan struct{})}
	go func() {
		defer close(run.done)
		_ = cmd.Wait() // the state tells
	}()
	return run, nil
}

// initialize runs the containers that end before the others start.
func (r *Runner) initialize(p Pod) error {
	for _, c := range p.Workload.Template.Spec.InitContainers {
		program, err := r.program(&c)
		if err != nil {
			return err
		}
		args := slices.Clone(c.Args)
		for i, arg := range args {
			args[i] = r.local(p, arg)
		}
		cmd := exec.Command(program.Path, args...)
		cmd.Env, cmd.Dir = append([]string{}, program.Env...), r.Dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("pod %s: %s: %w\n%s", p.Name, c.Name, err, out)
		}
	}
	return nil
}

// Command is the container's program with its arguments and nothing in its
// environment that the manifests do not put there.
func (r *Runner) Command(p Pod) (*exec.Cmd, error) {
	env, err := r.Manifests.Environment(p)
	if err != nil {
		return nil, err
	}
	args, err := p.Arguments(env)
	if err != nil {
		return nil, err
	}
	for i, arg := range args {
		if args[i], err = r.Names.Localize(p, r.local(p, arg)); err != nil {
			return nil, err
		}
	}
	variables, err := r.Environment(p)
	if err != nil {
		return nil, err
	}
	program, err := r.program(p.Workload.Container())
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program.Path, args...)
	cmd.Env, cmd.Dir = append(variables, program.Env...), r.Dir
	return cmd, nil
}

// Environment is that of the container, NAME=VALUE. It is never nil, which would be
// that of this process.
func (r *Runner) Environment(p Pod) ([]string, error) {
	env, err := r.Manifests.Environment(p)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for name, value := range env {
		if value, err = r.Names.Localize(p, r.local(p, value)); err != nil {
			return nil, err
		}
		out = append(out, name+"="+value)
	}
	slices.Sort(out)
	return out, nil
}

// local replaces a path of a pod, behind the flag of an argument, by where it is on
// this machine.
func (r *Runner) local(p Pod, text string) string {
	flag, value, found := strings.Cut(text, "=")
	if !found {
		flag, value = "", text
	} else {
		flag += "="
	}
	if !filepath.IsAbs(value) || !p.mounted(value) {
		return text
	}
	return flag + filepath.Join(r.Dir, p.Name, value)
}
