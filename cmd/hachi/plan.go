package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/coordinator/planner"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sizing"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// planFlags say what to plan.
type planFlags struct {
	placement role.PlacementConfig
	asJSON    bool
	// For a cluster that runs.
	without          []string
	rebalance, moves bool
	// For machines without a cluster.
	model, quantize, file string
	nodes                 []string
	batches               []int
}

func newPlan() *cobra.Command {
	var where finder
	p := planFlags{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "show what a placement would change, or whether machines can serve a model, and how fast at most",
		Long: `plan asks the leader of a running cluster what a placement would change: what
moves, how many bytes, how long it takes, and why. Nothing is changed.

With --model and --nodes (or --node), plan answers without a cluster whether
machines can serve a model, and how fast at most: the time of the experts only,
without attention and the network. The file of --nodes is YAML:

  nodes:
    - name: big            # big-0 to big-3
      count: 4
      memory: 64Gi         # for weights of experts
      bandwidth: 40GB      # of memory, per second; hachi bench kernel measures it
      rows: 20000          # of an expert per second, if computing bounds the speed
      zone: rack-1

--node name=big,count=4,memory=64Gi,bandwidth=40GB says the same.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if p.model == "" && p.file == "" && len(p.nodes) == 0 {
				return p.cluster(cmd, &where)
			}
			return p.machines(cmd)
		},
	}
	where.flags(cmd.Flags())
	p.flags(cmd.Flags())
	return cmd
}

func (p *planFlags) flags(f *pflag.FlagSet) {
	f.StringVar(&p.placement.Policy, "placement", "", "column, balanced or eplb; the cluster's when empty, balanced without one")
	f.IntVar(&p.placement.Replicas, "replicas", 0, "replicas of each expert; 0 is the cluster's, and 2 without one")
	f.IntVar(&p.placement.Redundant, "redundant-experts", 0, "copies more that a layer has, of its busiest experts; 0 is the cluster's")
	f.StringSliceVar(&p.without, "without", nil, "nodes of the cluster that are taken for gone")
	f.BoolVar(&p.rebalance, "rebalance", false, "move all that load asks for, at once")
	f.BoolVar(&p.moves, "moves", false, "list every expert that moves")
	f.StringVar(&p.model, "model", "", "checkpoint directory or preset, for a plan without a cluster: 8x7b, or as in hachi model init")
	f.StringVar(&p.quantize, "quantize", "", "format that experts get when they are loaded: "+formatNames())
	f.StringVar(&p.file, "nodes", "", "YAML file with the machines of a plan without a cluster")
	f.StringArrayVar(&p.nodes, "node", nil, "machines of a plan without a cluster, name=NAME,memory=SIZE[,count=N][,bandwidth=SIZE][,rows=N][,zone=ZONE]; may be repeated")
	f.IntSliceVar(&p.batches, "batch", []int{1, 8, 64}, "tokens that are decoded together; the placement is for the first")
	f.BoolVar(&p.asJSON, "json", false, "print JSON")
}

// cluster plans for a cluster that runs.
func (p *planFlags) cluster(cmd *cobra.Command, where *finder) error {
	view, err := where.view(cmd.Context())
	if err != nil {
		return err
	}
	plan, err := view.AskPlan(cmd.Context(), &hachiv1.PlanPlacementRequest{
		Policy: p.placement.Policy, Replicas: uint32(max(0, p.placement.Replicas)), RedundantExperts: uint32(max(0, p.placement.Redundant)),
		Without: p.without, Rebalance: p.rebalance,
	})
	if err != nil {
		return err
	}
	if p.asJSON {
		return printJSON(cmd.OutOrStdout(), describePlan(plan))
	}
	return printPlan(cmd.OutOrStdout(), describePlan(plan), p.moves)
}

// machines plans for machines without a cluster.
func (p *planFlags) machines(cmd *cobra.Command) error {
	if p.model == "" || (p.file == "" && len(p.nodes) == 0) {
		return &role.ConfigError{Err: errors.New("a plan without a cluster needs --model, and --nodes or --node")}
	}
	if len(p.without) > 0 || p.rebalance {
		return &role.ConfigError{Err: errors.New("--without and --rebalance are for a cluster that runs")}
	}
	r := sizing.Request{Policy: planner.Policy(p.placement.Policy), Replicas: p.placement.Replicas, Redundant: p.placement.Redundant, Batches: p.batches}
	if r.Policy == "" {
		r.Policy = planner.Balanced
	}
	if r.Replicas == 0 {
		r.Replicas = 2
	}
	var f role.Faults
	role.PlacementConfig{Policy: string(r.Policy), Replicas: r.Replicas, Redundant: r.Redundant}.Check(&f)
	for _, batch := range p.batches {
		f.Min("--batch", batch, 1)
	}
	var err error
	if r.Nodes, err = readMachines(p.file, p.nodes); err != nil {
		f = append(f, err)
	}
	if r.Model, err = sizeOf(p.model, p.quantize); err != nil {
		f = append(f, err)
	}
	if err := f.Err(); err != nil {
		return err
	}
	report, err := sizing.Compute(cmd.Context(), r)
	if err != nil {
		return err
	}
	if p.asJSON {
		return printJSON(cmd.OutOrStdout(), report)
	}
	return printSizing(cmd.OutOrStdout(), report)
}

// sizeOf is the size of a preset or of the checkpoint in a directory.
func sizeOf(name, quantize string) (sizing.Model, error) {
	if err := role.CheckQuantize(quantize); err != nil {
		return sizing.Model{}, err
	}
	cfg, size := model.Config{}, int64(0)
	if shape, err := preset.Shape(name); err == nil {
		cfg, size = shape, expertBytes(shape, shape.DType)
	} else {
		ckpt, err := checkpoint.Open(name)
		if err != nil {
			return sizing.Model{}, fmt.Errorf("--model %s: %w", name, err)
		}
		defer ckpt.Close()
		cfg, size = ckpt.Config(), ckpt.ExpertBytes()
	}
	if quantize != "" {
		format, err := tensor.Target(quantize)
		if err != nil {
			return sizing.Model{}, err
		}
		size = expertBytes(cfg, format)
	}
	return sizing.Model{Name: name, Topology: cfg.Topology(), TopK: cfg.TopK, ExpertBytes: size}, nil
}

func expertBytes(c model.Config, format tensor.DType) int64 {
	return int64(2*format.Bytes(c.FFN, c.Hidden) + format.Bytes(c.Hidden, c.FFN))
}
