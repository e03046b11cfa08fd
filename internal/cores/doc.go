// Package cores lets the processes of one machine share its cores: a process that has
// work may use every core that no other process uses, and together they run no more
// threads than there are cores.
//
// What it owns: the format of a budget, a small file in shared memory with a word for
// every core, which holds the number of the member that has the core. A member is a
// pool of workers of some process. There is no daemon: members take, give and pass on
// cores by compare-and-swap, and sleep in a futex of their own slot.
//
//	header   magic, version, cores, last turn, a bit for each member that waits
//	owners   one word a core: 0, or the number of a member
//	slots    one line a member: its turn while it waits, word to sleep on, beat, whether it
//	         computes without a core, and whether it is between Take and Release
//
// Invariants:
//
//   - A core has one owner. A word changes only by compare-and-swap from the owner
//     that the writer has seen, so a core can be neither lost nor doubled.
//   - Members that wait are given cores in the order of their turns. There is no count of
//     them that a killed process could leave wrong: a member waits if its bit is set and
//     its slot has a turn.
//   - No member waits for long for one that does not run: a member that has shown no beat
//     for staleAfter and is dead, or none for hungAfter and lives, loses its cores to
//     a member that wants them. A dead one holds no lock: a live member locks the byte of its
//     slot (fcntl, open file description locks), which the kernel unlocks, so that a
//     process number used again or another PID namespace deceives no member.
//   - A budget is advice. A member that waited for patience computes without a core of
//     the budget: a damaged budget makes a machine slower, and stops nothing.
//
// Concurrency: Take, Yield and Release of a member belong to one goroutine at a time;
// the other methods may be called from any.
//
// References: GNU make's jobserver, for tokens that processes share; futex(2);
// fcntl(2), "Open file description locks".
package cores
