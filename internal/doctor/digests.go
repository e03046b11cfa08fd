package doctor

import (
	"maps"
	"slices"
)

// judgeDigests compares what processes serve, and tensors with their hashes.
func judgeDigests(f Facts, out *findings) {
	if m := f.Model; m != nil {
		if m.Differs != "" {
			out.add(Fault, m.Dir, "copy the file again: its bytes changed on this machine's disk, or on the way to it", "%s", m.Differs)
		}
		if !m.Manifest && len(m.Faults) == 0 {
			out.add(Note, m.Dir, "`hachi model inspect --verify` hashes every tensor once, and nodes compare what they load from then on", "the checkpoint has no hashes to compare with")
		}
	}
	if f.Cluster == nil {
		return
	}
	s := f.Cluster.Status
	judgeFingerprints(f.Cluster.Fingerprints, s.Fingerprint, "it gets no experts", out)
	judgeFingerprints(f.Cluster.RouterFingerprints, s.Fingerprint, "its requests wait", out)
	for _, g := range s.Gateways {
		for _, p := range g.PassedOver {
			out.add(Fault, g.Gateway, "give gateway and router the same tokenizer, template and model files, then restart the one that is wrong", "it passes over %s: %s", p.Router, p.Why)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(s.Damaged)) {
		out.add(Fault, key, "find what wrote it: no process of hachi does. Its owner writes it again", "the record is passed over: %s", s.Damaged[key])
	}
}

// judgeFingerprints finds processes, by name, that compute other bits than the cluster serves.
func judgeFingerprints(prints map[string]string, served, effect string, out *findings) {
	for _, name := range slices.Sorted(maps.Keys(prints)) {
		if print := prints[name]; served != "" && print != served {
			out.add(Fault, name, "give it the model and the numerics flags of the others: `hachi model inspect` prints the digest, `hachi version` the build",
				"it computes %.12s, the cluster serves %.12s: %s", print, served, effect)
		}
	}
}
