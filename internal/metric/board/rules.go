package board

import (
	"strings"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/metric"
)

// runbook is where alerts link to.
const runbook = "https://github.com/hachi-serve/hachi/blob/main/docs/operations.md#"

// recording names an expression.
type recording struct{ name, expr string }

// alert says that a person should act.
type alert struct {
	name, expr, lasts, severity, summary string
}

// anchor is the alert's heading in docs/operations.md, as a link names it.
func (a alert) anchor() string { return strings.ToLower(a.name) }

// Severities: a page wakes a person, a ticket waits until the morning.
const (
	page = "critical"
	note = "warning"
)

// Names of recorded expressions, as Prometheus recommends: level:metric:operations.
const (
	firstTokenP99 = "job:hachi_time_to_first_token_seconds:p99_5m"
	nextTokenP99  = "job:hachi_inter_token_latency_seconds:p99_5m"
	callP99       = "node:hachi_dispatch_call_duration_seconds:p99_5m"
	tokensPerSec  = "cluster:hachi_generation_tokens:rate5m"
	hedgedShare   = "instance:hachi_dispatch_hedged_rows:ratio_rate5m"
	errorShare    = "instance:hachi_sequences_failed:ratio_rate5m"
	expertSkew    = "layer:hachi_expert_rows:skew_rate5m"
)

func recordings() []recording {
	rows := fixed.sumRate(metric.ExpertRows, "layer", "expert")
	failed := sum("rate("+metric.Finished.Name+`{reason="error"}[`+string(fixed)+"])", "instance")
	return []recording{
		{firstTokenP99, fixed.quantile(0.99, metric.FirstToken, "job")},
		{nextTokenP99, fixed.quantile(0.99, metric.NextToken, "job")},
		{callP99, fixed.quantile(0.99, metric.CallTime, "node")},
		{tokensPerSec, sum(ofRouters(fixed.rate(metric.GeneratedTokens)))},
		{hedgedShare, ratio(fixed.sumRate(metric.HedgedRows, "instance"), fixed.sumRate(metric.SentRows, "instance"))},
		{errorShare, ratio(failed, fixed.sumRate(metric.Finished, "instance"))},
		{expertSkew, ratio(maxOf(rows, "layer"), "avg by (layer) ("+rows+")")},
	}
}

func alerts() []alert {
	left := "(" + metric.CertificateEnd.Name + " - time())"
	return []alert{
		{"HachiNoLeader", "(" + sum(metric.Leading.Name) + " or vector(0)) < 1", "2m", page, "No coordinator leads: the placement is frozen."},
		{"HachiDegraded", maxOf(metric.Degraded.Name) + " > 0", "15m", note, "The placement is not what the policy asks for."},
		{"HachiStepsAbandoned", fixed.sumRate(metric.StepsAbandoned) + " > 0", "1m", page, "Requests pause: an expert has no live replica."},
		{"HachiNodesMissing", sum(metric.NodesNeeded.Name) + " > " + sum(metric.NodesKnown.Name), "15m", note,
			"Load, memory or replicas need more expert nodes than there are."},
		{"HachiNodeNotReady", metric.NodeReady.Name + " == 0", "15m", note, "Expert node {{ $labels.instance }} does not hold the experts of its target."},
		{"HachiNodeSuspected", sum(metric.NodeSuspected.Name, "node") + " > 0", "2m", note, "Routers suspect expert node {{ $labels.node }}."},
		{"HachiFailovers", fixed.sumRate(metric.Failovers, "node") + " > 0.1", "10m", note, "Calls to expert node {{ $labels.node }} fail over to other replicas."},
		{"HachiHedgingAtItsBound", hedgedShare + " > 0.045", "15m", note, "Router {{ $labels.instance }} sends nearly as many rows twice as it may."},
		{"HachiRouterRunsLate", metric.LocalHealth.Name + " > 2", "10m", note, "The machine of router {{ $labels.instance }} is overloaded."},
		{"HachiPlacementsDiffer", maxOf(metric.PlacementEpoch.Name) + " - min(" + metric.PlacementEpoch.Name + ") > 0", "5m", note, "Routers use different placements."},
		{"HachiRequestsRejected", fixed.sumRate(metric.Rejected) + " > 0", "5m", page, "The queue is full: clients get 429."},
		{"HachiRequestsWait", sum(metric.Waiting.Name) + " > 0 and " + maxOf(metric.KVUsage.Name) + " > 0.95", "15m", note, "Requests wait because the KV cache is full."},
		{"HachiRequestsFail", errorShare + " > 0.01", "5m", page, "More than 1 % of the requests of router {{ $labels.instance }} end with an error."},
		{"HachiRouterSuspected", maxOf(metric.RouterSuspected.Name, "router") + " > 0", "2m", note, "Gateways send router {{ $labels.router }} no answers."},
		{"HachiAnswersMove", fixed.sumRate(metric.AnswersMoved, "reason") + " > 0.1", "10m", note, "Answers go on at other routers: {{ $labels.reason }}."},
		{"HachiCertificateEnds", left + " < 4 * 86400 and " + left + " < 0.1 * (" + metric.CertificateEnd.Name + " - " + metric.CertificateBegin.Name + ")", "15m", note,
			"The certificate of {{ $labels.instance }} for {{ $labels.certificate }} ends soon."},
		{"HachiProcessRestarts", "changes(" + metric.ProcessStart.Name + `{job=~".*hachi.*"}[30m]) > 3`, "0m", note, "{{ $labels.instance }} starts again and again."},
		{"HachiFilesRunOut", ratio(metric.OpenFiles.Name+`{job=~".*hachi.*"}`, metric.MaxOpenFiles.Name) + " > 0.8", "10m", note, "{{ $labels.instance }} has nearly all files open that it may."},
	}
}

// The PrometheusRule of the Prometheus operator. Its spec is a file of rules of
// Prometheus itself.
type (
	prometheusRule struct {
		APIVersion string            `yaml:"apiVersion"`
		Kind       string            `yaml:"kind"`
		Metadata   map[string]string `yaml:"metadata"`
		Spec       ruleGroups        `yaml:"spec"`
	}
	ruleGroups struct {
		Groups []ruleGroup `yaml:"groups"`
	}
	ruleGroup struct {
		Name  string `yaml:"name"`
		Rules []rule `yaml:"rules"`
	}
	rule struct {
		Record      string            `yaml:"record,omitempty"`
		Alert       string            `yaml:"alert,omitempty"`
		Expr        string            `yaml:"expr"`
		For         string            `yaml:"for,omitempty"`
		Labels      map[string]string `yaml:"labels,omitempty"`
		Annotations map[string]string `yaml:"annotations,omitempty"`
	}
)

// rules renders the PrometheusRule.
func rules() ([]byte, error) {
	recorded, alerting := ruleGroup{Name: "hachi-recorded"}, ruleGroup{Name: "hachi-alerts"}
	for _, r := range recordings() {
		recorded.Rules = append(recorded.Rules, rule{Record: r.name, Expr: r.expr})
	}
	for _, a := range alerts() {
		alerting.Rules = append(alerting.Rules, rule{
			Alert: a.name, Expr: a.expr, For: a.lasts, Labels: map[string]string{"severity": a.severity},
			Annotations: map[string]string{"summary": a.summary, "runbook_url": runbook + a.anchor()},
		})
	}
	return yaml.Marshal(prometheusRule{
		APIVersion: "monitoring.coreos.com/v1", Kind: "PrometheusRule", Metadata: map[string]string{"name": "hachi"},
		Spec: ruleGroups{[]ruleGroup{recorded, alerting}},
	})
}
