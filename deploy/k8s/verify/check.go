package verify

import "fmt"

// faults collects everything wrong with the manifests.
type faults []error

func (f *faults) addf(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// Check reports everything wrong with an overlay. Nil means that nothing is.
func Check(m *Manifests) []error {
	var f faults
	if !m.whole(&f) {
		return f // what follows needs all components
	}
	m.checkReferences(&f)
	m.checkAddresses(&f)
	m.checkAvailability(&f)
	m.checkSecurity(&f)
	m.checkEdges(&f)
	m.checkRules(&f)
	m.checkCluster(&f)
	m.checkMemory(&f)
	m.checkState(&f)
	m.checkSecrets(&f)
	m.checkIdentity(&f)
	m.checkVolumesOfClaims(&f)
	m.checkScaling(&f)
	m.checkMonitors(&f)
	m.checkRoutes(&f)
	return f
}

// components are the parts of a cluster.
var components = []string{"etcd", "coordinator", "expertnode", "router", "gateway"}

// whole reports whether there is one workload of one container per component.
func (m *Manifests) whole(f *faults) bool {
	for _, c := range components {
		if m.Workload(c) == nil {
			f.addf("no workload has the label %s: %s", componentLabel, c)
		}
	}
	if n := len(m.Workloads()); n != len(components) {
		f.addf("%d workloads, want one for each of %v", n, components)
	}
	for _, w := range m.Workloads() {
		if len(w.Template.Spec.Containers) != 1 {
			f.addf("%s: want one container", w.Name)
		}
	}
	return len(*f) == 0
}
