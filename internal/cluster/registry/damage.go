package registry

import (
	"fmt"
	"log/slog"
	"math"
	"strings"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// newDamage logs keys that hold what no process of this cluster would write: bytes that
// are no record, a record of another key, numbers that no cluster reaches. Such a record
// is passed over.
func newDamage(logger *slog.Logger) *episode.Log {
	return episode.New(logger, slog.LevelError, "record is damaged", "record is no longer damaged", "key", episode.State)
}

// note takes the result of reading a key, and reports whether the record counts.
func (r *Registry) note(key string, err error) bool {
	if err != nil {
		r.damage.FailedFor(key, err)
		return false
	}
	r.damage.Worked(key)
	return true
}

// settle notes that damaged records under a prefix are gone, unless has reports that
// their key is there.
func (r *Registry) settle(prefix string, has func(key string) bool) {
	for key := range r.damage.Lasting() {
		if strings.HasPrefix(key, prefix) && !has(key) {
			r.damage.Worked(key)
		}
	}
}

// Damaged are the keys that this registry has read and passed over, with the reason.
func (r *Registry) Damaged() map[string]string { return r.damage.Lasting() }

// decodeRecord reads the record of a key, the last part of which is its id.
func decodeRecord[T any, M message[T]](key string, raw []byte) (*T, error) {
	if err := refusal(raw); err != nil {
		return nil, err
	}
	record := new(T)
	if err := proto.Unmarshal(raw, M(record)); err != nil {
		return nil, err
	}
	return record, checkRecord(key[strings.LastIndexByte(key, '/')+1:], record)
}

// checkRecord reports what a record says that cannot be so.
func checkRecord(id string, record any) error {
	switch r := record.(type) {
	case *hachiv1.NodeRecord:
		if err := checkEpochs(r.GetEpoch(), r.GetTargetEpoch()); err != nil {
			return err
		}
		if _, err := moepb.TopologyFromProto(r.GetExpertsPerLayer()); err != nil {
			return err
		}
		if _, err := moepb.ShardFromProto(r.GetResident()); err != nil {
			return err
		}
		if err := checkMeasured(r.GetExpertSeconds(), r.GetRowSeconds(), r.GetLoadBytesPerSecond(), r.GetBusySeconds()); err != nil {
			return err
		}
		return checkID(id, r.GetNodeId())
	case *hachiv1.RouterRecord:
		if err := checkEpochs(r.GetAckedEpoch()); err != nil {
			return err
		}
		return checkID(id, r.GetRouterId())
	case *hachiv1.RouterLoad:
		return checkID(id, r.GetRouterId())
	case *hachiv1.GatewayRecord:
		return checkID(id, r.GetGatewayId())
	}
	return nil
}

func checkID(key, record string) error {
	if key != record {
		return fmt.Errorf("the record is of %q, expected %q, as its key says", record, key)
	}
	return nil
}

// checkMeasured refuses what cannot have been measured: a plan computes with it.
func checkMeasured(values ...float64) error {
	for _, v := range values {
		if !(v >= 0) || math.IsInf(v, 1) {
			return fmt.Errorf("measured %g, expected a finite number that is not negative", v)
		}
	}
	return nil
}

func checkEpochs(epochs ...uint64) error {
	for _, e := range epochs {
		if moe.Epoch(e) > moe.MaxEpoch {
			return fmt.Errorf("epoch %d, expected at most %d", e, moe.MaxEpoch)
		}
	}
	return nil
}
