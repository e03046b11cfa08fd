package registry

import (
	"fmt"
	"strings"
	"sync"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// damage remembers which keys hold what no process of this cluster would write:
// bytes that are no record, a record of another key, numbers that no cluster
// reaches. Such a record is passed over. One line is logged when the damage is
// found and one when it is gone, however often the record is read.
type damage struct {
	mu   sync.Mutex // guards keys
	keys map[string]string
}

// maxDamaged bounds the keys that are remembered. The damage of others is not logged.
const maxDamaged = 1000

// note takes the result of reading a key, and reports whether the record counts.
func (r *Registry) note(key string, err error) bool {
	r.damage.mu.Lock()
	defer r.damage.mu.Unlock()
	before, known := r.damage.keys[key]
	switch {
	case err != nil && !known && len(r.damage.keys) == maxDamaged:
	case err != nil && before != err.Error():
		r.damage.keys[key] = err.Error()
		r.opts.Logger.Error("record is damaged", "key", key, "err", err)
	case err == nil && known:
		delete(r.damage.keys, key)
		r.opts.Logger.Warn("record is sound again", "key", key)
	}
	return err == nil
}

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
		return checkID(id, r.GetNodeId())
	case *hachiv1.RouterRecord:
		if err := checkEpochs(r.GetAckedEpoch()); err != nil {
			return err
		}
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

func checkEpochs(epochs ...uint64) error {
	for _, e := range epochs {
		if moe.Epoch(e) > moe.MaxEpoch {
			return fmt.Errorf("epoch %d, expected at most %d", e, moe.MaxEpoch)
		}
	}
	return nil
}
