package expertnode

import "time"

// Stats are what a node holds and has computed.
type Stats struct {
	Ready    bool
	Resident int           // experts
	Bytes    uint64        // of these experts
	Capacity uint64        // bytes; 0 is no limit
	Rows     uint64        // computed, (row, expert) pairs
	Busy     time.Duration // that batches took
	Fetched  uint64        // bytes of weights that came from elsewhere
}

// Stats counts. It may be called from any goroutine.
func (n *Node) Stats() Stats {
	resident := len(n.resident())
	return Stats{
		Ready: n.Ready(), Resident: resident, Bytes: uint64(resident) * uint64(n.cfg.ExpertBytes), Capacity: n.cfg.Capacity,
		Rows: n.rowsServed(), Busy: n.batcher.Speed().Busy, Fetched: n.fetched(),
	}
}
