package doctor

import (
	"fmt"
	"io"
	"slices"

	"github.com/hachi-serve/hachi/internal/printable"
)

// Severity orders findings.
type Severity string

const (
	// Fault stops or endangers serving.
	Fault Severity = "fault"
	// Warning will become a fault, or costs speed.
	Warning Severity = "warning"
	// Note is what an operator should know of a choice; nothing is wrong.
	Note Severity = "note"
)

// Finding is one thing that a check found.
type Finding struct {
	Severity Severity `json:"severity"`
	Check    string   `json:"check"`
	Subject  string   `json:"subject,omitempty"` // a process, a file, an address
	Says     string   `json:"says"`
	Do       string   `json:"do"`
}

// findings collects those of one check.
type findings struct {
	check string
	all   []Finding
}

func (f *findings) add(s Severity, subject, do, format string, args ...any) {
	f.all = append(f.all, Finding{Severity: s, Check: f.check, Subject: subject, Says: fmt.Sprintf(format, args...), Do: do})
}

// check is one of the doctor's questions.
type check struct {
	name  string
	judge func(Facts, *findings)
}

// checks are all questions, in the order of the report.
func checks() []check {
	return []check{
		{"configuration", judgeConfiguration}, {"files", judgeFiles}, {"digests", judgeDigests}, {"ports", judgePorts},
		{"certificates", judgeCertificates}, {"etcd", judgeEtcd}, {"cluster", judgeCluster}, {"processes", judgeProcesses}, {"versions", judgeVersions}, {"clocks", judgeClocks},
		{"replicas", judgeReplicas}, {"placement", judgePlacement}, {"memory", judgeMemory}, {"kernel", judgeKernel}, {"device", judgeDevice},
	}
}

// Report is what the doctor says.
type Report struct {
	Checks   []string  `json:"checks"` // those that had facts
	Findings []Finding `json:"findings"`
}

// Examine judges facts.
func Examine(facts Facts) Report {
	out := Report{Checks: []string{}, Findings: []Finding{}}
	for _, c := range checks() {
		f := findings{check: c.name}
		c.judge(facts, &f)
		out.Findings = append(out.Findings, f.all...)
		if facts.covers(c.name) {
			out.Checks = append(out.Checks, c.name)
		}
	}
	rank := map[Severity]int{Fault: 0, Warning: 1, Note: 2}
	slices.SortStableFunc(out.Findings, func(a, b Finding) int { return rank[a.Severity] - rank[b.Severity] })
	return out
}

// Healthy reports that there is no fault and no warning.
func (r Report) Healthy() bool {
	return !slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity != Note })
}

// Print writes the report for people.
func (r Report) Print(out io.Writer) {
	for _, f := range r.Findings {
		subject := f.Subject
		if subject != "" {
			subject += ": "
		}
		printable.Fprintf(out, "%s (%s): %s%s\n    do: %s\n", string(f.Severity), f.Check, subject, f.Says, f.Do)
	}
	if r.Healthy() {
		printable.Fprintf(out, "%s\n", fmt.Sprintf("%d checks found no fault", len(r.Checks)))
	}
}
