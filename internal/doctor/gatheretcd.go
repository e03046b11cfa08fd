package doctor

import (
	"context"
	"sync"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/status"
)

// askTimeout bounds one question: who is healthy answers in milliseconds.
const askTimeout = 5 * time.Second

// gatherEtcd asks each endpoint by itself.
func gatherEtcd(ctx context.Context, where status.Where) []EtcdFacts {
	out := make([]EtcdFacts, len(where.Etcd))
	var wait sync.WaitGroup
	for i, endpoint := range where.Etcd {
		wait.Go(func() { out[i] = askEtcd(ctx, where, endpoint) })
	}
	wait.Wait()
	return out
}

func askEtcd(ctx context.Context, where status.Where, endpoint string) EtcdFacts {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	out := EtcdFacts{Endpoint: endpoint}
	where.Etcd = []string{endpoint}
	store, err := where.Store(nil)
	if err != nil {
		out.Err = err.Error()
		return out
	}
	defer store.Close()
	begin := time.Now()
	answer, err := store.Client().Status(ctx, endpoint)
	if err != nil {
		out.Err = explainEtcd(store, err)
		return out
	}
	out.Latency, out.Size, out.Quota = time.Since(begin), answer.DbSize, answer.DbSizeQuota
	out.Leader, out.Version = answer.Leader, answer.Version
	alarms, err := store.Client().AlarmList(ctx)
	if err != nil {
		return out // an operator's certificate may not list alarms: Status has their texts
	}
	for _, a := range alarms.Alarms {
		if a.Alarm != etcdserverpb.AlarmType_NONE {
			out.Alarms = append(out.Alarms, a.Alarm.String())
		}
	}
	return out
}

// explainEtcd says what is wrong with the connection, if that is known.
func explainEtcd(store *etcdstore.Store, err error) string { return store.Explain(err).Error() }
