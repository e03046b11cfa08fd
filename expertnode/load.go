package expertnode

import (
	"math"
	"time"
)

// loadWrites bounds how many records of load all nodes write in a second.
const loadWrites = 100

// LoadEvery is the time between the records of load of one node of a cluster:
//
//	max(reportEvery, nodes / loadWrites)
//
// so that one etcd carries any number of nodes.
func LoadEvery(nodes int) time.Duration {
	return max(reportEvery, time.Duration(nodes)*time.Second/loadWrites)
}

// settled is the change of a measured value that is worth a new plan.
const settled = 0.1

// settle keeps a reported value until the measured one differs by more than a
// tenth: plans that compare nodes should not follow noise.
func settle(reported *float64, measured float64) {
	if math.Abs(measured-*reported) > settled**reported {
		*reported = measured
	}
}
