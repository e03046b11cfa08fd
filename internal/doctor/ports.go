package doctor

// judgePorts reports listeners that cannot be opened, and two at one address.
func judgePorts(f Facts, out *findings) {
	first := map[string]string{}
	for _, p := range f.Ports {
		if p.Err != "" {
			out.add(Fault, p.Addr, "stop the program that listens there (`ss -ltnp`), or choose another address for "+p.Field, "%s cannot listen: %s", p.Field, p.Err)
		}
		if other, twice := first[p.Addr]; twice {
			out.add(Fault, p.Addr, "choose another port for one of them", "%s and %s are the same address", other, p.Field)
			continue
		}
		first[p.Addr] = p.Field
	}
}
