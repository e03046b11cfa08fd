package main

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sizing"
)

// maxMachines bounds the work of a plan.
const maxMachines = 4096

// machineGroup is an entry of the file of --nodes.
type machineGroup struct {
	Name      string    `yaml:"name"`
	Count     int       `yaml:"count"` // above 1, the names are NAME-0, NAME-1, ...; 0 is 1
	Memory    role.Size `yaml:"memory"`
	Bandwidth role.Size `yaml:"bandwidth"` // per second
	Rows      float64   `yaml:"rows"`
	Zone      string    `yaml:"zone"`
}

// readMachines lists the machines of a file and of flags. The error names every
// fault.
func readMachines(file string, flags []string) ([]sizing.Node, error) {
	var doc struct {
		Nodes []machineGroup `yaml:"nodes"`
	}
	var faults []error
	if file != "" {
		if err := role.ReadConfig(file, &doc); err != nil {
			return nil, err
		}
	}
	for _, text := range flags {
		m, err := parseMachine(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("--node %s: %w", text, err))
			continue
		}
		doc.Nodes = append(doc.Nodes, m)
	}
	var out []sizing.Node
	seen := map[string]bool{}
	for i, m := range doc.Nodes {
		nodes, err := m.nodes(maxMachines - len(out))
		if err != nil {
			faults = append(faults, fmt.Errorf("node %d %q: %w", i, m.Name, err))
		}
		for _, n := range nodes {
			if seen[n.Name] {
				faults = append(faults, fmt.Errorf("node %d: %q is there twice", i, n.Name))
			}
			seen[n.Name] = true
		}
		out = append(out, nodes...)
	}
	if len(doc.Nodes) == 0 && len(faults) == 0 {
		faults = append(faults, errors.New("there are no nodes"))
	}
	return out, errors.Join(faults...)
}

// nodes are the machines of an entry, at most room.
func (m machineGroup) nodes(room int) ([]sizing.Node, error) {
	count := max(1, m.Count)
	switch {
	case m.Name == "":
		return nil, errors.New("name is missing")
	case m.Count < 0 || count > room:
		return nil, fmt.Errorf("count is %d, want 1 to %d: a plan has at most %d machines", m.Count, room, maxMachines)
	case m.Memory <= 0:
		return nil, errors.New("memory is missing, for example 64Gi")
	case m.Bandwidth < 0 || m.Rows < 0 || math.IsNaN(m.Rows) || math.IsInf(m.Rows, 0):
		return nil, errors.New("bandwidth and rows must be numbers that are not negative; without rows, they bound no speed")
	}
	var out []sizing.Node
	for i := range count {
		n := sizing.Node{Name: m.Name, Memory: int64(m.Memory), Bandwidth: int64(m.Bandwidth), Rows: m.Rows, Zone: m.Zone}
		if count > 1 {
			n.Name = fmt.Sprintf("%s-%d", m.Name, i)
		}
		out = append(out, n)
	}
	return out, nil
}

// parseMachine reads name=NAME,memory=SIZE,...
func parseMachine(text string) (m machineGroup, err error) {
	for part := range strings.SplitSeq(text, ",") {
		key, value, found := strings.Cut(part, "=")
		if !found {
			return m, fmt.Errorf("%q: want KEY=VALUE", part)
		}
		switch key {
		case "name":
			m.Name = value
		case "zone":
			m.Zone = value
		case "count":
			m.Count, err = strconv.Atoi(value)
		case "rows":
			m.Rows, err = strconv.ParseFloat(value, 64)
		case "memory":
			err = m.Memory.Set(value)
		case "bandwidth":
			err = m.Bandwidth.Set(value)
		default:
			err = errors.New("want name, count, memory, bandwidth, rows or zone")
		}
		if err != nil {
			return m, fmt.Errorf("%s: %w", key, err)
		}
	}
	return m, nil
}
