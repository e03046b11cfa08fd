package etcd

import (
	"context"
	"errors"
	"fmt"
)

// Run runs a server until ctx ends. A server that ends by itself is an error, and
// so is a panic of its start, as etcd's is when the disk is full.
func Run(ctx context.Context, c Config) (err error) {
	defer func() {
		if why := recover(); why != nil {
			err = fmt.Errorf("etcd: %v", why)
		}
	}()
	s, err := Start(ctx, c)
	if err != nil {
		return err
	}
	defer s.Close()
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.etcd.Err():
		return fmt.Errorf("etcd: %w", err)
	case <-s.etcd.Server.StopNotify():
		return errors.New("etcd stopped by itself")
	}
}
