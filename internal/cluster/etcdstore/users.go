package etcdstore

import (
	"context"
	"errors"
	"fmt"

	"go.etcd.io/etcd/api/v3/v3rpc/rpctypes"
	clientv3 "go.etcd.io/etcd/client/v3"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
)

// rootUser is the user and the role that etcd requires before it authenticates.
const rootUser = "root"

// writes are the keys that a user writes, under the cluster's prefix. Every user
// reads the whole prefix.
func writes() map[identity.Role][]string {
	return map[identity.Role][]string{
		identity.Expert:      {"nodes/", "names/" + registry.ExpertNodeRole + "/"},
		identity.Router:      {"routers/", "loads/", "names/" + registry.RouterRole + "/"},
		identity.Gateway:     {"gateways/", "names/" + registry.GatewayRole + "/"},
		identity.Coordinator: {""},
	}
}

// Restrict gives the users of etcd, which are the roles in certificates, the keys of
// a cluster that they need, and turns authentication on. It may be called again,
// for another cluster too. The operator administers etcd.
func (s *Store) Restrict(ctx context.Context, cluster string) error {
	prefix := registry.Prefix(cluster)
	var all []error
	try := func(err error) {
		for _, known := range []error{rpctypes.ErrRoleAlreadyExist, rpctypes.ErrUserAlreadyExist} {
			if errors.Is(err, known) {
				return
			}
		}
		all = append(all, err)
	}
	add := func(user string) {
		_, err := s.cli.RoleAdd(ctx, user)
		try(err)
		_, err = s.cli.UserAddWithOptions(ctx, user, "", &clientv3.UserAddOptions{NoPassword: true})
		try(err)
		_, err = s.cli.UserGrantRole(ctx, user, user)
		try(err)
	}
	for role, keys := range writes() {
		user := string(role)
		add(user)
		_, err := s.cli.RoleGrantPermission(ctx, user, prefix, clientv3.GetPrefixRangeEnd(prefix), clientv3.PermissionType(clientv3.PermRead))
		try(err)
		for _, key := range keys {
			_, err := s.cli.RoleGrantPermission(ctx, user, prefix+key, clientv3.GetPrefixRangeEnd(prefix+key), clientv3.PermissionType(clientv3.PermReadWrite))
			try(err)
		}
	}
	add(rootUser)
	add(string(identity.Operator))
	_, err := s.cli.UserGrantRole(ctx, string(identity.Operator), rootUser)
	try(err)
	if err := errors.Join(all...); err != nil {
		return fmt.Errorf("users of etcd: %w", err)
	}
	if _, err := s.cli.AuthEnable(ctx); err != nil {
		return fmt.Errorf("authentication of etcd: %w", err)
	}
	return nil
}
