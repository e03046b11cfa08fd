// Package harness starts hachi for tests: it builds the binary once, runs single
// roles and whole clusters as processes until a test ends, asks for completions
// and compares them bit for bit.
//
//	var hachi *harness.Program
//
//	func TestMain(m *testing.M) { os.Exit(harness.Main(m, &hachi)) }
//
//	func TestKilledNode(t *testing.T) {
//		cluster := hachi.Cluster(t, nil)
//		cluster.DuringAnswers(t, func() { cluster.Kill(t, "expert-1") })
//	}
//
// What it owns: the binary, a checkpoint of the preset tiny that tests only read,
// and the processes it started. The output of a process is logged if its test
// fails.
//
// Concurrency: a Program is read only; a Cluster's methods may be called from the
// test's goroutine, Complete and CompleteAll from any.
package harness
