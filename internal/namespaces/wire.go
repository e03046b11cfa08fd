package namespaces

import "time"

// Wire says how the packets of a process travel while Disturb lasts, those that it
// sends and those that it receives alike. The zero value carries every packet at once.
type Wire struct {
	// Delay comes before every packet; Jitter adds up to as much again, by chance, so
	// that packets overtake each other.
	Delay, Jitter time.Duration
	// Loss, Twice and Damage are shares of the packets, 0 to 1: those that vanish, those
	// that arrive a second time, and those of TCP and UDP that arrive with one bit of
	// their payload flipped and a checksum that hides it.
	Loss, Twice, Damage float64
	// Rate is the bandwidth of each direction in bytes per second; 0 is no limit.
	Rate int
}
