package chaos

import (
	"reflect"
	"testing"
	"time"
)

func TestTheSameSeedGivesTheSameSchedule(t *testing.T) {
	a, b := Schedule(7, menus(true), time.Minute), Schedule(7, menus(true), time.Minute)
	if len(a) == 0 || !reflect.DeepEqual(a, b) {
		t.Errorf("%v\n%v", a, b)
	}
	if reflect.DeepEqual(a, Schedule(8, menus(true), time.Minute)) {
		t.Error("two seeds give one schedule")
	}
}

func TestAGroupHasOneFaultAtATime(t *testing.T) {
	kinds := map[Kind]int{}
	of := map[string]Menu{}
	for _, m := range menus(true) {
		of[m.Target] = m
	}
	for seed := range uint64(50) {
		free := map[string]time.Duration{}
		for _, f := range Schedule(seed, menus(true), 10*time.Minute) {
			group := of[f.Target].Group
			if f.At < free[group] || f.At >= 10*time.Minute {
				t.Fatalf("seed %d: %v at %v, its group is free at %v", seed, f, f.At, free[group])
			}
			if most, bounded := longest[f.Kind]; f.For > most || (f.For > 0) != bounded {
				t.Fatalf("seed %d: %v", seed, f)
			}
			free[group] = f.At + f.For + of[f.Target].Rest
			kinds[f.Kind]++
		}
	}
	for _, k := range []Kind{Kill, Pause, Leave, Drain, Join, Gone, Wiped, Full, Cut, Mute, Deaf, Late, Lossy, Narrow, Damaged} {
		if kinds[k] == 0 {
			t.Errorf("no %s in 50 schedules", k)
		}
	}
}
