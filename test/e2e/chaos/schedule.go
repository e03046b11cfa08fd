package chaos

import (
	"fmt"
	"math/rand/v2"
	"time"
)

// Kind is what happens to a process or a disk.
type Kind string

const (
	Kill    Kind = "kill"    // SIGKILL; it is started again
	Pause   Kind = "pause"   // SIGSTOP, and SIGCONT after a while
	Leave   Kind = "leave"   // SIGTERM; it is started again
	Drain   Kind = "drain"   // its experts are placed elsewhere, and back after a while
	Join    Kind = "join"    // it is started, and leaves after a while
	Gone    Kind = "gone"    // killed, and started again after a while
	Wiped   Kind = "wiped"   // killed, and started again without its data
	Full    Kind = "full"    // its disk has no room for a while
	Cut     Kind = "cut"     // its packets vanish both ways for a while
	Mute    Kind = "mute"    // the packets that it sends vanish for a while
	Deaf    Kind = "deaf"    // the packets that it should receive vanish for a while
	Late    Kind = "late"    // its packets are late, and overtake each other, for a while
	Lossy   Kind = "lossy"   // some of its packets vanish, some come twice, for a while
	Narrow  Kind = "narrow"  // it has little bandwidth for a while
	Damaged Kind = "damaged" // bits of its packets are flipped for a while, unseen by TCP
)

// Fault is one entry of a schedule.
type Fault struct {
	At     time.Duration // from the start of the schedule
	Kind   Kind
	Target string        // the name of a process
	For    time.Duration // until it ends; 0 for a kind that ends by itself
	// Group has one fault at a time, and Rest without one after it.
	Group string
	Rest  time.Duration
}

// String implements fmt.Stringer.
func (f Fault) String() string {
	if f.For == 0 {
		return fmt.Sprintf("%s %s", f.Kind, f.Target)
	}
	return fmt.Sprintf("%s %s for %v", f.Kind, f.Target, f.For)
}

// Menu is what may happen to one process.
type Menu struct {
	Target string
	Kinds  []Kind
	Group  string
	Rest   time.Duration
}

// longest is how long a fault of a kind takes at most.
var longest = map[Kind]time.Duration{
	Pause: 6 * time.Second, Drain: 5 * time.Second, Join: 12 * time.Second, Gone: 12 * time.Second, Full: 12 * time.Second,
	Cut: 8 * time.Second, Mute: 8 * time.Second, Deaf: 8 * time.Second,
	Late: 12 * time.Second, Lossy: 12 * time.Second, Narrow: 12 * time.Second, Damaged: 12 * time.Second,
}

// maxGap is the largest time between the beginnings of two faults.
const maxGap = 3 * time.Second

// Schedule draws faults for a duration.
func Schedule(seed uint64, menus []Menu, d time.Duration) []Fault {
	r := rand.New(rand.NewPCG(seed, 8))
	busy := map[string]time.Duration{}
	var out []Fault
	for at := gap(r); at < d; at += gap(r) {
		m := menus[r.IntN(len(menus))]
		f := Fault{At: at, Kind: m.Kinds[r.IntN(len(m.Kinds))], Target: m.Target, Group: m.Group, Rest: m.Rest}
		if most := longest[f.Kind]; most > 0 {
			f.For = time.Second/2 + time.Duration(r.Int64N(int64(most-time.Second/2))).Round(time.Millisecond)
		}
		if busy[m.Group] > at {
			continue
		}
		busy[m.Group] = at + f.For + m.Rest
		out = append(out, f)
	}
	return out
}

func gap(r *rand.Rand) time.Duration {
	return time.Duration(r.Int64N(int64(maxGap))).Round(time.Millisecond)
}
