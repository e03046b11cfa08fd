package main

import "testing"

func TestConnectionsHaveProcessorsBesideThreads(t *testing.T) {
	for _, tt := range []struct{ cores, threads, want int }{
		{1, 1, 3}, {2, 2, 4}, {2, 1, 3}, {8, 2, 8}, {8, 7, 9}, {2, 4, 2},
	} {
		if got := processors(tt.cores, tt.threads); got != tt.want {
			t.Errorf("%d threads on %d cores: %d processors, expected %d", tt.threads, tt.cores, got, tt.want)
		}
	}
}
