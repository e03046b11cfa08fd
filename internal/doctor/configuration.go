package doctor

// judgeConfiguration reports every fault that the role would report at its start.
func judgeConfiguration(f Facts, out *findings) {
	if f.Config == nil {
		return
	}
	for _, fault := range f.Config.Faults {
		out.add(Fault, f.Config.Path, "correct it: `hachi config "+f.Config.Role+"` prints every field with its meaning", "%s", fault)
	}
}
