package chaos

import (
	"reflect"
	"testing"
	"time"
)

func TestTheSameSeedGivesTheSameSchedule(t *testing.T) {
	a, b := Schedule(7, menus(3), time.Minute), Schedule(7, menus(3), time.Minute)
	if len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("%v\n%v", a, b)
	}
	if reflect.DeepEqual(a, Schedule(8, menus(3), time.Minute)) {
		t.Error("two seeds give one schedule")
	}
}

func TestAProcessHasOneFaultAtATime(t *testing.T) {
	kinds := map[Kind]int{}
	for seed := range uint64(50) {
		free := map[string]time.Duration{}
		for _, f := range Schedule(seed, menus(3), 10*time.Minute) {
			if f.At < free[f.Target] || f.At >= 10*time.Minute {
				t.Fatalf("seed %d: %v at %v, the process is free at %v", seed, f, f.At, free[f.Target])
			}
			if most, bounded := longest[f.Kind]; f.For > most || (f.For > 0) != bounded {
				t.Fatalf("seed %d: %v", seed, f)
			}
			free[f.Target] = f.At + f.For + recovery
			kinds[f.Kind]++
		}
	}
	for _, k := range []Kind{Kill, Pause, Leave, Drain, Gone, Wiped} {
		if kinds[k] == 0 {
			t.Errorf("no %s in 50 schedules", k)
		}
	}
}
