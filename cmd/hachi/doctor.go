package main

import (
	"context"
	"errors"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/doctor"
	"github.com/hachi-serve/hachi/internal/role"
)

// examination says what to examine.
type examination struct {
	where        finder
	config, role string // a file, and who reads it
	model        string
	verify       bool
	backend      string
	device       int
	skipMeasure  bool
	asJSON       bool
}

func newDoctor() *cobra.Command {
	e := examination{}
	cmd := &cobra.Command{
		Use:        "doctor",
		Short:      "find what is wrong with a cluster, a configuration or this machine, and say what to do",
		SuggestFor: []string{"check", "diagnose", "health"},
		Long: `doctor asks a running cluster, its etcd and each of its processes, and this
machine. It finds processes that do not answer, certificates that end, an etcd that
is full, experts without a replica, clocks and versions that differ, and memory that
does not suffice. Nothing is changed. Without etcd, or without a cluster, it says so,
and examines what is left: etcd's members, certificates and this machine.

With --role-config and --role it examines the configuration of a process before its
start, and no cluster: the file, its model, ports, certificates, memory and device.
With --model it examines a checkpoint; --verify hashes every tensor.

It ends with status 1 when there is a fault or a warning, and prints what to do for
each; notes do not count.`,
		Args: arguments(0),
		RunE: e.run,
	}
	e.where.flags(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&e.config, "role-config", "", "file that a role reads by --config, to be examined before its start")
	f.StringVar(&e.role, "role", "", "role that reads --role-config: up, coordinator, expertnode, router or gateway")
	f.StringVar(&e.model, "model", "", "checkpoint directory to examine; that of --role-config when empty")
	f.BoolVar(&e.verify, "verify", false, "hash every tensor of the model and compare, which reads all of it")
	f.StringVar(&e.backend, "backend", "", "backend whose device is opened, for example cuda; that of --role-config when empty")
	f.IntVar(&e.device, "device", 0, "number of the device that --backend opens")
	f.BoolVar(&e.skipMeasure, "no-measure", false, "do not measure the bandwidth of memory, which keeps every core busy for a second")
	f.BoolVar(&e.asJSON, "json", false, "print JSON")
	return cmd
}

// errUnhealthy is the end of an examination that found something; the report says what.
var errUnhealthy = errors.New("there are faults or warnings")

func (e *examination) run(cmd *cobra.Command, _ []string) error {
	facts := doctor.Facts{Now: time.Now()}
	if err := e.gather(cmd.Context(), &facts); err != nil {
		return err
	}
	report := doctor.Examine(facts)
	if e.asJSON {
		if err := printJSON(cmd.OutOrStdout(), report); err != nil {
			return err
		}
	} else {
		report.Print(cmd.OutOrStdout())
	}
	if !report.Healthy() {
		return errUnhealthy
	}
	return nil
}

// gather collects the facts that the flags ask for.
func (e *examination) gather(ctx context.Context, facts *doctor.Facts) (err error) {
	if facts.Machine, err = doctor.GatherMachine("", role.KernelChoices(), !e.skipMeasure); err != nil {
		return err
	}
	switch {
	case e.config != "":
		return e.gatherConfig(ctx, facts)
	case e.role != "":
		return &role.ConfigError{Err: errors.New("--role needs --role-config, the file that the role reads")}
	case e.model == "" && e.backend == "":
		if err := e.gatherCluster(ctx, facts); err != nil {
			return err
		}
	}
	facts.Certificates = append(facts.Certificates, doctor.GatherCertificates(facts.Now, e.where.certificates, e.where.etcdCertificates)...)
	if e.backend != "" {
		facts.Device = doctor.GatherDevice(e.backend, backend.Options{Device: e.device}, backends())
	}
	if e.model != "" {
		facts.Model = e.gatherModel(ctx, role.ModelConfig{Dir: e.model})
	}
	return nil
}

// gatherCluster asks a cluster. One that is not found is a fact: what is known of etcd and
// of this machine is examined.
func (e *examination) gatherCluster(ctx context.Context, facts *doctor.Facts) error {
	where, err := e.where.find(ctx)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		facts.Unreadable = err.Error()
		facts.GatherEtcd(ctx, where)
	default:
		facts.GatherCluster(ctx, where)
	}
	return ctx.Err()
}

// gatherModel inspects a checkpoint as `hachi model inspect` does.
func (e *examination) gatherModel(ctx context.Context, m role.ModelConfig) *doctor.ModelFacts {
	out := &doctor.ModelFacts{Dir: m.Dir}
	_, ckpt, err := inspectModel(ctx, m)
	if err != nil {
		out.Faults = explain(newDoctor(), err)
	}
	if ckpt == nil {
		return out
	}
	defer ckpt.Close()
	out.ExpertBytes, out.DenseBytes, out.Experts = ckpt.ExpertBytes(), ckpt.DenseBytes(), ckpt.Config().Topology().Experts()
	out.Manifest = ckpt.Manifest() != nil
	if e.verify && out.Manifest {
		if _, err := ckpt.Verify(ctx, nil); err != nil {
			out.Differs = err.Error()
		}
	}
	return out
}
