package placement

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/bench/cell"
)

// cgroups is where Linux mounts control groups.
const cgroups = "/sys/fs/cgroup"

// quotas are control groups: one for each process whose CPU time is limited, and one
// for all others of the measurement, this process too. Together they go before other
// work of the machine, so that a node gets what it is given.
type quotas struct {
	root, parent string // directories; "" limits nothing
	groups       map[string]string
}

// others is the group of the processes without a limit.
const others = "others"

// limit makes a control group for each name: cores[i] is the share of a core that
// names[i] gets. It needs root.
func limit(names []string, cores []float64) (_ *quotas, err error) {
	q := &quotas{groups: map[string]string{}}
	if len(cores) == 0 {
		return q, nil
	}
	root, version2, err := controller(cgroups)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("limit the CPU time of expert nodes, which needs root: %w", errors.Join(err, q.close()))
		}
	}()
	q.root, q.parent = root, filepath.Join(root, fmt.Sprintf("hachi-bench-%d", os.Getpid()))
	if err := os.Mkdir(q.parent, 0o750); err != nil {
		return q, err
	}
	weight, most := "cpu.shares", "262144"
	if version2 {
		weight, most = "cpu.weight", "10000"
		for _, dir := range []string{root, q.parent} {
			if err := write(filepath.Join(dir, "cgroup.subtree_control"), "+cpu"); err != nil {
				return q, err
			}
		}
	}
	if err := write(filepath.Join(q.parent, weight), most); err != nil {
		return q, err
	}
	for i, name := range append(slices.Clone(names), others) {
		group := filepath.Join(q.parent, name)
		if err := os.Mkdir(group, 0o750); err != nil {
			return q, err
		}
		q.groups[name] = group
		if name == others {
			return q, write(filepath.Join(group, processes), strconv.Itoa(os.Getpid()))
		}
		if err := setQuota(group, version2, cores[i]); err != nil {
			return q, err
		}
	}
	return q, nil
}

// processes is the file of a group that takes the number of a process.
const processes = "cgroup.procs"

// controller is the directory of the hierarchy that limits CPU time.
func controller(at string) (root string, version2 bool, err error) {
	if list, err := os.ReadFile(filepath.Join(at, "cgroup.controllers")); err == nil && strings.Contains(string(list), "cpu") {
		return at, true, nil
	}
	root = filepath.Join(at, "cpu")
	if _, err := os.Stat(filepath.Join(root, "cpu.cfs_quota_us")); err != nil {
		return "", false, fmt.Errorf("--cores needs control groups for CPU time (Linux): %w", err)
	}
	return root, false, nil
}

func setQuota(group string, version2 bool, cores float64) error {
	period := int(cell.QuotaPeriod.Microseconds())
	quota := strconv.Itoa(int(cores * float64(period)))
	if version2 {
		return write(filepath.Join(group, "cpu.max"), fmt.Sprintf("%s %d", quota, period))
	}
	return errors.Join(write(filepath.Join(group, "cpu.cfs_period_us"), strconv.Itoa(period)), write(filepath.Join(group, "cpu.cfs_quota_us"), quota))
}

func write(path, value string) error { return os.WriteFile(path, []byte(value), 0o600) }

// exec is the command line that starts a process in its control group.
func (q *quotas) exec(name string, argv []string) []string {
	group, limited := q.groups[name]
	if !limited {
		return argv
	}
	return append([]string{"/bin/sh", "-c", `echo $$ > "$0" && exec "$@"`, filepath.Join(group, processes)}, argv...)
}

// close removes the groups, whose processes have ended, and gives this process back.
func (q *quotas) close() error {
	if q.parent == "" {
		return nil
	}
	all := []error{write(filepath.Join(q.root, processes), strconv.Itoa(os.Getpid()))}
	for _, group := range q.groups {
		all = append(all, os.Remove(group))
	}
	return errors.Join(append(all, os.Remove(q.parent))...)
}
