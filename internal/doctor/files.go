package doctor

// judgeFiles reports for what a router would refuse the checkpoint.
func judgeFiles(f Facts, out *findings) {
	if f.Model == nil {
		return
	}
	for _, fault := range f.Model.Faults {
		out.add(Fault, f.Model.Dir, "copy the file again from where the model came from, or follow the text: `hachi model inspect` lists the same faults", "%s", fault)
	}
}
